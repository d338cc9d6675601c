/*
 * BODY and BODYSTRUCTURE (RFC 3501 7.4.2), and the cache record.
 *
 * The recursion is as deep as the tree, which mime_parse bounds.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/door.h"
#include "lib/mail/mime_envelope.h"
#include "lib/mail/mime_param.h"
#include "lib/mail/mime_string.h"
#include "lib/mail/mime_structure.h"

enum { CACHE_VERSION = 3 };

static int
put_string(struct buf *out, const char *s)
{
	return mime_nstring(s, strlen(s), out);
}

/* True for "charset", and for "charset*" of RFC 2231. */
static int
is_charset(const struct mime_text *name)
{
	size_t len = name->len;

	if (len > 0 && name->p[len - 1] == '*')
		len--;
	return str_is(name->p, len, "charset");
}

/*
 * body-fld-param = "(" string SP string *(SP string SP string) ")" / nil.
 * A text part without a charset is US-ASCII (RFC 2045 5.2).
 */
static int
put_params(struct buf *out, const struct mime_text *t, int text)
{
	struct mime_text name, value;
	struct mime_params ps;
	int n = 0, r = 0;

	mime_params_init(&ps, t);
	while (r == 0 && mime_params_next(&ps, &name, &value)) {
		if (buf_putc(out, n++ == 0 ? '(' : ' ') == -1 ||
		    mime_nstring(name.p, name.len, out) == -1 ||
		    buf_putc(out, ' ') == -1 ||
		    mime_string(value.p, value.len, out) == -1)
			r = -1;
		if (is_charset(&name))
			text = 0;
	}
	mime_params_clear(&ps);
	if (r == 0 && text) {
		if (buf_putc(out, n++ == 0 ? '(' : ' ') == -1 ||
		    buf_puts(out, "\"charset\" \"us-ascii\"") == -1)
			r = -1;
	}
	if (r == -1)
		return -1;
	return n > 0 ? buf_putc(out, ')') : buf_append(out, "NIL", 3);
}

static int
put_encoding(struct buf *out, const struct mime_text *t)
{
	struct mime_lex l = { t->p, t->p };
	struct mime_text token;

	if (t->p != NULL) {
		l.end += t->len;
		if (mime_lex_token(&l, &token))
			return mime_nstring(token.p, token.len, out);
	}
	return buf_append(out, "\"7bit\"", 6);
}

