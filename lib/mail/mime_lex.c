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
	/* Most are letters. */
	if (c >= 'a' && c <= 'z')
		return 1;
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

/* True where "(" at p opens a comment with no more of the value behind it. */
static int
is_last_comment(const char *p, const char *end)
{
	struct mime_lex l = { p, end };
	struct mime_text t;

	mime_lex_comment(&l, &t);
	return l.p[-1] == ')' && (l.p == end || *l.p == ';' ||
	    is_space(*l.p));
}

/*
 * A value that is no token and not quoted (name=my file.pdf, boundary=a=b,
 * name=copy(1).txt) is common enough: it reaches to the next ";", white space
 * or comment that ends it.
 */
static void
lex_value(struct mime_lex *l, struct mime_lex_param *p)
{
	int comment = 0;	/* one was looked at: no second time */

	mime_skip_cfws(l);
	p->quoted = l->p < l->end && *l->p == '"';
	if (p->quoted) {
		mime_lex_quoted(l, &p->value);
		return;
	}
	p->value.p = l->p;
	for (; l->p < l->end && *l->p != ';' && !is_space(*l->p); l->p++)
		if (*l->p == '(' && !comment && is_last_comment(l->p, l->end))
			break;
		else
			comment |= *l->p == '(';
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

/*
 * "the CRLF in any FWS/CFWS that appears within the quoted string [is]
 * semantically 'invisible'" (RFC 5322 3.2.4): also behind a backslash, which
 * then means nothing.
 */
static size_t
fold_len(const char *p, const char *end)
{
	if (p < end && *p == '\n')
		return 1;
	return end - p > 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

int
mime_unescape(const struct mime_text *t, struct buf *out)
{
	const char *p = t->p, *end = t->p + t->len, *from;
	size_t fold;

	if (t->len == 0)
		return 0;
	for (from = p; p < end; p++) {
		if (*p != '\\' && *p != '\r' && *p != '\n')
			continue;
		fold = fold_len(p + (*p == '\\'), end);
		if (fold == 0 && (*p == '\r' || p + 1 == end))
			continue;
		if (buf_append(out, from, (size_t)(p - from)) == -1)
			return -1;
		from = p + (*p == '\\') + fold;
		p = fold > 0 ? from - 1 : from;
	}
	return buf_append(out, from, (size_t)(end - from));
}
