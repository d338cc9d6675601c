#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_args.h"

struct args_reader {
	struct imapd_args *args;
	char	*p, *end;
	const char *why;
};

static int
fail(struct args_reader *r, const char *why)
{
	r->why = why;
	return -1;
}

static struct imapd_arg *
arg_add(struct imapd_args *args, enum imapd_arg_type type, char *p)
{
	struct imapd_arg *a;

	if (args->n == args->cap) {
		args->cap = args->cap * 2 + 16;
		args->a = mem_realloc(args->a, args->cap, sizeof(*args->a));
	}
	a = &args->a[args->n++];
	*a = (struct imapd_arg){ .type = type, .skip = 1, .p = p };
	return a;
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE; no CR, LF or NUL inside. */
static int
quoted_skip(char **pp, char *end)
{
	char *p = *pp + 1;

	for (; p < end && *p != '"'; p++) {
		if (*p == '\0' || *p == '\r' || *p == '\n')
			return -1;
		if (*p == '\\' && (++p == end || (*p != '"' && *p != '\\')))
			return -1;
	}
	if (p == end)
		return -1;
	*pp = p + 1;
	return 0;
}

static int
read_quoted(struct args_reader *r)
{
	char *from = r->p + 1, *to;
	struct imapd_arg *a;

	if (quoted_skip(&r->p, r->end) == -1)
		return fail(r, "bad quoted string");
	a = arg_add(r->args, IMAPD_QUOTED, from);
	for (to = from; *from != '"'; from++) {
		if (*from == '\\')
			from++;
		*to++ = *from;
	}
	a->len = (size_t)(to - a->p);
	return 0;
}

/* literal = "{" number ["+"] "}" CRLF *CHAR8. Sets the slice after it. */
static int
literal_skip(char **pp, char *end, char **text, size_t *len)
{
	char *p = *pp + 1, *digits = p;
	uint64_t n;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (str_number(digits, (size_t)(p - digits), SIZE_MAX, &n) == -1)
		return -1;
	if (p < end && *p == '+')
		p++;
	if (p == end || *p++ != '}')
		return -1;
	if (p < end && *p == '\r')
		p++;
	if (p == end || *p++ != '\n' || (size_t)(end - p) < n)
		return -1;
	*text = p;
	*len = (size_t)n;
	*pp = p + n;
	return 0;
}

static int
read_literal(struct args_reader *r)
{
	char *text;
	size_t len;

	if (literal_skip(&r->p, r->end, &text, &len) == -1)
		return fail(r, "bad literal");
	if (memchr(text, '\0', len) != NULL)
		return fail(r, "NUL in a literal");
	arg_add(r->args, IMAPD_LITERAL, text)->len = len;
	return 0;
}

/* From a "[" to after its "]"; NULL where that is missing. */
static char *
bracket_skip(char *p, char *end)
{
	char *text;
	size_t len;

	for (p++; p < end;) {
		if (*p == ']')
			return p + 1;
		if (*p == '"') {
			if (quoted_skip(&p, end) == -1)
				return NULL;
		} else if (*p == '{') {
			if (literal_skip(&p, end, &text, &len) == -1)
				return NULL;
		} else if (*p == '\0' || *p == '\r' || *p == '\n')
			return NULL;
		else
			p++;
	}
	return NULL;
}

static int
read_atom(struct args_reader *r)
{
	char *p = r->p, *q;

	for (; p < r->end; p++) {
		if (*p == '[' && (q = bracket_skip(p, r->end)) != NULL) {
			p = q - 1;
			continue;
		}
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '(' ||
		    *p == ')' || *p == '{' || *p == '"')
			break;
	}
	if (p == r->p)
		return fail(r, "unexpected character");
	arg_add(r->args, IMAPD_ATOM, r->p)->len = (size_t)(p - r->p);
	r->p = p;
	return 0;
}

static int
read_one(struct args_reader *r)
{
	if (*r->p == '"')
		return read_quoted(r);
	if (*r->p == '{')
		return read_literal(r);
	return read_atom(r);
}

/*
 * Reads args separated by single spaces. Open lists stand on a stack, so that
 * depth costs no recursion.
 */
static int
read_all(struct args_reader *r)
{
	size_t stack[IMAPD_NEST_MAX], depth = 0, at;
	struct imapd_args *args = r->args;

	for (;;) {
		if (r->p == r->end)
			return fail(r, depth > 0 ? "unclosed list" :
			    "missing argument");
		if (*r->p == '(') {
			if (depth == IMAPD_NEST_MAX)
				return fail(r, "too many parentheses");
			stack[depth++] = args->n;
			arg_add(args, IMAPD_LIST, r->p++);
			if (r->p == r->end || *r->p != ')')
				continue;
		} else {
			if (read_one(r) == -1)
				return -1;
			if (depth > 0)
				args->a[stack[depth - 1]].len++;
			else
				args->top++;
		}
		while (depth > 0 && r->p < r->end && *r->p == ')') {
			at = stack[--depth];
			args->a[at].skip = (uint32_t)(args->n - at);
			if (depth > 0)
				args->a[stack[depth - 1]].len++;
			else
				args->top++;
			r->p++;
		}
		if (r->p == r->end && depth == 0)
			return 0;
		/* "((a)(b))" has no space between its lists. */
		if (r->p < r->end && *r->p == '(' && depth > 0)
			continue;
		if (r->p == r->end || *r->p++ != ' ')
			return fail(r, depth > 0 ? "unclosed list" :
			    "missing space");
	}
}

int
imapd_args_parse(struct imapd_args *args, char *p, size_t len,
    const char **why)
{
	struct args_reader r = { .args = args, .p = p, .end = p + len };
	int res;

	args->n = args->top = 0;
	if (len == 0)
		return 0;
	if (*r.p++ != ' ') {
		*why = "missing space";
		return -1;
	}
	res = read_all(&r);
	*why = r.why;
	return res;
}

void
imapd_args_clear(struct imapd_args *args)
{
	free(args->a);
	memset(args, 0, sizeof(*args));
}

const struct imapd_arg *
imapd_arg_next(const struct imapd_arg *a)
{
	return a + a->skip;
}

int
imapd_arg_is(const struct imapd_arg *a, const char *s)
{
	return a->type == IMAPD_ATOM && str_is(a->p, a->len, s);
}

int
imapd_arg_is_string(const struct imapd_arg *a)
{
	return a->type != IMAPD_LIST;
}

int
imapd_arg_number(const struct imapd_arg *a, uint64_t max, uint64_t *r)
{
	if (a->type != IMAPD_ATOM)
		return -1;
	return str_number(a->p, a->len, max, r);
}
