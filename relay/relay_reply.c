#include <string.h>

#include "relay/relay_reply.h"

enum { WORDS_MAX = 500 };	/* of one reply in a result */

void
reply_reset(struct reply *r)
{
	r->code = 0;
	r->lines = 0;
	buf_reset(&r->text);
}

void
reply_clear(struct reply *r)
{
	buf_clear(&r->text);
	reply_reset(r);
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reply-code = %x32-35 %x30-35 %x30-39; some servers use 6 to 9 inside. */
static int
line_code(const char *p, size_t len)
{
	if (len < 3 || p[0] < '2' || p[0] > '5' || !is_digit(p[1]) ||
	    !is_digit(p[2]))
		return -1;
	if (len > 3 && p[3] != ' ' && p[3] != '-')
		return -1;
	return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
}

static void
keep_text(struct buf *b, const char *p, size_t len)
{
	size_t i;

	if (buf_reserve(b, len + 1) == -1)
		return;
	for (i = 0; i < len; i++)
		buf_putc(b, p[i] >= ' ' && p[i] <= '~' ? p[i] :
		    p[i] == '\t' ? ' ' : '?');
	buf_putc(b, '\n');
}

int
reply_line(struct reply *r, const char *p, size_t len)
{
	int code = line_code(p, len);

	if (code == -1 || ++r->lines > REPLY_LINES_MAX)
		return -1;
	/* "the reply code must be the same on each line": else no reply */
	if (r->code != 0 && r->code != code)
		return -1;
	r->code = code;
	keep_text(&r->text, p + (len > 3 ? 4 : 3), len - (len > 3 ? 4 : 3));
	return len > 3 && p[3] == '-' ? 0 : 1;
}

int
reply_class(const struct reply *r)
{
	return r->code / 100;
}

const char *
reply_next(const struct reply *r, size_t *at, size_t *len_r)
{
	const char *p, *end;

	if (*at >= r->text.len)
		return NULL;
	p = r->text.data + *at;
	end = memchr(p, '\n', r->text.len - *at);
	*len_r = (size_t)(end - p);
	*at += *len_r + 1;
	return p;
}

/*
 * RFC 3463: status-code = class "." subject "." detail, 1 to 3 digits each.
 * Returns its length at p, 0 if there is none.
 */
static size_t
enhanced_code(const char *p, size_t len, int cls)
{
	size_t i = 0, part, n;

	for (part = 0; part < 3; part++) {
		if (part > 0 && (i >= len || p[i++] != '.'))
			return 0;
		for (n = 0; i < len && is_digit(p[i]); i++)
			n++;
		if (n == 0 || n > 3)
			return 0;
	}
	if (i < 5 || p[0] != '0' + cls || p[1] != '.' ||
	    (i < len && p[i] != ' '))
		return 0;
	return i;
}

void
reply_words(const struct reply *r, const char *host, struct buf *out)
{
	size_t at = 0, len, left, code, start = out->len;
	const char *p = reply_next(r, &at, &len);
	int cls = reply_class(r) == 3 ? 4 : reply_class(r);

	code = p == NULL ? 0 : enhanced_code(p, len, cls);
	if (code > 0)
		buf_append(out, p, code);
	else
		buf_printf(out, "%d.0.0", cls);
	buf_printf(out, " %s said: %d", host, r->code);
	for (; p != NULL && out->len - start < WORDS_MAX;
	    p = reply_next(r, &at, &len)) {
		buf_putc(out, ' ');
		left = WORDS_MAX - (out->len - start);
		buf_append(out, p, len < left ? len : left);
	}
}
