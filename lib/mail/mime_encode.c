#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_lex.h"
#include "lib/mail/mime_encode.h"

enum {
	QUOTED_MAX = 75,	/* of a line, and a "=" behind (RFC 2045 6.7) */
	BASE64_LINE = 57,	/* octets that make 76 letters */
	DENSE = 6,		/* from one octet of so many on: base64 */
};

struct seven {
	const char *data;
	struct buf *out;
	size_t	 at;		/* what is before is out */
	size_t	 parts;		/* so far, in the order of the message */
	int	 lines;		/* it is for long lines, not for 8 bits */
	int	 changed;
	const char *why;	/* NULL: so far it can be said */
};

int
lines_are_long(const char *p, size_t len)
{
	const char *lf;
	size_t n;

	for (; len > LINES_MAX; p += n, len -= n) {
		lf = memchr(p, '\n', len);
		n = lf != NULL ? (size_t)(lf - p) : len;
		if (n - (n > 0 && p[n - 1] == '\r') > LINES_MAX)
			return 1;
		n += lf != NULL;
	}
	return 0;
}

static size_t
eight_count(const char *p, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += (unsigned char)p[i] > 0x7f;
	return n;
}

/* On to there as it is. A message's header may end behind its part. */
static void
seven_raw(struct seven *s, size_t to)
{
	if (to <= s->at)
		return;
	buf_append(s->out, s->data + s->at, to - s->at);
	s->at = to;
}

/* The text around the parts of a multipart, which nobody is shown. */
static void
seven_between(struct seven *s, size_t to)
{
	if (s->lines)
		seven_raw(s, to);
	for (; s->at < to; s->at++)
		buf_putc(s->out, (unsigned char)s->data[s->at] > 0x7f ? '?' :
		    s->data[s->at]);
}

/* Where the fields of a part end: before its empty line. */
static size_t
fields_end(const struct seven *s, const struct mime_part *part)
{
	size_t at = part->body;

	if (at > part->header && s->data[at - 1] == '\n')
		at--;
	if (at > part->header && s->data[at - 1] == '\r')
		at--;
	return at;
}

/* The fields up to there, but those of these names (other may be NULL). */
static void
seven_without(struct seven *s, size_t to, const char *name, const char *other)
{
	struct header h;
	struct header_field f;

	if (to <= s->at)
		return;
	header_init(&h, s->data + s->at, to - s->at);
	while (header_next(&h, &f)) {
		if (!header_is(&f, name) &&
		    (other == NULL || !header_is(&f, other)))
			continue;
		seven_raw(s, (size_t)(f.p - s->data));
		s->at += f.len;
	}
	seven_raw(s, to);
}

/*
 * The header of a part, with this for its Content-Transfer-Encoding. Of each
 * field that it sets there is one: nobody can say which of two is read.
 */
static void
seven_header(struct seven *s, const struct mime_part *part,
    const char *encoding)
{
	static const char cte[] = "Content-Transfer-Encoding";
	const char *p = s->data + part->header, *type = NULL;
	size_t end = fields_end(s, part), len = end - part->header, at = end;
	struct header_field f;

	if (!s->lines && part->kind == MIME_LEAF &&
	    part->content[MIME_C_TYPE].p == NULL)
		type = "Content-Type";
	if (header_find(p, len, cte, &f))
		at = (size_t)(f.p - s->data);
	seven_without(s, at, cte, type);
	buf_printf(s->out, "%s: %s\r\n", cte, encoding);
	seven_without(s, end, cte, type);
	if (type != NULL)
		buf_printf(s->out, "%s: text/plain; charset=unknown-8bit\r\n",
		    type);
	if (part->envelope != NULL &&
	    !header_find(p, len, "MIME-Version", &f))
		buf_puts(s->out, "MIME-Version: 1.0\r\n");
	seven_raw(s, part->body);
}

/* Whether p goes out as it is where col octets of its line are out. */
static int
quoted_plain(const char *p, const char *end, size_t col)
{
	if (*p == ' ' || *p == '\t')
		return p + 1 < end && p[1] != '\r' && p[1] != '\n';
	/* No new line may be a delimiter of a multipart. */
	return *p > ' ' && *p < 0x7f && *p != '=' && !(col == 0 && *p == '-');
}

static void
seven_quoted(struct buf *out, const char *p, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *end = p + len;
	size_t col = 0;
	int plain;

	for (; p < end; p++) {
		if (*p == '\r' && p + 1 < end && p[1] == '\n')
			continue;
		if (*p == '\n') {
			buf_puts(out, "\r\n");
			col = 0;
			continue;
		}
		plain = quoted_plain(p, end, col);
		if (col + (plain ? 1 : 3) > QUOTED_MAX) {
			buf_puts(out, "=\r\n");
			col = 0;
			plain = quoted_plain(p, end, col);
		}
		if (plain)
			buf_putc(out, *p);
		else {
			buf_putc(out, '=');
			buf_putc(out, hex[(unsigned char)*p >> 4]);
			buf_putc(out, hex[*p & 15]);
		}
		col += plain ? 1 : 3;
	}
}

