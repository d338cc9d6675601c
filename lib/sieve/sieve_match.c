/*
 * Comparators and match types (RFC 5228 2.7, RFC 5231).
 *
 * i;ascii-casemap compares what both texts are in upper case (RFC 4790 9.2):
 * keys are made so once for a test, each value once. :contains is memmem(3),
 * which is linear; so is :matches, which looks for each run of literals behind
 * the one before it, but for runs with "?", whose octets cost a step each.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/sieve/sieve_vm.h"

enum { CHEAP = 16 };		/* octets of memmem, memcmp for a step */

static void
to_upper(char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
}

int
sieve_compare_begin(struct sieve_vm *vm, struct sieve_compare *c,
    const struct sieve_node *n, const struct sieve_list *keys)
{
	size_t i;
	char *p;

	*c = (struct sieve_compare){ .n = n, .n_keys = keys->n,
		.captures = n->match == SIEVE_MATCHES };
	c->key = sieve_get(&vm->arena, (keys->n + 1) * sizeof(*c->key));
	for (i = 0; i < keys->n; i++) {
		if (sieve_expand(vm, &keys->s[i], &c->key[i]) == -1)
			return -1;
		if (n->comparator != SIEVE_CASEMAP)
			continue;
		p = sieve_keep_text(vm, c->key[i].p, c->key[i].len);
		if (p == NULL)
			return -1;
		to_upper(p, c->key[i].len);
		c->key[i].p = p;
	}
	return 0;
}

/* RFC 4790 9.1: the digits at the start; none of them is infinity. */
static struct sieve_view
digits(const char *p, size_t len)
{
	struct sieve_view v = { p, 0 };

	while (v.len < len && p[v.len] >= '0' && p[v.len] <= '9')
		v.len++;
	while (v.len > 1 && *v.p == '0') {
		v.p++;
		v.len--;
	}
	return v;
}

static int
order_numbers(struct sieve_view a, struct sieve_view b)
{
	struct sieve_view x = digits(a.p, a.len), y = digits(b.p, b.len);

	if (x.len == 0 || y.len == 0)
		return x.len == y.len ? 0 : x.len == 0 ? 1 : -1;
	if (x.len != y.len)
		return x.len < y.len ? -1 : 1;
	return memcmp(x.p, y.p, x.len);
}

static int
order(enum sieve_comparator comparator, struct sieve_view a,
    struct sieve_view b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r;

	if (comparator == SIEVE_NUMERIC)
		return order_numbers(a, b);
	r = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return r != 0 ? r : a.len < b.len ? -1 : a.len > b.len;
}

/* Steps of that. */
static uint64_t
order_steps(enum sieve_comparator comparator, struct sieve_view a,
    struct sieve_view b)
{
	if (comparator == SIEVE_NUMERIC)
		return a.len + b.len;
	return (a.len < b.len ? a.len : b.len) / CHEAP;
}

static int
holds(enum sieve_relation relation, int o)
{
	switch (relation) {
	case SIEVE_GT: return o > 0;
	case SIEVE_GE: return o >= 0;
	case SIEVE_LT: return o < 0;
	case SIEVE_LE: return o <= 0;
	case SIEVE_EQ: return o == 0;
	default: return o != 0;
	}
}

/* :matches */

struct glob {
	struct sieve_vm *vm;
	struct sieve_view key;
	const char *v, *at, *end;	/* the value; where the match is */
	size_t	 n;			/* wildcards so far, and 1 */
	struct { size_t from, len; } match[SIEVE_MATCHES_MAX];
};

static void
capture(struct glob *g, size_t i, const char *from, const char *to)
{
	if (i < SIEVE_MATCHES_MAX) {
		g->match[i].from = (size_t)(from - g->v);
		g->match[i].len = (size_t)(to - from);
	}
}

/*
 * Takes the run up to the next "*" off the key: its octets go to literal, and
 * an octet to any for each, 1 where any one will do. 1: a star ended it.
 */
static int
take_run(struct glob *g, int *wild_r)
{
	struct sieve_vm *vm = g->vm;
	char c;

	buf_reset(&vm->literal);
	buf_reset(&vm->any);
	*wild_r = 0;
	while (g->key.len > 0) {
		c = *g->key.p++;
		g->key.len--;
		if (c == '*')
			return 1;
		if (c == '\\' && g->key.len > 0) {
			buf_putc(&vm->literal, *g->key.p++);
			buf_putc(&vm->any, 0);
			g->key.len--;
			continue;
		}
		*wild_r |= c == '?';
		buf_putc(&vm->literal, c);
		buf_putc(&vm->any, c == '?');
	}
	return 0;
}

/* Does the run stand at p, in front of g->end? 1, 0, -1. */
static int
run_at(struct glob *g, const char *p)
{
	const char *l = buf_str(&g->vm->literal), *any = buf_str(&g->vm->any);
	size_t i, n = g->vm->literal.len;

	if ((size_t)(g->end - p) < n)
		return 0;
	for (i = 0; i < n; i++)
		if (!any[i] && l[i] != p[i])
			break;
	return sieve_steps(g->vm, i + 1) == -1 ? -1 : i == n;
}

/* Notes what its "?" stand for; the match goes on behind it. */
static void
run_done(struct glob *g, const char *p)
{
	const char *any = buf_str(&g->vm->any);
	size_t i, n = g->vm->literal.len;

	for (i = 0; i < n; i++)
		if (any[i]) {
			capture(g, g->n, p + i, p + i + 1);
			g->n++;
		}
	g->at = p + n;
}

