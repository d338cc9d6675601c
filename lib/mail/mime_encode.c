#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_encode.h"
#include "lib/mail/mime_lex.h"
#include "lib/mail/mime_write.h"

enum {
	DENSE = 6,	/* from one octet of so many that change on: base64 */
	FOLD_MAX = 256 * 1024,	/* octets of a field that is folded */
};

struct seven {
	const char *data;
	struct mime_writer w;
	size_t	 parts;		/* so far, in the order of the message */
	int	 lines;		/* it is for long lines, not for 8 bits */
	int	 fold;		/* the fields of the part at hand */
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

size_t
lines_measure(size_t *line, const char *p, size_t len)
{
	const char *end = p + len, *lf;
	size_t most = 0;

	for (; (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1) {
		*line += (size_t)(lf - p);
		most = *line > most ? *line : most;
		*line = 0;
	}
	*line += (size_t)(end - p);
	return *line > most ? *line : most;
}

static int
has_eight(const char *p, size_t len)
{
	unsigned char all = 0;
	size_t i;

	for (i = 0; i < len; i++)
		all |= (unsigned char)p[i];
	return all > 0x7f;
}

/* The text around the parts of a multipart, which nobody is shown. */
static void
seven_between(struct seven *s, size_t to)
{
	size_t at;

	for (at = s->w.at; at < to && !s->lines; at++)
		if ((unsigned char)s->data[at] > 0x7f) {
			mime_write_raw(&s->w, at);
			buf_putc(mime_write_text(&s->w), '?');
			mime_write_skip(&s->w, at + 1);
		}
	mime_write_raw(&s->w, to);
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

/* A field that is too long, on several lines where it has a place for that. */
static void
seven_fold(struct seven *s, const struct header_field *f)
{
	struct buf out = BUF_INIT(0);
	size_t at = (size_t)(f->p - s->data);

	header_fold(f->p, f->len, &out);
	if (out.len != f->len) {
		mime_write_raw(&s->w, at);
		buf_append(mime_write_text(&s->w), out.data, out.len);
		mime_write_skip(&s->w, at + f->len);
		s->changed = 1;
	}
	buf_clear(&out);
}

/* The fields up to there, but those of these names (NULL: of none). */
static void
seven_fields(struct seven *s, size_t to, const char *name, const char *other)
{
	struct header h;
	struct header_field f;

	if (to <= s->w.at)
		return;
	header_init(&h, s->data + s->w.at, to - s->w.at);
	while (header_next(&h, &f)) {
		if ((name != NULL && header_is(&f, name)) ||
		    (other != NULL && header_is(&f, other))) {
			mime_write_raw(&s->w, (size_t)(f.p - s->data));
			mime_write_skip(&s->w, s->w.at + f.len);
		} else if (s->fold && f.name_len > 0 && f.len <= FOLD_MAX &&
		    lines_are_long(f.p, f.len))
			seven_fold(s, &f);
	}
	mime_write_raw(&s->w, to);
}

/* The header of a part, which says of it what it said. */
static void
seven_block(struct seven *s, const struct mime_part *part)
{
	if (s->fold)
		seven_fields(s, part->body, NULL, NULL);
	mime_write_raw(&s->w, part->body);
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
	seven_fields(s, at, cte, type);
	buf_printf(mime_write_text(&s->w), "%s: %s\r\n", cte, encoding);
	seven_fields(s, end, cte, type);
	if (type != NULL)
		buf_printf(mime_write_text(&s->w),
		    "%s: text/plain; charset=unknown-8bit\r\n", type);
	if (part->envelope != NULL &&
	    !header_find(p, len, "MIME-Version", &f))
		buf_puts(mime_write_text(&s->w), "MIME-Version: 1.0\r\n");
	mime_write_raw(&s->w, part->body);
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

/* Whether a part has to be encoded, or wrapped where it is already. */
static int
is_wanted(const struct seven *s, const struct mime_part *part)
{
	const char *p = s->data + part->body;
	size_t len = part->end - part->body;

	if (!s->lines)
		return has_eight(p, len);
	return lines_are_long(p, len) && !is_composite(part) &&
	    s->parts < MIME_PARTS_MAX && has_fields_only(s, part);
}

static void
seven_encode(struct seven *s, const struct mime_part *part)
{
	size_t len = part->end - part->body;

	s->changed = 1;
	if (strcmp(part->type, "text") == 0 &&
	    mime_quoted_more(s->data + part->body, len) < len / DENSE) {
		seven_header(s, part, "quoted-printable");
		mime_write_quoted(&s->w, part->end);
	} else {
		seven_header(s, part, "base64");
		mime_write_base64(&s->w, part->end);
	}
}

/* A part that is encoded, in lines that are too long. */
static void
seven_wrap(struct seven *s, const struct mime_part *part)
{
	enum mime_encoding e =
	    mime_encoding_of(&part->content[MIME_C_ENCODING]);

	seven_block(s, part);
	if (e == MIME_E_QUOTED)
		mime_wrap_quoted(&s->w, part->end, LINES_MAX);
	else if (e == MIME_E_BASE64)
		mime_wrap_base64(&s->w, part->end, LINES_MAX);
	else
		mime_write_raw(&s->w, part->end);
	s->changed |= e != MIME_E_PLAIN;
}

static void
seven_leaf(struct seven *s, const struct mime_part *part)
{
	if (!is_wanted(s, part)) {
		seven_block(s, part);
		mime_write_raw(&s->w, part->end);
		return;
	}
	if (s->lines && !not_encoded(part)) {
		seven_wrap(s, part);
		return;
	}
	if (!not_encoded(part))
		s->why = "a part that is encoded already";
	if (is_composite(part))
		s->why = "a part that may not be encoded";
	/* The rest, delimiters and all, is its body. */
	if (s->parts >= MIME_PARTS_MAX)
		s->why = "a part behind too many others";
	seven_encode(s, part);
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

/* The header of a message is for smtpd to mend; of one within, for nobody. */
static int
may_fold(const struct seven *s, const struct mime_part *part)
{
	return part->envelope == NULL && s->parts < MIME_PARTS_MAX &&
	    lines_are_long(s->data + part->header,
	    part->body - part->header) && has_fields_only(s, part);
}

/* At most MIME_DEPTH_MAX deep. */
static void
seven_part(struct seven *s, const struct mime_part *part)
{
	const struct mime_part *child;

	s->parts++;
	s->fold = s->lines && may_fold(s, part);
	if (part->kind == MIME_LEAF) {
		seven_leaf(s, part);
		return;
	}
	if (s->lines && is_signed(part)) {
		mime_write_raw(&s->w, part->end);
		return;
	}
	/* "8bit" of a multipart says what is in it. */
	if (!s->lines && part->content[MIME_C_ENCODING].p != NULL &&
	    not_encoded(part))
		seven_header(s, part, "7bit");
	else
		seven_block(s, part);
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
}

static void
put_buf(void *arg, const char *p, size_t len)
{
	buf_append(arg, p, len);
}

/* base64 has its own end of the last line. */
static void
seven_end(struct seven *s, size_t len, int put)
{
	struct mime_writer *w = &s->w;

	mime_write_end(w, put);
	if (put && len > 0 && s->data[len - 1] == '\n' && w->last != '\n')
		w->put(w->arg, "\r\n", 2);
}

int
seven_put(const char *data, size_t len, struct buf *out, const char **why)
{
	struct seven s = { .data = data };

	mime_write_init(&s.w, data, put_buf, out);
	seven_message(&s, len);
	seven_end(&s, len, 1);
	*why = s.why;
	return s.why == NULL ? 0 : -1;
}

int
lines_put(const char *data, size_t len,
    void (*put)(void *, const char *, size_t), void *arg)
{
	struct seven s = { .data = data, .lines = 1 };

	if (!lines_are_long(data, len))
		return 0;
	mime_write_init(&s.w, data, put, arg);
	seven_message(&s, len);
	seven_end(&s, len, s.changed);
	return s.changed;
}