/* body-fld-dsp = "(" string SP body-fld-param ")" / nil */
static int
put_disposition(struct buf *out, const struct mime_text *t)
{
	struct mime_lex l = { t->p, t->p };
	struct mime_text token, rest;

	if (t->p != NULL) {
		l.end += t->len;
		if (mime_lex_token(&l, &token)) {
			rest.p = l.p;
			rest.len = (size_t)(l.end - l.p);
			if (buf_putc(out, '(') == -1 ||
			    mime_nstring(token.p, token.len, out) == -1 ||
			    buf_putc(out, ' ') == -1 ||
			    put_params(out, &rest, 0) == -1)
				return -1;
			return buf_putc(out, ')');
		}
	}
	return buf_append(out, "NIL", 3);
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" */
static int
put_language(struct buf *out, const struct mime_text *t)
{
	struct mime_lex l = { t->p, t->p };
	struct mime_text token;
	unsigned n = 0;

	if (t->p != NULL)
		l.end += t->len;
	while (n < MIME_PARAMS_MAX && mime_lex_token(&l, &token)) {
		if (buf_putc(out, n++ == 0 ? '(' : ' ') == -1 ||
		    mime_nstring(token.p, token.len, out) == -1)
			return -1;
		mime_skip_cfws(&l);
		if (l.p == l.end || *l.p++ != ',')
			break;
	}
	return n > 0 ? buf_putc(out, ')') : buf_append(out, "NIL", 3);
}

static int
put_nstring(struct buf *out, const struct mime_text *t)
{
	return mime_nstring(t->p, t->len, out);
}

/* SP body-fld-dsp SP body-fld-lang SP body-fld-loc */
static int
put_extension(struct buf *out, const struct mime_part *p)
{
	if (buf_putc(out, ' ') == -1 ||
	    put_disposition(out, &p->content[MIME_C_DISPOSITION]) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_language(out, &p->content[MIME_C_LANGUAGE]) == -1 ||
	    buf_putc(out, ' ') == -1)
		return -1;
	return put_nstring(out, &p->content[MIME_C_LOCATION]);
}

static int	put_part(const struct mime_part *, int, struct buf *);

/* body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart] */
static int
put_multipart(const struct mime_part *p, int extended, struct buf *out)
{
	const struct mime_part *c;

	for (c = p->first; c != NULL; c = c->next)
		if (put_part(c, extended, out) == -1)
			return -1;
	if (buf_putc(out, ' ') == -1 || put_string(out, p->subtype) == -1)
		return -1;
	if (!extended)
		return 0;
	if (buf_putc(out, ' ') == -1 || put_params(out, &p->params, 0) == -1)
		return -1;
	return put_extension(out, p);
}

/* media-type SP body-fields, which both kinds of single part start with */
static int
put_basic(const struct mime_part *p, struct buf *out)
{
	int text = strcmp(p->type, "text") == 0;

	if (put_string(out, p->type) == -1 || buf_putc(out, ' ') == -1 ||
	    put_string(out, p->subtype) == -1 || buf_putc(out, ' ') == -1 ||
	    put_params(out, &p->params, text) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_nstring(out, &p->content[MIME_C_ID]) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_nstring(out, &p->content[MIME_C_DESCRIPTION]) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_encoding(out, &p->content[MIME_C_ENCODING]) == -1 ||
	    buf_printf(out, " %zu", p->end - p->body) == -1)
		return -1;
	return 0;
}

static int
put_single(const struct mime_part *p, int extended, struct buf *out)
{
	if (put_basic(p, out) == -1)
		return -1;
	if (p->kind == MIME_MESSAGE) {
		if (buf_putc(out, ' ') == -1 ||
		    mime_envelope(p->first, out) == -1 ||
		    buf_putc(out, ' ') == -1 ||
		    put_part(p->first, extended, out) == -1)
			return -1;
	}
	if ((p->kind == MIME_MESSAGE || strcmp(p->type, "text") == 0) &&
	    buf_printf(out, " %zu", p->lines) == -1)
		return -1;
	if (!extended)
		return 0;
	if (buf_putc(out, ' ') == -1 ||
	    put_nstring(out, &p->content[MIME_C_MD5]) == -1)
		return -1;
	return put_extension(out, p);
}

static int
put_part(const struct mime_part *p, int extended, struct buf *out)
{
	int r;

	if (buf_putc(out, '(') == -1)
		return -1;
	r = p->kind == MIME_MULTIPART ? put_multipart(p, extended, out) :
	    put_single(p, extended, out);
	return r == -1 ? -1 : buf_putc(out, ')');
}

int
mime_bodystructure(const struct mime *m, int extended, struct buf *out)
{
	return put_part(mime_root(m), extended, out);
}

/* Appends one lv text: 0 is ENVELOPE, 1 BODY, 2 BODYSTRUCTURE. */
static int
cache_text(const struct mime *m, int which, struct buf *out)
{
	size_t at = out->len, i, n;
	int r;

	if (buf_put_u32(out, 0) == -1)
		return -1;
	r = which == 0 ? mime_envelope(mime_root(m), out) :
	    mime_bodystructure(m, which == 2, out);
	n = out->len - at - 4;
	for (i = 0; i < 4; i++)
		out->data[at + i] = (char)(n >> (8 * i));
	return r;
}

void
mime_cache_tree(const struct mime *m, struct buf *record_r)
{
	size_t max = record_r->max;
	int i, r;

	buf_reset(record_r);
	record_r->max = max == 0 || max > DOOR_CACHE_MAX ? DOOR_CACHE_MAX :
	    max;
	r = buf_reserve(record_r, 1000);
	if (r == 0)
		r = buf_put_u8(record_r, CACHE_VERSION);
	for (i = 0; r == 0 && i < 3; i++)
		r = cache_text(m, i, record_r);
	record_r->max = max;
	if (r == -1)
		buf_reset(record_r);
}

int
mime_cache(const char *data, size_t len, struct buf *record_r)
{
	struct mime *m = mime_parse(data, len);

	mime_cache_tree(m, record_r);
	mime_free(&m);
	return 0;
}

int
mime_cache_get(const void *record, size_t len, const char **env_r,
    size_t *env_len_r, const char **body_r, size_t *body_len_r,
    const char **structure_r, size_t *structure_len_r)
{
	struct cursor c;

	cursor_init(&c, record, len);
	if (cursor_u8(&c) != CACHE_VERSION)
		return -1;
	*env_r = cursor_lv(&c, env_len_r, DOOR_CACHE_MAX);
	*body_r = cursor_lv(&c, body_len_r, DOOR_CACHE_MAX);
	*structure_r = cursor_lv(&c, structure_len_r, DOOR_CACHE_MAX);
	return c.bad || cursor_left(&c) != 0 ? -1 : 0;
}
