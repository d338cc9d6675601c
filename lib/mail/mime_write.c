#include <ctype.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/mail/mime_write.h"

enum {
	PIECE = 16 * 1024,	/* octets of text that go on together */
	QUOTED_MAX = 75,	/* of a line, and a "=" behind (RFC 2045 6.7) */
	BASE64_LINE = 57,	/* octets that make BASE64_MAX letters */
	BASE64_MAX = 76,
};

void
mime_write_init(struct mime_writer *w, const char *data,
    void (*put)(void *, const char *, size_t), void *arg)
{
	memset(w, 0, sizeof(*w));
	w->data = data;
	w->put = put;
	w->arg = arg;
}

static void
put_text(struct mime_writer *w)
{
	if (w->text.len == 0)
		return;
	w->last = w->text.data[w->text.len - 1];
	w->put(w->arg, w->text.data, w->text.len);
	buf_reset(&w->text);
}

/* The stretch that stands as it was; text is from before it. */
static void
put_raw(struct mime_writer *w)
{
	if (w->from == w->at)
		return;
	put_text(w);
	w->last = w->data[w->at - 1];
	w->put(w->arg, w->data + w->from, w->at - w->from);
	w->from = w->at;
}

void
mime_write_raw(struct mime_writer *w, size_t to)
{
	/* A message's header may end behind its part. */
	if (to > w->at)
		w->at = to;
}

void
mime_write_skip(struct mime_writer *w, size_t to)
{
	put_raw(w);
	w->at = w->from = to;
}

struct buf *
mime_write_text(struct mime_writer *w)
{
	put_raw(w);
	if (w->text.len >= PIECE)
		put_text(w);
	return &w->text;
}

void
mime_write_end(struct mime_writer *w, int put)
{
	if (put) {
		put_raw(w);
		put_text(w);
	}
	buf_clear(&w->text);
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t
mime_quoted_more(const char *p, size_t len)
{
	const char *end = p + len;
	char before = '\n', c;
	size_t n = 0;

	for (; p < end; before = c) {
		c = *p++;
		if (c == '\n')
			n += is_blank(before) + (before != '\r');
		else if (c == '\r' && p < end && *p == '\n')
			n += is_blank(before);
		else
			n += (c < ' ' && c != '\t') || c > 0x7e || c == '=' ||
			    (c == '-' && before == '\n');
	}
	return n + is_blank(before);
}

/* Whether p goes out as it is where col octets of its line are out. */
static int
quoted_plain(const char *p, const char *end, size_t col)
{
	if (is_blank(*p))
		return p + 1 < end && p[1] != '\r' && p[1] != '\n';
	/* No new line may be a delimiter of a multipart. */
	return *p > ' ' && *p < 0x7f && *p != '=' && !(col == 0 && *p == '-');
}

static size_t
quoted_octet(char *to, char c)
{
	static const char hex[] = "0123456789ABCDEF";

	to[0] = '=';
	to[1] = hex[(unsigned char)c >> 4];
	to[2] = hex[c & 15];
	return 3;
}

/* One line of output; returns where it ends in the data. */
static const char *
quoted_line(const char *p, const char *end, struct buf *out)
{
	char line[QUOTED_MAX + 3];
	size_t col = 0;
	int plain;

	for (; p < end; p++) {
		if (*p == '\r' && p + 1 < end && p[1] == '\n')
			continue;
		if (*p == '\n')
			break;
		plain = quoted_plain(p, end, col);
		if (col + (plain ? 1 : 3) > QUOTED_MAX)
			break;
		if (plain)
			line[col++] = *p;
		else
			col += quoted_octet(line + col, *p);
	}
	if (p < end && *p != '\n')
		line[col++] = '=';
	if (p < end) {
		line[col++] = '\r';
		line[col++] = '\n';
	}
	buf_append(out, line, col);
	return p < end && *p == '\n' ? p + 1 : p;
}

void
mime_write_quoted(struct mime_writer *w, size_t to)
{
	const char *p = w->data + w->at, *end = w->data + to;

	while (p < end)
		p = quoted_line(p, end, mime_write_text(w));
	mime_write_skip(w, to);
}

void
mime_write_base64(struct mime_writer *w, size_t to)
{
	size_t at = w->at, n;
	struct buf *out;

	for (; at < to; at += n) {
		n = to - at < BASE64_LINE ? to - at : BASE64_LINE;
		out = mime_write_text(w);
		base64_encode(out, w->data + at, n);
		if (n < to - at)
			buf_puts(out, "\r\n");
	}
	mime_write_skip(w, to);
}

/* The line at p: its octets without the end of it; *next_r is the next one. */
static size_t
line_of(const char *p, const char *end, const char **next_r)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	*next_r = lf != NULL ? lf + 1 : end;
	if (lf == NULL)
		lf = end;
	return (size_t)(lf - p) - (lf > p && lf[-1] == '\r');
}

/* How many octets of a longer line of quoted-printable one line takes. */
static size_t
quoted_piece(const char *p)
{
	/* What a "-" at the front becomes has room, too. */
	size_t n = QUOTED_MAX - 2;

	/* "=XX" stays whole. */
	return p[n - 1] == '=' ? n - 1 : p[n - 2] == '=' ? n - 2 : n;
}

/* Whether each "=" is that of an octet, or the line's last. */
static int
quoted_sound(const char *p, size_t len)
{
	const char *end = p + len;

	while ((p = memchr(p, '=', (size_t)(end - p))) != NULL) {
		if (++p == end)
			return 1;
		if (end - p < 2 || !isxdigit((unsigned char)p[0]) ||
		    !isxdigit((unsigned char)p[1]))
			return 0;
	}
	return 1;
}

/* Readers do not agree on what a stray "=" says: such a line stays. */
static int
wrap_quoted_line(struct mime_writer *w, const char *p, size_t len)
{
	struct buf *out;
	size_t n;

	if (!quoted_sound(p, len))
		return 0;
	for (; len > 0; p += n, len -= n) {
		n = len > QUOTED_MAX - 2 ? quoted_piece(p) : len;
		out = mime_write_text(w);
		buf_append(out, *p == '-' ? "=2D" : p, *p == '-' ? 3 : 1);
		buf_append(out, p + 1, n - 1);
		if (n < len)
			buf_puts(out, "=\r\n");
	}
	return 1;
}

static int
wrap_base64_line(struct mime_writer *w, const char *p, size_t len)
{
	struct buf *out;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len > BASE64_MAX ? BASE64_MAX : len;
		/* No digit: what is no base64 shall not become a delimiter. */
		while (n < len && p[n] == '-')
			n++;
		out = mime_write_text(w);
		buf_append(out, p, n);
		if (n < len)
			buf_puts(out, "\r\n");
	}
	return 1;
}

/* line: 0 where the line stays as it is. */
static void
wrap(struct mime_writer *w, size_t to, size_t max,
    int (*line)(struct mime_writer *, const char *, size_t))
{
	const char *p = w->data + w->at, *end = w->data + to, *next;
	size_t len;

	for (; p < end; p = next) {
		len = line_of(p, end, &next);
		if (len > max && line(w, p, len))
			mime_write_skip(w, (size_t)(p - w->data) + len);
		mime_write_raw(w, (size_t)(next - w->data));
	}
}

void
mime_wrap_quoted(struct mime_writer *w, size_t to, size_t max)
{
	wrap(w, to, max, wrap_quoted_line);
}

void
mime_wrap_base64(struct mime_writer *w, size_t to, size_t max)
{
	wrap(w, to, max, wrap_base64_line);
}
