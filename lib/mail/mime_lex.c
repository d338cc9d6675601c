#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/mime_lex.h"

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* token := 1*<any CHAR except SPACE, CTLs, or tspecials> (RFC 2045 5.1) */
static int
is_token(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/*
 * Both kinds of bracket share the rule that one after a backslash means
 * itself; a backslash as the last octet means nothing.
 */
void
mime_lex_comment(struct mime_lex *l, struct mime_text *text_r)
{
	size_t depth = 1;

	text_r->p = ++l->p;
	for (; l->p < l->end; l->p++) {
		if (*l->p == '\\' && l->p + 1 < l->end)
			l->p++;
		else if (*l->p == '(')
			depth++;
		else if (*l->p == ')' && --depth == 0)
			break;
	}
	text_r->len = (size_t)(l->p - text_r->p);
	if (l->p < l->end)
		l->p++;
}

void
mime_lex_quoted(struct mime_lex *l, struct mime_text *text_r)
{
	text_r->p = ++l->p;
	for (; l->p < l->end && *l->p != '"'; l->p++)
		if (*l->p == '\\' && l->p + 1 < l->end)
			l->p++;
	text_r->len = (size_t)(l->p - text_r->p);
	if (l->p < l->end)
		l->p++;
}

void
mime_skip_cfws(struct mime_lex *l)
{
	struct mime_text t;

	while (l->p < l->end) {
		if (is_space(*l->p))
			l->p++;
		else if (*l->p == '(')
			mime_lex_comment(l, &t);
		else
			break;
	}
}

int
mime_lex_token(struct mime_lex *l, struct mime_text *t)
{
	mime_skip_cfws(l);
	t->p = l->p;
	while (l->p < l->end && is_token(*l->p))
		l->p++;
	t->len = (size_t)(l->p - t->p);
	return t->len > 0;
}

int
mime_lex_type(struct mime_lex *l, struct mime_text *type,
    struct mime_text *subtype)
{
	if (!mime_lex_token(l, type))
		return 0;
	mime_skip_cfws(l);
	if (l->p == l->end || *l->p != '/')
		return 0;
	l->p++;
	return mime_lex_token(l, subtype);
}

/*
 * A value that is no token and not quoted (name=my file.pdf, boundary=a=b)
 * is common enough: it reaches to the next ";" or white space.
 */
static void
lex_value(struct mime_lex *l, struct mime_lex_param *p)
{
	mime_skip_cfws(l);
	p->quoted = l->p < l->end && *l->p == '"';
	if (p->quoted) {
		mime_lex_quoted(l, &p->value);
		return;
	}
	p->value.p = l->p;
	while (l->p < l->end && *l->p != ';' && !is_space(*l->p))
		l->p++;
	p->value.len = (size_t)(l->p - p->value.p);
}

int
mime_lex_param(struct mime_lex *l, struct mime_lex_param *p)
{
	for (;;) {
		mime_skip_cfws(l);
		if (l->p == l->end)
			return 0;
		if (*l->p == '"') {
			mime_lex_quoted(l, &p->value);
			continue;
		}
		if (*l->p++ != ';')
			continue;
		if (!mime_lex_token(l, &p->name))
			continue;
		mime_skip_cfws(l);
		if (l->p == l->end || *l->p != '=')
			continue;
		l->p++;
		lex_value(l, p);
		return 1;
	}
}

int
mime_unescape(const struct mime_text *t, struct buf *out)
{
	const char *p = t->p, *end = t->p + t->len, *from;

	if (t->len == 0)
		return 0;
	for (from = p; p < end; p++) {
		if (*p != '\\' || p + 1 == end)
			continue;
		if (buf_append(out, from, (size_t)(p - from)) == -1)
			return -1;
		from = ++p;
	}
	return buf_append(out, from, (size_t)(end - from));
}

int
mime_param(const struct mime_text *params, const char *name,
    struct buf *value_r)
{
	struct mime_lex l = { params->p, params->p };
	struct mime_lex_param p;
	unsigned n;

	if (params->p == NULL)
		return 0;
	l.end += params->len;
	for (n = 0; n < MIME_PARAMS_MAX && mime_lex_param(&l, &p); n++) {
		if (!str_is(p.name.p, p.name.len, name))
			continue;
		if (p.quoted)
			return mime_unescape(&p.value, value_r) == 0;
		return buf_append(value_r, p.value.p, p.value.len) == 0;
	}
	return 0;
}