static void
seven_base64(struct buf *out, const char *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len < BASE64_LINE ? len : BASE64_LINE;
		base64_encode(out, p, n);
		if (n < len)
			buf_puts(out, "\r\n");
	}
}

/* 1 where the octets of the body are what they stand for. */
static int
not_encoded(const struct mime_part *part)
{
	static const char *const names[] = { "7bit", "8bit", "binary" };
	const struct mime_text *t = &part->content[MIME_C_ENCODING];
	struct mime_lex l = { t->p, t->p };
	struct mime_text word;
	size_t i;

	if (t->p == NULL)
		return 1;
	l.end += t->len;
	mime_skip_cfws(&l);
	if (!mime_lex_token(&l, &word))
		return 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(word.p, word.len, names[i]))
			return 1;
	return 0;
}

/*
 * RFC 2045 6.4: "it is EXPRESSLY FORBIDDEN" to encode parts of parts. In a
 * digest a part that says no type is a message.
 */
static int
is_composite(const struct mime_part *part)
{
	const struct mime_text *t = &part->content[MIME_C_TYPE];
	struct mime_lex l = { t->p, t->p };
	struct mime_text type, subtype;

	if (t->p == NULL)
		return strcmp(part->type, "text") != 0;
	l.end += t->len;
	return mime_lex_type(&l, &type, &subtype) &&
	    (str_is(type.p, type.len, "multipart") ||
	    str_is(type.p, type.len, "message"));
}

/*
 * A line that is no field ends the header for some readers: what stood behind
 * it would be text to them.
 */
static int
has_fields_only(const struct seven *s, const struct mime_part *part)
{
	struct header_counts c;

	header_count(s->data + part->header, part->body - part->header, &c);
	return c.malformed == 0;
}

/* Whether a part has to be encoded; n: its octets over 0x7f. */
static int
is_wanted(const struct seven *s, const struct mime_part *part, size_t n)
{
	if (!s->lines)
		return n > 0;
	return lines_are_long(s->data + part->body, part->end - part->body) &&
	    not_encoded(part) && !is_composite(part) &&
	    s->parts < MIME_PARTS_MAX && has_fields_only(s, part);
}

static void
seven_leaf(struct seven *s, const struct mime_part *part)
{
	const char *p = s->data + part->body;
	size_t len = part->end - part->body, n = eight_count(p, len);

	if (!is_wanted(s, part, n)) {
		seven_raw(s, part->end);
		return;
	}
	s->changed = 1;
	if (!not_encoded(part))
		s->why = "a part that is encoded already";
	if (is_composite(part))
		s->why = "a part that may not be encoded";
	/* The rest, delimiters and all, is its body. */
	if (s->parts >= MIME_PARTS_MAX)
		s->why = "a part behind too many others";
	if (strcmp(part->type, "text") == 0 && n < len / DENSE) {
		seven_header(s, part, "quoted-printable");
		seven_quoted(s->out, p, len);
	} else {
		seven_header(s, part, "base64");
		seven_base64(s->out, p, len);
	}
	s->at = part->end;
}

static int
is_signed(const struct mime_part *part)
{
	const struct mime_text *t = &part->content[MIME_C_TYPE];
	struct mime_lex l = { t->p, t->p };
	struct mime_text type, subtype;

	if (t->p == NULL)
		return 0;
	l.end += t->len;
	return mime_lex_type(&l, &type, &subtype) &&
	    str_is(type.p, type.len, "multipart") &&
	    str_is(subtype.p, subtype.len, "signed");
}

/* At most MIME_DEPTH_MAX deep. */
static void
seven_part(struct seven *s, const struct mime_part *part)
{
	const struct mime_part *child;

	s->parts++;
	if (part->kind == MIME_LEAF) {
		seven_leaf(s, part);
		return;
	}
	if (s->lines && is_signed(part)) {
		seven_raw(s, part->end);
		return;
	}
	/* "8bit" of a multipart says what is in it. */
	if (!s->lines && part->content[MIME_C_ENCODING].p != NULL && not_encoded(part))
		seven_header(s, part, "7bit");
	else
		seven_raw(s, part->body);
	for (child = part->first; child != NULL; child = child->next) {
		seven_between(s, child->header);
		seven_part(s, child);
	}
	seven_between(s, part->end);
}

static void
seven_message(struct seven *s, size_t len)
{
	struct mime *m = mime_parse(s->data, len);

	seven_part(s, mime_root(m));
	mime_free(&m);
	/* base64 has its own end of the last line. */
	if (len > 0 && s->data[len - 1] == '\n' && s->out->len > 0 &&
	    s->out->data[s->out->len - 1] != '\n')
		buf_puts(s->out, "\r\n");
}

int
seven_put(const char *data, size_t len, struct buf *out, const char **why)
{
	struct seven s = { .data = data, .out = out };

	seven_message(&s, len);
	*why = s.why;
	return s.why == NULL ? 0 : -1;
}

int
lines_put(const char *data, size_t len, struct buf *out)
{
	struct seven s = { .data = data, .out = out, .lines = 1 };

	if (!lines_are_long(data, len))
		return 0;
	seven_message(&s, len);
	return s.changed;
}
