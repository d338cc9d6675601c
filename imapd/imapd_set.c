#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_set.h"

/* seq-number = nz-number / "*"; sets *star. */
static int
parse_number(const char **pp, const char *end, uint32_t largest, uint32_t *r,
    int *star)
{
	const char *p = *pp, *from = p;
	uint64_t v;

	if (p < end && *p == '*') {
		*pp = p + 1;
		*r = largest;
		*star = 1;
		return 0;
	}
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (str_number(from, (size_t)(p - from), UINT32_MAX, &v) == -1 ||
	    v == 0)
		return -1;
	*pp = p;
	*r = (uint32_t)v;
	return 0;
}

static int
range_cmp(const void *a, const void *b)
{
	const struct imapd_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void
set_merge(struct imapd_set *set)
{
	size_t i, n = 0;

	if (set->n < 2)
		return;
	qsort(set->r, set->n, sizeof(*set->r), range_cmp);
	for (i = 1; i < set->n; i++) {
		if (set->r[n].hi == UINT32_MAX ||
		    set->r[i].lo <= set->r[n].hi + 1) {
			if (set->r[i].hi > set->r[n].hi)
				set->r[n].hi = set->r[i].hi;
		} else
			set->r[++n] = set->r[i];
	}
	set->n = n + 1;
}

static int
parse_range(const char **p, const char *end, uint32_t largest,
    struct imapd_range *r, int *empty)
{
	int star = 0;
	uint32_t t;

	if (parse_number(p, end, largest, &r->lo, &star) == -1)
		return -1;
	r->hi = r->lo;
	if (*p < end && **p == ':') {
		++*p;
		if (parse_number(p, end, largest, &r->hi, &star) == -1)
			return -1;
	}
	if (r->lo > r->hi) {
		t = r->lo;
		r->lo = r->hi;
		r->hi = t;
	}
	*empty = star && largest == 0;
	return 0;
}

int
imapd_set_parse(struct imapd_set *set, const char *p, size_t len,
    uint32_t largest)
{
	const char *end = p + len;
	struct imapd_range r;
	size_t cap = 0, n = 0;
	int empty;

	memset(set, 0, sizeof(*set));
	for (;;) {
		if (n++ == IMAPD_RANGES_MAX ||
		    parse_range(&p, end, largest, &r, &empty) == -1)
			break;
		if (set->n == cap) {
			cap = cap * 2 + 4;
			set->r = mem_realloc(set->r, cap, sizeof(*set->r));
		}
		if (!empty)
			set->r[set->n++] = r;
		if (p == end) {
			set_merge(set);
			return 0;
		}
		if (*p++ != ',')
			break;
	}
	imapd_set_clear(set);
	return -1;
}

void
imapd_set_copy(struct imapd_set *set, const struct imapd_set *from)
{
	*set = (struct imapd_set){ .n = from->n };
	set->r = mem_alloc((from->n + 1) * sizeof(*set->r));
	if (from->n > 0)
		memcpy(set->r, from->r, from->n * sizeof(*set->r));
}

void
imapd_set_lend(struct imapd_set *set, const struct imapd_set *from)
{
	*set = *from;
	set->lent = 1;
}

void
imapd_set_clear(struct imapd_set *set)
{
	if (!set->lent)
		free(set->r);
	memset(set, 0, sizeof(*set));
}

int
imapd_set_has(const struct imapd_set *set, uint32_t v)
{
	size_t lo = 0, hi = set->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v < set->r[mid].lo)
			hi = mid;
		else if (v > set->r[mid].hi)
			lo = mid + 1;
		else
			return 1;
	}
	return 0;
}

void
imapd_set_put(struct buf *out, const uint32_t *v, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i = j) {
		for (j = i + 1; j < n && v[j] == v[j - 1] + 1; j++)
			;
		buf_printf(out, i > 0 ? ",%u" : "%u", v[i]);
		if (j - i > 1)
			buf_printf(out, ":%u", v[j - 1]);
	}
}
