#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/imap_value.h"

/* What is being read. */
struct reader {
	struct imap_values *out;
	const struct imap_input *in;
	char	*p, *end;
	size_t	 open[IMAP_NESTING_MAX];	/* lists, by their number */
	unsigned depth;
};

void
imap_values_clear(struct imap_values *v)
{
	free(v->v);
	memset(v, 0, sizeof(*v));
}

static struct imap_value *
add(struct reader *r, enum imap_type type)
{
	struct imap_values *out = r->out;
	struct imap_value *v;

	if (out->n == IMAP_VALUES_MAX)
		return NULL;
	if (out->n == out->cap) {
		out->cap = out->cap == 0 ? 64 : out->cap * 2;
		out->v = mem_realloc(out->v, out->cap, sizeof(*out->v));
	}
	v = &out->v[out->n++];
	memset(v, 0, sizeof(*v));
	v->type = type;
	v->p = r->p;
	return v;
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE */
static int
read_quoted(struct reader *r)
{
	char *to = ++r->p;
	struct imap_value *v = add(r, IMAP_STRING);

	if (v == NULL)
		return -1;
	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '\\' && ++r->p == r->end)
			return -1;
		if (*r->p == '\r' || *r->p == '\n' || *r->p == '\0')
			return -1;
		*to++ = *r->p++;
	}
	if (r->p == r->end)
		return -1;
	r->p++;
	v->len = (size_t)(to - v->p);
	return 0;
}

/* The input has judged the literal; its octets follow, but the message's. */
static int
read_literal(struct reader *r)
{
	size_t at = (size_t)(r->p - r->in->text.data);
	size_t digits = strspn(r->p + 1, "0123456789");
	struct imap_value *v;
	uint64_t n;

	if (str_number(r->p + 1, digits, UINT32_MAX, &n) == -1)
		return -1;
	r->p += 1 + digits;
	if (*r->p++ != '}')
		return -1;
	r->p += *r->p == '\r';
	if (r->p >= r->end || *r->p++ != '\n')
		return -1;
	if ((v = add(r, IMAP_STRING)) == NULL)
		return -1;
	if (at == r->in->body_at) {
		v->body = 1;
		return 0;
	}
	if (n > (size_t)(r->end - r->p))
		return -1;
	v->len = (size_t)n;
	r->p += n;
	return 0;
}

/* "BODY[HEADER.FIELDS (DATE)]" is one atom. */
static void
skip_brackets(struct reader *r)
{
	char *close = memchr(r->p, ']', (size_t)(r->end - r->p));

	if (close != NULL)
		r->p = close;
}

static int
read_atom(struct reader *r)
{
	struct imap_value *v = add(r, IMAP_ATOM);

	if (v == NULL)
		return -1;
	/* A NUL ends it as well, and is no value. */
	for (; r->p < r->end && strchr(" ()\"\r\n", *r->p) == NULL; r->p++)
		if (*r->p == '[')
			skip_brackets(r);
	v->len = (size_t)(r->p - v->p);
	if (v->len == 0)
		return -1;
	if (str_is(v->p, v->len, "NIL"))
		v->type = IMAP_NIL;
	return 0;
}

static int
list_open(struct reader *r)
{
	if (r->depth == IMAP_NESTING_MAX || add(r, IMAP_LIST) == NULL)
		return -1;
	r->open[r->depth++] = r->out->n - 1;
	r->p++;
	return 0;
}

static int
list_close(struct reader *r)
{
	struct imap_value *v;

	if (r->depth == 0)
		return -1;
	v = &r->out->v[r->open[--r->depth]];
	v->inside = r->out->n - 1 - (size_t)(v - r->out->v);
	r->p++;
	return 0;
}

static int
read_one(struct reader *r)
{
	switch (*r->p) {
	case '(':
		return list_open(r);
	case ')':
		return list_close(r);
	case '"':
		return read_quoted(r);
	case '{':
		return read_literal(r);
	case '~':
		/* literal8 = "~{" number "}" CRLF *OCTET */
		if (r->p + 1 < r->end && r->p[1] == '{') {
			r->p++;
			return read_literal(r);
		}
		return read_atom(r);
	default:
		return read_atom(r);
	}
}

int
imap_values_parse(struct imap_values *v, struct imap_input *in, size_t at)
{
	struct reader r = { .out = v, .in = in };

	v->n = 0;
	r.p = in->text.data + at;
	r.end = in->text.data + in->text.len;
	/* One end of line: what stands before it may be a literal's. */
	if (r.end > r.p && r.end[-1] == '\n')
		r.end--;
	if (r.end > r.p && r.end[-1] == '\r')
		r.end--;
	while (r.p < r.end) {
		if (*r.p == ' ')
			r.p++;
		else if (read_one(&r) == -1)
			return -1;
	}
	return r.depth == 0 ? 0 : -1;
}

const struct imap_value *
imap_value_next(const struct imap_value *v)
{
	return v + 1 + (v->type == IMAP_LIST ? v->inside : 0);
}

int
imap_value_is(const struct imap_value *v, const char *word)
{
	return v->type == IMAP_ATOM && str_is(v->p, v->len, word);
}

int
imap_value_number(const struct imap_value *v, uint64_t max, uint64_t *r)
{
	return v->type == IMAP_ATOM ? str_number(v->p, v->len, max, r) : -1;
}
