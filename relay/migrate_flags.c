/*
 * Messages that were brought before. What changed there since then is changed
 * here: a flag that was set there is set here, one that was taken away there is
 * taken away here, and no other is touched. So what the user did here stays.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "relay/migrate.h"

/* What is to change of a message here. */
struct delta {
	uint32_t here;
	uint32_t set, unset;
	uint64_t keywords_set, keywords_unset;
};

static int
compare(const struct delta *x, const struct delta *y)
{
	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	if (x->unset != y->unset)
		return x->unset < y->unset ? -1 : 1;
	if (x->keywords_set != y->keywords_set)
		return x->keywords_set < y->keywords_set ? -1 : 1;
	if (x->keywords_unset != y->keywords_unset)
		return x->keywords_unset < y->keywords_unset ? -1 : 1;
	return 0;
}

/* Those of one change together, by uid. */
static int
by_change(const void *a, const void *b)
{
	const struct delta *x = a, *y = b;
	int r = compare(x, y);

	return r != 0 ? r : x->here < y->here ? -1 : x->here > y->here;
}

static enum step
store(struct box *b, const uint32_t *uids, size_t n, enum door_op op,
    uint32_t flags, uint64_t keywords)
{
	const struct state_box *sb = &b->g->state.box[b->state];
	char *names[STATE_KEYWORDS + 1];
	struct door_record *rec = NULL;
	uint32_t *failed = NULL;
	size_t n_rec, n_failed, n_names = 0;
	unsigned i;
	int r;

	if (flags == 0 && keywords == 0)
		return STEP_DONE;
	for (i = 0; i < sb->n_keywords; i++)
		if (keywords >> i & 1)
			names[n_names++] = sb->keyword[i];
	names[n_names] = NULL;
	r = door_store(&b->g->door, b->here.id, uids, n, op, flags, names,
	    UINT64_MAX, &rec, &n_rec, &failed, &n_failed);
	free(rec);
	free(failed);
	return r == 0 ? STEP_DONE : migrate_here(b->g);
}

/* The deltas that change the same. */
static enum step
group(struct box *b, const struct delta *d, size_t n)
{
	uint32_t *uids = mem_alloc(n * sizeof(*uids));
	enum step r;
	size_t i;

	for (i = 0; i < n; i++)
		uids[i] = d[i].here;
	r = store(b, uids, n, DOOR_ADD, d->set, d->keywords_set);
	if (r == STEP_DONE)
		r = store(b, uids, n, DOOR_REMOVE, d->unset,
		    d->keywords_unset);
	free(uids);
	return r;
}

/* What is to change; 0: nothing. */
static int
differs(const struct source_message *s, const struct state_message *m,
    struct delta *d)
{
	*d = (struct delta){ .here = m->here, .set = s->flags & ~m->flags,
		.unset = m->flags & ~s->flags,
		.keywords_set = s->keywords & ~m->keywords,
		.keywords_unset = m->keywords & ~s->keywords };
	return !m->gone && (d->set | d->unset) + (d->keywords_set |
	    d->keywords_unset) != 0;
}

static enum step
apply(struct box *b, struct delta *d, size_t n)
{
	enum step r = STEP_DONE;
	size_t i, end;

	if (n > 0)
		qsort(d, n, sizeof(*d), by_change);
	for (i = 0; i < n && r == STEP_DONE; i = end) {
		for (end = i + 1; end < n && compare(&d[i], &d[end]) == 0;
		    end++)
			;
		r = group(b, d + i, end - i);
	}
	return r;
}

enum step
migrate_flags(struct box *b)
{
	struct state *st = &b->g->state;
	struct state_box *sb = &st->box[b->state];
	struct delta *d = mem_alloc((b->n + 1) * sizeof(*d));
	struct state_message *m;
	size_t i, n = 0;
	enum step r;

	for (i = 0; i < b->n; i++)
		if ((m = state_find(sb, b->v[i].uid)) != NULL &&
		    differs(&b->v[i], m, &d[n]))
			n++;
	b->changed = n;
	r = apply(b, d, n);
	/* A kill before this does it once more. */
	for (i = 0; r == STEP_DONE && n > 0 && i < b->n; i++)
		if ((m = state_find(sb, b->v[i].uid)) != NULL &&
		    differs(&b->v[i], m, d))
			state_flags(st, b->state, m, b->v[i].flags,
			    b->v[i].keywords);
	free(d);
	return r == STEP_DONE && n > 0 ? migrate_keep(b->g) : r;
}

/* Is it among what vanished, or, where all was told, not there? */
static int
is_gone(const struct box *b, const struct state_message *m, size_t *at)
{
	size_t i;

	if (m->gone)
		return 0;
	if (b->told) {
		for (i = 0; i < b->n_vanished; i++)
			if (m->uid >= b->vanished[i].first &&
			    m->uid <= b->vanished[i].last)
				return 1;
		return 0;
	}
	while (*at < b->n && b->v[*at].uid < m->uid)
		++*at;
	return *at == b->n || b->v[*at].uid != m->uid;
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

enum step
migrate_gone(struct box *b)
{
	struct state *st = &b->g->state;
	struct state_box *sb = &st->box[b->state];
	uint32_t *uids, *gone = NULL;
	size_t i, n = 0, at = 0, n_gone = 0;
	uint64_t modseq;
	int r;

	(void)state_find(sb, 0);
	uids = mem_alloc((sb->n + 1) * sizeof(*uids));
	for (i = 0; i < sb->n; i++)
		if (is_gone(b, &sb->m[i], &at))
			uids[n++] = sb->m[i].here;
	if (n == 0) {
		free(uids);
		return STEP_DONE;
	}
	qsort(uids, n, sizeof(*uids), by_number);
	r = door_expunge(&b->g->door, b->here.id, uids, n, 1, &gone, &n_gone,
	    &modseq);
	b->gone = n_gone;
	free(uids);
	free(gone);
	if (r == -1)
		return migrate_here(b->g);
	for (i = 0, at = 0; i < sb->n; i++)
		if (is_gone(b, &sb->m[i], &at))
			state_gone(st, b->state, &sb->m[i]);
	return migrate_keep(b->g);
}
