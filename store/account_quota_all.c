/* Quotas of all accounts: at the start, and when the tables are new. */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_full.h"
#include "store/account_load.h"
#include "store/account_quota.h"
#include "store/account_quota_all.h"
#include "store/sum.h"

enum {
	NAMES = 256,		/* that are looked at in a slice */
	LOADS = 8,		/* ... and loaded */
	NAME_ROOM = 400,
};

/* Of a shard: names of full accounts that are not looked at yet. */
struct again {
	struct item item;
	struct buf names;
	struct cursor c;
};

static atomic_uint under_way;	/* shards that look again */

/* Empty where there is none. */
static void
next_name(struct cursor *c, char name[NAME_ROOM])
{
	size_t len;
	const char *p = cursor_lv(c, &len, NAME_ROOM - 1);

	if (!c->bad)
		memcpy(name, p, len);
	name[c->bad ? 0 : len] = '\0';
}

static void
again_account(struct shard *s, const char *name)
{
	struct account *a = account_get(s, name);

	if (a != NULL)
		a->quota_read = 0;
	if (a != NULL && a->state == ACCOUNT_READY && !a->busy)
		quota_note(a);
}

static void
again_run(struct item *i)
{
	struct again *g = (struct again *)i;
	char name[NAME_ROOM];
	unsigned n;

	for (n = 0; n < LOADS && cursor_left(&g->c) > 0 &&
	    !shard_stopping(i->shard); n++) {
		next_name(&g->c, name);
		again_account(i->shard, name);
	}
	if (cursor_left(&g->c) > 0 && !shard_stopping(i->shard)) {
		shard_post(&g->item);
		return;
	}
	atomic_fetch_sub(&under_way, 1);
	buf_clear(&g->names);
	free(g);
}

static void
again_name(void *arg, const char *name)
{
	struct again **list = arg;
	unsigned db;

	if (name[0] == '@')	/* a domain: sum.h */
		return;
	(void)shard_of(name, &db);
	buf_put_lv(&list[db % store.n_shards]->names, name, strlen(name));
}

void
quota_full_again(void)
{
	struct again **list = mem_zalloc(store.n_shards, sizeof(*list));
	unsigned i;

	for (i = 0; i < store.n_shards; i++)
		list[i] = mem_zalloc(1, sizeof(**list));
	full_each(again_name, list);
	for (i = 0; i < store.n_shards; i++) {
		cursor_init(&list[i]->c, list[i]->names.data,
		    list[i]->names.len);
		list[i]->item.shard = shard_at(i);
		list[i]->item.run = again_run;
		atomic_fetch_add(&under_way, 1);
		shard_post(&list[i]->item);
	}
	free(list);
}

void
quota_missed_again(void)
{
	if (atomic_load(&under_way) == 0 && quota_missed())
		quota_full_again();
}

/*
 * At the start every account that the index knows is looked at once: who is
 * full, and (after a crash) whose flags file is behind. In slices, for there
 * may be many, and those are loaded.
 */
/* Of a shard. */
struct quota_walk {
	struct item item;
	unsigned db;			/* it is at this one */
	struct engine_scan scan;
	struct buf names;		/* what it gave */
	struct cursor c;		/* ... and is not looked at yet */
};

struct sums {
	uint64_t size, count;
	int	 behind;
};

static int
walk_name(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct quota_walk *w = arg;

	if (klen > ENGINE_GROUP + 1 && vlen == 4) {
		buf_put_lv(&w->names, (const char *)key + ENGINE_GROUP + 1,
		    klen - ENGINE_GROUP - 1);
		buf_append(&w->names, value, 4);
	}
	return 0;
}

static int
walk_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct sums *s = arg;
	struct index_row row;

	if (index_get_row(value, vlen, &row) == 0) {
		s->size += row.size;
		s->count += row.messages;
		s->behind |= row.modseq > row.flags_modseq;
	}
	return 0;
}

/* Its part of the sum of its domain. */
static void
walk_sum(const struct quota_walk *w, const char *name, const struct sums *s)
{
	const struct account *a = *shard_bucket(w->item.shard, name);

	while (a != NULL && strcmp(a->name, name) != 0)
		a = a->next;
	if (a != NULL && a->state == ACCOUNT_READY)
		sum_note(a);
	else
		sum_walked(name, s->size, s->count);
}

/* 1 where it was loaded. */
static unsigned
walk_account(struct quota_walk *w, const char *name, uint32_t number)
{
	struct sums s = { 0, 0, 0 };
	struct account *a = NULL;
	struct engine_scan scan;
	struct tables_user q;
	int is;

	index_scan_kind(&scan, number, 'M');
	if (engine_scan(engine_db(store.engine, w->db), &scan, walk_row,
	    &s) != ENGINE_DONE)
		s.behind = 1;	/* its own load tells */
	walk_sum(w, name, &s);
	is = store.user(name, &q) == LOOKUP_FOUND;
	if (is) {
		quota_system(&q);
		is = quota_is_full(&q, s.size, s.count);
	}
	if (s.behind || is)
		a = account_get(w->item.shard, name);
	/* One that could be loaded knows which of the rows count. */
	if (a != NULL && a->state == ACCOUNT_READY) {
		quota_note(a);
	} else if (is) {
		if (a != NULL)
			a->full = 1;
		full_change(name, 1);
	}
	return a != NULL;
}

static void
walk_db(struct quota_walk *w, unsigned db)
{
	w->db = db;
	index_scan_kind(&w->scan, 0, 'u');
	w->scan.max = NAMES;
}

/* The next names: 1, or 0 at the end of the shard's last database. */
static int
walk_names(struct quota_walk *w)
{
	enum engine_result r;

	for (buf_reset(&w->names); w->db < ENGINE_DBS;
	    walk_db(w, w->db + store.n_shards)) {
		r = engine_scan(engine_db(store.engine, w->db), &w->scan,
		    walk_name, w);
		if (r != ENGINE_DONE && r != ENGINE_MORE)
			log_warn("not all full accounts are known: the index "
			    "does not answer");
		if (w->names.len > 0)
			break;
	}
	cursor_init(&w->c, w->names.data, w->names.len);
	return w->names.len > 0;
}

/* 1; 0: there is none any more. */
static int
walk_next(struct quota_walk *w, unsigned *loads)
{
	char name[NAME_ROOM];

	if (cursor_left(&w->c) == 0 && !walk_names(w))
		return 0;
	next_name(&w->c, name);
	if (w->c.bad)
		return 0;
	*loads += walk_account(w, name, cursor_u32(&w->c));
	return 1;
}

static void
walk_run(struct item *i)
{
	struct quota_walk *w = (struct quota_walk *)i;
	unsigned n, loads = 0;
	int more = !shard_stopping(i->shard);

	for (n = 0; more && n < NAMES && loads < LOADS; n++)
		more = walk_next(w, &loads);
	if (more) {
		shard_post(&w->item);
		return;
	}
	buf_clear(&w->names);
	free(w);
	sum_walks(-1);
}

void
quota_walk(void)
{
	struct quota_walk *w;
	unsigned i;

	sum_walks((int)store.n_shards);
	for (i = 0; i < store.n_shards; i++) {
		w = mem_zalloc(1, sizeof(*w));
		walk_db(w, i);
		w->item.shard = shard_at(i);
		w->item.run = walk_run;
		shard_post(&w->item);
	}
}

void
quota_start(void)
{
	full_publish();
	quota_walk();
}
