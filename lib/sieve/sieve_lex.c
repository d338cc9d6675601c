/*
 *   white-space    = 1*(SP / CRLF / HTAB) / comment
 *   identifier     = (ALPHA / "_") *(ALPHA / DIGIT / "_")
 *   tag            = ":" identifier
 *   number         = 1*DIGIT [QUANTIFIER]
 *   QUANTIFIER     = "K" / "M" / "G"
 *   string         = quoted-string / multi-line
 *   quoted-string  = DQUOTE quoted-text DQUOTE
 *   multi-line     = "text:" *(SP / HTAB) (hash-comment / CRLF)
 *                    *(multiline-literal / multiline-dotstart) "." CRLF
 *
 * A bare LF ends a line too; within a multi-line string it becomes CRLF.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/sieve/sieve_lex.h"

static int
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
place(const struct sieve_lex *l, struct sieve_place *at)
{
	at->line = l->line;
	at->column = (uint32_t)(l->p - l->line_start) + 1;
}

static void
step(struct sieve_lex *l)
{
	if (*l->p++ == '\n') {
		l->line++;
		l->line_start = l->p;
	}
}

static int
bad(const struct sieve_lex *l, const char *words)
{
	return sieve_refuse(l->why, &l->at, "%s", words);
}

static void
skip_line(struct sieve_lex *l)
{
	while (l->p < l->end && *l->p != '\n')
		l->p++;
}

/* "/" "*" ... "*" "/"; they do not nest. */
static int
skip_comment(struct sieve_lex *l)
{
	place(l, &l->at);
	for (l->p += 2; l->end - l->p >= 2; step(l))
		if (l->p[0] == '*' && l->p[1] == '/') {
			l->p += 2;
			return 0;
		}
	return bad(l, _("the comment has no end"));
}

static int
skip_white(struct sieve_lex *l)
{
	while (l->p < l->end) {
		if (*l->p == '#')
			skip_line(l);
		else if (*l->p == '/' && l->end - l->p >= 2 &&
		    l->p[1] == '*') {
			if (skip_comment(l) == -1)
				return -1;
		} else if (*l->p == ' ' || *l->p == '\t' || *l->p == '\r' ||
		    *l->p == '\n')
			step(l);
		else
			break;
	}
	return 0;
}

static int
read_number(struct sieve_lex *l)
{
	uint64_t v = 0, unit = 1;

	l->token = SIEVE_L_NUMBER;
	for (; l->p < l->end && is_digit(*l->p); l->p++) {
		v = v * 10 + (uint64_t)(*l->p - '0');
		if (v > UINT32_MAX)
			return bad(l, _("the number is too large"));
	}
	if (l->p < l->end) {
		switch (str_lower((unsigned char)*l->p)) {
		case 'k': unit = 1 << 10; l->p++; break;
		case 'm': unit = 1 << 20; l->p++; break;
		case 'g': unit = 1 << 30; l->p++; break;
		}
	}
	if (l->p < l->end && is_alpha(*l->p))
		return bad(l, _("this is no number"));
	l->number = v * unit;
	return 0;
}

static int
read_quoted(struct sieve_lex *l)
{
	char *out = sieve_get(l->arena, (size_t)(l->end - l->p) < 64 ?
	    (size_t)(l->end - l->p) : 64), *grown;
	size_t cap = (size_t)(l->end - l->p) < 64 ? (size_t)(l->end - l->p) :
	    64;

	l->token = SIEVE_L_STRING;
	l->text = out;
	l->len = 0;
	for (l->p++; l->p < l->end && *l->p != '"'; step(l)) {
		if (*l->p == '\\' && l->end - l->p >= 2)
			l->p++;
		if (l->len == cap) {
			grown = sieve_get(l->arena, cap * 2);
			memcpy(grown, out, l->len);
			l->text = out = grown;
			cap *= 2;
		}
		out[l->len++] = *l->p;
	}
	if (l->p == l->end)
		return bad(l, _("the string has no end"));
	l->p++;
	return 0;
}

/* One line of a multi-line string into out, or its end: 1, 0. */
static int
multi_line(struct sieve_lex *l, char *out)
{
	const char *lf = memchr(l->p, '\n', (size_t)(l->end - l->p));
	const char *stop = lf != NULL ? lf : l->end, *from = l->p;
	int ends;

	if (stop > from && stop[-1] == '\r')
		stop--;
	ends = stop - from == 1 && *from == '.';
	if (stop > from && *from == '.')
		from++;
	l->p = lf != NULL ? lf + 1 : l->end;
	if (lf != NULL) {
		l->line++;
		l->line_start = l->p;
	}
	if (ends)
		return 0;
	memcpy(out + l->len, from, (size_t)(stop - from));
	l->len += (size_t)(stop - from);
	memcpy(out + l->len, "\r\n", 2);
	l->len += 2;
	return 1;
}

static int
read_multi(struct sieve_lex *l)
{
	const char *p;
	size_t lines = 0;
	char *out;

	l->token = SIEVE_L_STRING;
	while (l->p < l->end && (*l->p == ' ' || *l->p == '\t'))
		l->p++;
	if (l->p < l->end && *l->p == '#')
		skip_line(l);
	if (l->p < l->end && *l->p == '\r')
		l->p++;
	if (l->p == l->end || *l->p != '\n')
		return bad(l, _("a line end is expected behind text:"));
	step(l);
	/* Its length: up to the line with the dot. */
	for (p = l->p; p < l->end; lines++) {
		const char *lf = memchr(p, '\n', (size_t)(l->end - p));
		size_t n = (size_t)((lf != NULL ? lf : l->end) - p);

		if (n > 0 && p[n - 1] == '\r')
			n--;
		if (n == 1 && *p == '.')
			break;
		p = lf != NULL ? lf + 1 : l->end;
	}
	if (p == l->end)
		return bad(l, _("the text has no line with a dot alone"));
	l->text = out = sieve_get(l->arena, (size_t)(p - l->p) + lines * 2 +
	    1);
	l->len = 0;
	while (multi_line(l, out))
		;
	return 0;
}

static void
read_identifier(struct sieve_lex *l)
{
	l->text = l->p;
	while (l->p < l->end && (is_alpha(*l->p) || is_digit(*l->p)))
		l->p++;
	l->len = (size_t)(l->p - l->text);
}

int
sieve_next(struct sieve_lex *l)
{
	if (skip_white(l) == -1)
		return -1;
	place(l, &l->at);
	if (l->p == l->end) {
		l->token = SIEVE_L_END;
		return 0;
	}
	if (is_digit(*l->p))
		return read_number(l);
	if (*l->p == '"')
		return read_quoted(l);
	if (is_alpha(*l->p)) {
		l->token = SIEVE_L_IDENTIFIER;
		read_identifier(l);
		if (l->p < l->end && *l->p == ':' &&
		    str_is(l->text, l->len, "text")) {
			l->p++;
			return read_multi(l);
		}
		return 0;
	}
	if (*l->p == ':' && l->end - l->p >= 2 && is_alpha(l->p[1])) {
		l->token = SIEVE_L_TAG;
		l->p++;
		read_identifier(l);
		return 0;
	}
	if (strchr("()[]{},;", *l->p) == NULL || *l->p == '\0')
		return bad(l, _("a character that means nothing here"));
	l->token = SIEVE_L_MARK;
	l->mark = *l->p++;
	return 0;
}