/* The first place of the run from g->at on; NULL: none. 0, or -1. */
static int
find_run(struct glob *g, int wild, const char **r)
{
	const struct buf *l = &g->vm->literal;
	const char *p;
	int there;

	*r = NULL;
	if (!wild) {
		*r = l->len == 0 ? g->at : memmem(g->at,
		    (size_t)(g->end - g->at), l->data, l->len);
		p = *r != NULL ? *r : g->end;
		return sieve_steps(g->vm, (uint64_t)(p - g->at) / CHEAP + 1 +
		    l->len);
	}
	for (p = g->at; p <= g->end; p++) {
		if ((there = run_at(g, p)) == -1)
			return -1;
		if (there) {
			*r = p;
			return 0;
		}
	}
	return 0;
}

/* Each "*" takes as little as it can (RFC 5229 3.2), the last one the rest. */
static int
glob(struct glob *g)
{
	const char *p, *from;
	int star, wild, r;

	star = take_run(g, &wild);
	if ((r = run_at(g, g->v)) != 1)
		return r;
	run_done(g, g->v);
	if (!star)
		return g->at == g->end;
	while (star) {
		from = g->at;
		star = take_run(g, &wild);
		if (star) {
			if (find_run(g, wild, &p) == -1)
				return -1;
		} else {
			/* The last run stands at the end. */
			if ((size_t)(g->end - from) < g->vm->literal.len)
				return 0;
			p = g->end - g->vm->literal.len;
			if ((r = run_at(g, p)) != 1)
				return r;
		}
		if (p == NULL)
			return 0;
		capture(g, g->n++, from, p);
		run_done(g, p);
	}
	return 1;
}

/* original: the value before it was made upper case. */
static int
matches(struct sieve_vm *vm, const struct sieve_compare *c,
    struct sieve_view key, struct sieve_view v, const char *original)
{
	struct glob g = { .vm = vm, .key = key, .v = v.p, .at = v.p,
		.end = v.p + v.len, .n = 1 };
	int r;

	if (sieve_steps(vm, key.len) == -1)
		return -1;
	r = glob(&g);
	if (r != 1 || !c->captures || !(vm->s->capabilities &
	    SIEVE_C_VARIABLES))
		return r;
	if (sieve_steps(vm, v.len) == -1)
		return -1;
	buf_reset(&vm->matched);
	buf_append(&vm->matched, original, v.len);
	g.match[0].from = 0;
	g.match[0].len = v.len;
	vm->n_matches = g.n < SIEVE_MATCHES_MAX ? g.n : SIEVE_MATCHES_MAX;
	memcpy(vm->match, g.match, sizeof(vm->match));
	return 1;
}

static int
try_key(struct sieve_vm *vm, const struct sieve_compare *c,
    struct sieve_view key, struct sieve_view v, const char *original)
{
	switch (c->n->match) {
	case SIEVE_IS:
	case SIEVE_VALUE:
		if (sieve_steps(vm, order_steps(c->n->comparator, v, key)) ==
		    -1)
			return -1;
		if (c->n->match == SIEVE_IS)
			return order(c->n->comparator, v, key) == 0;
		return holds(c->n->relation, order(c->n->comparator, v, key));
	case SIEVE_CONTAINS:
		if (sieve_steps(vm, v.len / CHEAP + key.len) == -1)
			return -1;
		return key.len == 0 || (v.len >= key.len &&
		    memmem(v.p, v.len, key.p, key.len) != NULL);
	case SIEVE_MATCHES:
		return matches(vm, c, key, v, original);
	default:
		return 0;
	}
}

/* Any key will do. */
static int
try_keys(struct sieve_vm *vm, const struct sieve_compare *c, const char *p,
    size_t len)
{
	struct sieve_view v = { len > 0 ? p : "", len };
	size_t i;
	int r;

	if (sieve_steps(vm, len + c->n_keys + 1) == -1)
		return -1;
	if (c->n->comparator == SIEVE_CASEMAP && len > 0) {
		buf_reset(&vm->upper);
		buf_append(&vm->upper, p, len);
		to_upper(vm->upper.data, len);
		v.p = vm->upper.data;
	}
	for (i = 0; i < c->n_keys; i++)
		if ((r = try_key(vm, c, c->key[i], v, p)) != 0)
			return r;
	return 0;
}

int
sieve_compare_try(struct sieve_vm *vm, struct sieve_compare *c, const char *p,
    size_t len)
{
	c->count++;
	return c->n->match == SIEVE_COUNT ? 0 : try_keys(vm, c, p, len);
}

/* RFC 5231 4.2: the number, as a text. */
int
sieve_compare_end(struct sieve_vm *vm, struct sieve_compare *c)
{
	struct sieve_view v;
	char text[24];
	size_t i, n = sizeof(text);
	uint64_t count = c->count;

	if (c->n->match != SIEVE_COUNT)
		return 0;
	do
		text[--n] = (char)('0' + count % 10);
	while ((count /= 10) > 0);
	v.p = text + n;
	v.len = sizeof(text) - n;
	if (sieve_steps(vm, c->n_keys) == -1)
		return -1;
	for (i = 0; i < c->n_keys; i++)
		if (holds(c->n->relation, order(c->n->comparator, v,
		    c->key[i])))
			return 1;
	return 0;
}
