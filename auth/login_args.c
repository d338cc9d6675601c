#include <string.h>

#include "auth/login_args.h"
#include "auth/login_talk.h"
#include "lib/base/str.h"

/* ASTRING-CHAR but for "%" and "*", which passwords like. */
static int
is_atom(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f &&
	    strchr("(){\"\\", c) == NULL;
}

int
login_args_space(struct login_args *a)
{
	if (a->p == a->end || *a->p != ' ')
		return -1;
	a->p++;
	return 0;
}

/* A word of atom characters; 0, or -1 where there is none. */
int
login_args_atom(struct login_args *a, const char **p_r, size_t *len_r)
{
	*p_r = a->p;
	while (a->p < a->end && is_atom(*a->p))
		a->p++;
	*len_r = (size_t)(a->p - *p_r);
	return *len_r > 0 ? 0 : -1;
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE */
static int
take_quoted(struct login_args *a, struct buf *out)
{
	for (a->p++; a->p < a->end && *a->p != '"'; a->p++) {
		if (*a->p == '\\' && (++a->p == a->end ||
		    (*a->p != '"' && *a->p != '\\')))
			return -1;
		if (*a->p == '\0' || *a->p == '\r' || *a->p == '\n' ||
		    buf_putc(out, *a->p) == -1)
			return -1;
	}
	if (a->p == a->end)
		return -1;
	a->p++;
	return 0;
}

/* The length in "{5}", "{5+}"; 1, 0 no literal, -1 over max. plus_r: "+". */
int
login_args_length(const char *p, const char *end, size_t max,
    size_t *len_r, int *plus_r)
{
	const char *open;
	uint64_t n;
	size_t i, len;

	if (end - p < 3 || end[-1] != '}' ||
	    (open = memrchr(p, '{', (size_t)(end - p))) == NULL)
		return 0;
	open++;
	len = (size_t)(end - 1 - open);
	*plus_r = len > 0 && open[len - 1] == '+';
	len -= (size_t)*plus_r;
	for (i = 0; i < len; i++)
		if (open[i] < '0' || open[i] > '9')
			return 0;
	if (len == 0)
		return 0;
	if (str_number(open, len, max, &n) == -1)
		return -1;
	*len_r = (size_t)n;
	return 1;
}

/* "{5}" CRLF and five octets: imap_frame (login_imap.c) saw them all. */
static int
take_literal(struct login_args *a, struct buf *out)
{
	const char *lf = memchr(a->p, '\n', (size_t)(a->end - a->p)), *eol;
	size_t n;
	int plus;

	if (lf == NULL)
		return -1;
	eol = lf > a->p && lf[-1] == '\r' ? lf - 1 : lf;
	if (login_args_length(a->p, eol, LOGIN_LITERALS_MAX, &n, &plus) != 1)
		return -1;
	if ((size_t)(a->end - lf - 1) < n || buf_append(out, lf + 1, n) == -1)
		return -1;
	a->p = lf + 1 + n;
	return 0;
}

/* astring = 1*ASTRING-CHAR / string */
int
login_args_astring(struct login_args *a, struct buf *out)
{
	const char *p;
	size_t n;

	if (a->p < a->end && *a->p == '"')
		return take_quoted(a, out);
	if (a->p < a->end && *a->p == '{')
		return take_literal(a, out);
	if (login_args_atom(a, &p, &n) == -1)
		return -1;
	return buf_append(out, p, n);
}
