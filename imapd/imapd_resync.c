#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "imapd/imapd_resync.h"

/* A sequence-set in which "*" is not allowed. */
static int
read_set(struct imapd_set *set, const struct imapd_arg *a)
{
	if (a->type != IMAPD_ATOM || memchr(a->p, '*', a->len) != NULL)
		return -1;
	return imapd_set_parse(set, a->p, a->len, 0);
}

static uint64_t
set_count(const struct imapd_set *set)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < set->n; i++)
		n += (uint64_t)set->r[i].hi - set->r[i].lo + 1;
	return n;
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")" */
static int
read_pairs(struct imapd_resync *r, const struct imapd_arg *a)
{
	if (a->type != IMAPD_LIST || a->len != 2 ||
	    read_set(&r->seqs, a + 1) == -1 ||
	    read_set(&r->pairs, imapd_arg_next(a + 1)) == -1)
		return -1;
	return set_count(&r->seqs) == set_count(&r->pairs) ? 0 : -1;
}

/*
 * "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")".
 * A modseq of 0 is taken as in CHANGEDSINCE.
 */
int
imapd_resync_read(struct imapd_resync *r, const struct imapd_arg *a)
{
	size_t n = a->len;
	uint64_t v;

	if (a->type != IMAPD_LIST || n < 2 || n > 4)
		return -1;
	if (imapd_arg_number(++a, UINT32_MAX, &v) == -1 || v == 0)
		return -1;
	r->uidvalidity = (uint32_t)v;
	a = imapd_arg_next(a);
	if (imapd_arg_number(a, INT64_MAX, &r->modseq) == -1)
		return -1;
	n -= 2;
	a = imapd_arg_next(a);
	if (n > 0 && a->type == IMAPD_ATOM) {
		if (read_set(&r->uids, a) == -1)
			return -1;
		n--;
		a = imapd_arg_next(a);
	} else {
		r->uids.r = mem_alloc(sizeof(*r->uids.r));
		r->uids.r[0] = (struct imapd_range){ 1, UINT32_MAX };
		r->uids.n = 1;
	}
	if (n > 0 && read_pairs(r, a) == -1)
		return -1;
	return n > 1 ? -1 : 0;
}

void
imapd_resync_clear(struct imapd_resync *r)
{
	imapd_set_clear(&r->uids);
	imapd_set_clear(&r->seqs);
	imapd_set_clear(&r->pairs);
}

/*
 * The highest of n pairs from seq and uid on that fits; 0. Above one that does
 * not fit none does: uids rise at least as numbers do.
 */
static uint32_t
highest_pair(const struct imapd_view *v, uint32_t seq, uint32_t uid, size_t n)
{
	const uint32_t *uids = v->uids + seq - 1;
	size_t lo = 0, mid;

	if (seq > v->n)
		return 0;
	if (n > v->n - seq + 1)
		n = v->n - seq + 1;
	while (lo < n) {
		mid = lo + (n - lo) / 2;
		if (uids[mid] <= uid + mid)
			lo = mid + 1;
		else
			n = mid;
	}
	if (lo == 0 || uids[lo - 1] != uid + lo - 1)
		return 0;
	return uids[lo - 1];
}

uint32_t
imapd_resync_floor(const struct imapd_resync *r, const struct imapd_view *v)
{
	size_t i = 0, j = 0, n, left_i, left_j, at_i = 0, at_j = 0;
	uint32_t floor = 0, uid;

	/* Both sets in pieces of which neither has a gap. */
	while (i < r->seqs.n && j < r->pairs.n) {
		left_i = (size_t)r->seqs.r[i].hi - r->seqs.r[i].lo + 1 - at_i;
		left_j = (size_t)r->pairs.r[j].hi - r->pairs.r[j].lo + 1 - at_j;
		n = left_i < left_j ? left_i : left_j;
		uid = highest_pair(v, (uint32_t)(r->seqs.r[i].lo + at_i),
		    (uint32_t)(r->pairs.r[j].lo + at_j), n);
		if (uid > floor)
			floor = uid;
		at_i += n;
		at_j += n;
		if (n == left_i) {
			i++;
			at_i = 0;
		}
		if (n == left_j) {
			j++;
			at_j = 0;
		}
	}
	return floor;
}
