#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/header.h"

void
header_init(struct header *h, const char *p, size_t len)
{
	h->p = p;
	h->end = p + len;
}

/* The end of the line at p, with its LF. */
static const char *
line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf != NULL ? lf + 1 : end;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 5322 2.2: field-name is printable US-ASCII but the colon. */
static size_t
name_len(const char *p, const char *end)
{
	const char *s = p;

	while (s < end && *s > 32 && *s < 127 && *s != ':')
		s++;
	return (size_t)(s - p);
}

static void
field_set(struct header_field *f, const char *p, const char *end)
{
	const char *colon;

	f->p = f->name = p;
	f->len = (size_t)(end - p);
	if (end > p && end[-1] == '\n')
		end--;
	if (end > p && end[-1] == '\r')
		end--;
	f->name_len = name_len(p, end);
	/* RFC 5322 4.5: obsolete fields have blanks before the colon. */
	for (colon = p + f->name_len; colon < end && is_blank(*colon);)
		colon++;
	if (f->name_len == 0 || colon == end || *colon != ':') {
		f->name_len = 0;
		colon = p - 1;
	}
	f->value = colon + 1;
	f->value_len = (size_t)(end - f->value);
}

int
header_next(struct header *h, struct header_field *f)
{
	const char *p = h->p, *end;

	if (p == h->end)
		return 0;
	end = line_end(p, h->end);
	if (*p == '\n' || (*p == '\r' && end - p == 2)) {
		h->p = end;
		h->end = end;
		return 0;
	}
	while (end < h->end && is_blank(*end))
		end = line_end(end, h->end);
	h->p = end;
	field_set(f, p, end);
	return 1;
}

int
header_is(const struct header_field *f, const char *name)
{
	return f->name_len > 0 && str_is(f->name, f->name_len, name);
}

int
header_find(const char *p, size_t len, const char *name,
    struct header_field *f)
{
	struct header h;

	header_init(&h, p, len);
	while (header_next(&h, f))
		if (header_is(f, name))
			return 1;
	return 0;
}

int
header_value(const struct header_field *f, struct buf *out)
{
	const char *p = f->value, *end = p + f->value_len, *lf;

	while (p < end && (is_blank(*p) || *p == '\r' || *p == '\n'))
		p++;
	while (end > p && (is_blank(end[-1]) || end[-1] == '\r' ||
	    end[-1] == '\n'))
		end--;
	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return buf_append(out, p, (size_t)(end - p));
		if (buf_append(out, p, (size_t)(lf - p) -
		    (lf > p && lf[-1] == '\r')) == -1)
			return -1;
	}
	return 0;
}

void
header_fold(const char *p, size_t len, struct buf *out)
{
	const char *end = p + len, *s, *word;
	size_t col = 0;
	int begun = 0;

	for (; p < end; p = s) {
		for (word = p; word < end && is_blank(*word);)
			word++;
		for (s = word; s < end && !is_blank(*s) &&
		    *s != '\r' && *s != '\n';)
			s++;
		/* Never before the first word, nor a line of blanks alone. */
		if (begun && word > p && s > word &&
		    col + (size_t)(s - p) > HEADER_FOLD) {
			buf_puts(out, "\r\n");
			col = 0;
		}
		begun |= word > p && s > word;
		while (s < end && (*s == '\r' || *s == '\n'))
			s++;
		buf_append(out, p, (size_t)(s - p));
		col = s[-1] == '\n' ? 0 : col + (size_t)(s - p);
		/* What follows a line end that was there is a first word. */
		if (s[-1] == '\n')
			begun = 0;
	}
}

static void
count_field(const struct header_field *f, struct header_counts *c)
{
	c->fields++;
	if (f->name_len == 0)
		c->malformed++;
	else if (header_is(f, "Received"))
		c->received++;
	else if (header_is(f, "Date"))
		c->has_date = 1;
	else if (header_is(f, "Message-ID")) {
		if (!c->has_message_id)
			c->message_id = *f;
		c->has_message_id = 1;
	}
	else if (header_is(f, "From"))
		c->has_from = 1;
	else if (header_is(f, "Bcc") || header_is(f, "Resent-Bcc"))
		c->has_bcc = 1;
}

void
header_count(const char *p, size_t len, struct header_counts *c)
{
	struct header_field f;
	struct header h;

	memset(c, 0, sizeof(*c));
	header_init(&h, p, len);
	while (header_next(&h, &f))
		count_field(&f, c);
	c->len = (size_t)(h.p - p);
	c->complete = (c->len >= 1 && c->len <= len && p[c->len - 1] == '\n' &&
	    (c->len == 1 || p[c->len - 2] == '\n' || (p[c->len - 2] == '\r' &&
	    (c->len == 2 || p[c->len - 3] == '\n'))));
}
