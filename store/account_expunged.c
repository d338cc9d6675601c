#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_adopt.h"
#include "store/account_expunged.h"
#include "store/body.h"
#include "store/shard_chores.h"
#include "store/text.h"

enum {
	BLOCK = 4096,
	PIECE = 1000,		/* rows that go in one turn of the shard */
};

static uint64_t
blocks(uint64_t size)
{
	return (size / BLOCK + 1) * BLOCK;
}

static uint64_t
bound_of(const struct tables_user *q)
{
	return q->quota_size != 0 && q->quota_size < store.conf.expunged_size ?
	    q->quota_size : store.conf.expunged_size;
}

/* The index forgets, a piece at a time. */

struct forgetting {
	struct call call;
	const char *name;
	uint32_t before;
	int	 more;
};

/* In the shard. What fails is tried again in the next round. */
static void
forget_rows(struct call *c)
{
	struct forgetting *f = c->arg;
	struct engine_batch b = { .epoch = store.epoch };
	struct engine_db *db;
	unsigned n;

	f->more = 0;
	(void)shard_of(f->name, &n);
	db = engine_db(store.engine, n);
	if (index_number(db, f->name, &b.account) == ENGINE_DONE)
		f->more = index_sweep(db, &b, f->before, PIECE) ==
		    ENGINE_MORE;
	engine_batch_clear(&b);
	helper_done(c);
}

void
expunged_forget(const char *name, int64_t before)
{
	struct forgetting f = { .call = { .fn = forget_rows, .arg = &f },
		.name = name, .before = before < 0 ? 0 : (uint32_t)before };

	while (helper_call(shard_of(name, NULL), &f.call) == 0 && f.more)
		;
}

/* What there is, and since when. */

enum { SECOND = 1000000 };	/* in microseconds */

struct kept {
	int64_t	 since;		/* microseconds */
	uint64_t size;
};

struct keeping {
	const char *name, *path;
	struct boxes boxes;
	struct kept *kept;
	size_t	 n;
	uint64_t total;
	uint64_t excess;	/* octets that are to go */
	int64_t	 until;		/* ... of what is not younger than this */
	unsigned gone;
};

/* What removing that name frees, or its share of it. */
static uint64_t
share(const struct body_entry *e)
{
	return blocks(e->size) / (e->links > 1 ? e->links : 1);
}

static void
add(struct keeping *k, int64_t since, uint64_t size)
{
	if ((k->n & (k->n + 1)) == 0)
		k->kept = mem_realloc(k->kept, k->n * 2 + 1,
		    sizeof(*k->kept));
	k->kept[k->n++] = (struct kept){ since, size };
	k->total += size;
}

/* All that a folder holds. */
static uint64_t
folder_size(const char *path, uint32_t id, int what)
{
	struct body_list *l = body_list(path, id, what | BODY_LOOK);
	const struct body_entry *e;
	uint64_t size = BLOCK;
	int i, n;

	while (l != NULL && (n = body_list_next(l, &e)) > 0)
		for (i = 0; i < n; i++)
			size += e[i].is_body ? share(&e[i]) : 0;
	body_list_end(&l);
	return size;
}

static uint64_t
deleted_size(const struct keeping *k, uint32_t id)
{
	return folder_size(k->path, id, BODY_MESSAGES) +
	    folder_size(k->path, id, BODY_EXPUNGED);
}

/* One that is in no list, not even in one that is being written. */
static int
is_deleted(const struct keeping *k, uint32_t id)
{
	return !boxes_has(&k->boxes, id) && id < k->boxes.next_id;
}

static void
count_mailbox(struct keeping *k, uint32_t id)
{
	const struct body_entry *e;
	struct body_list *l;
	int64_t since;
	int i, n;

	if (is_deleted(k, id)) {
		if (body_mailbox_since(k->path, id, &since) == 0)
			add(k, since, deleted_size(k, id));
		return;
	}
	l = body_list(k->path, id, BODY_EXPUNGED | BODY_LOOK);
	while (l != NULL && (n = body_list_next(l, &e)) > 0)
		for (i = 0; i < n; i++)
			if (e[i].is_body)
				add(k, e[i].since_us, share(&e[i]));
	body_list_end(&l);
}

/* Removing. */

struct settled {
	struct call call;
	const char *name;
	uint32_t mailbox;
	const struct body_entry *e;
	int	 n;
	char	 go[BODY_SLICE];	/* by place; cleared where it is known */
};

/* In the shard. */
static void
ask_index(struct call *c)
{
	struct settled *s = c->arg;
	struct buf v = BUF_INIT(0);
	struct engine_db *db;
	struct index_key key;
	uint32_t account;
	unsigned number;
	int i;

	(void)shard_of(s->name, &number);
	db = engine_db(store.engine, number);
	if (index_number(db, s->name, &account) != ENGINE_DONE)
		memset(s->go, 0, sizeof(s->go));
	for (i = 0; i < s->n; i++) {
		if (!s->go[i] || s->e[i].aside)
			continue;
		key = index_message(account, s->mailbox, s->e[i].number);
		s->go[i] = engine_get(db, ENGINE_CORE, key.k, key.len, &v) ==
		    ENGINE_ABSENT;
		buf_reset(&v);
	}
	buf_clear(&v);
	helper_done(c);
}

/* Those of a slice that are old enough, and no messages, durably so. */
static void
drop_slice(struct keeping *k, uint32_t id, struct body_list *l,
    const struct body_entry *e, int n)
{
	struct settled s = { .call = { .fn = ask_index, .arg = &s },
		.name = k->name, .mailbox = id, .e = e, .n = n };
	uint64_t left = k->excess;
	int i, some = 0;

	for (i = 0; i < n && left > 0; i++) {
		if (!e[i].is_body || e[i].since_us > k->until)
			continue;
		s.go[i] = 1;
		some = 1;
		left -= left < share(&e[i]) ? left : share(&e[i]);
	}
	if (!some)
		return;
	if (helper_call(shard_of(k->name, NULL), &s.call) == -1 ||
	    engine_durable(store.engine, engine_token(store.engine)) !=
	    ENGINE_DONE)
		return;
	for (i = 0; i < n; i++) {
		if (!s.go[i] || body_list_drop(l, &e[i]) == -1)
			continue;
		k->excess -= k->excess < share(&e[i]) ? k->excess :
		    share(&e[i]);
		k->total -= share(&e[i]);
		k->gone++;
	}
}

static void
drop_deleted(struct keeping *k, uint32_t id)
{
	uint64_t size = deleted_size(k, id);
	int64_t since;

	/* A list that a power cut takes back would have it again. */
	if (body_mailbox_since(k->path, id, &since) == -1 ||
	    since > k->until || text_sync(k->path) == -1 ||
	    body_remove_mailbox(k->path, id) == -1)
		return;
	k->excess -= k->excess < size ? k->excess : size;
	k->total -= k->total < size ? k->total : size;
	log_info("%s: the folder of deleted mailbox %u is removed", k->name,
	    id);
}

static void
drop_mailbox(struct keeping *k, uint32_t id)
{
	const struct body_entry *e;
	struct body_list *l;
	int n;

	if (k->excess == 0)
		return;
	if (is_deleted(k, id)) {
		drop_deleted(k, id);
		return;
	}
	l = body_list(k->path, id, BODY_EXPUNGED | BODY_LOOK);
	while (l != NULL && k->excess > 0 && (n = body_list_next(l, &e)) > 0)
		drop_slice(k, id, l, e, n);
	body_list_end(&l);
}

static void
each_mailbox(struct keeping *k, void (*each)(struct keeping *, uint32_t id))
{
	struct body_list *l = body_list_mailboxes(k->path);
	const struct body_entry *e;
	int i, n;

	while (l != NULL && (n = body_list_next(l, &e)) > 0)
		for (i = 0; i < n; i++)
			each(k, e[i].number);
	body_list_end(&l);
}

static int
cmp_since(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->since < y->since ? -1 : x->since > y->since;
}

/* The oldest go until an eighth of the bound is free again. */
static void
make_room(struct keeping *k, uint64_t bound)
{
	uint64_t sum = 0;
	size_t i;

	k->excess = k->total - (bound - bound / 8);
	qsort(k->kept, k->n, sizeof(*k->kept), cmp_since);
	for (i = 0; i + 1 < k->n && sum + k->kept[i].size < k->excess; i++)
		sum += k->kept[i].size;
	k->until = k->kept[i].since;
	each_mailbox(k, drop_mailbox);
	if (k->gone > 0)
		log_info("%s: %u expunged messages are removed, more than "
		    "%llu octets were kept", k->name, k->gone,
		    (unsigned long long)bound);
	expunged_forget(k->name, k->until / SECOND);
}

uint64_t
expunged_bound(const char *name, const char *path)
{
	struct keeping k = { .name = name, .path = path };
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX), why = BUF_INIT(200);
	struct tables_user q;
	uint64_t bound;

	memset(&q, 0, sizeof(q));
	if (store.user(name, &q) == LOOKUP_FOUND &&
	    text_read(path, 0, "mailboxes", &text) == 0 &&
	    boxes_parse(&k.boxes, buf_str(&text), text.len, &why) == 0) {
		bound = bound_of(&q);
		each_mailbox(&k, count_mailbox);
		if (k.total > bound)
			make_room(&k, bound);
	}
	boxes_clear(&k.boxes);
	free(k.kept);
	buf_clear(&text);
	buf_clear(&why);
	return k.total;
}

unsigned
expunged_old(const char *name, const char *path, uint32_t id, int64_t before)
{
	struct keeping k = { .name = name, .path = path,
		.total = UINT64_MAX, .excess = UINT64_MAX,
		.until = before * SECOND - 1 };
	struct body_list *l = body_list(path, id, BODY_EXPUNGED | BODY_LOOK);
	const struct body_entry *e;
	int n;

	while (l != NULL && (n = body_list_next(l, &e)) > 0)
		drop_slice(&k, id, l, e, n);
	body_list_end(&l);
	return k.gone;
}

/* A look at one account. */

struct look {
	struct chore chore;	/* first */
	struct call call;
	struct account *a;	/* stays while it is looked at */
	uint64_t left;
};

static void
look_end(struct call *c)
{
	struct look *l = c->arg;
	struct account *a = l->a;
	uint64_t bound = bound_of(&a->quota);

	/* What does not go is looked at again when an eighth more has come. */
	a->kept.size += l->left <= bound ? l->left : bound - bound / 8;
	a->kept.known = 1;
	a->kept.looking = 0;
	/* What came meanwhile may be too much already. */
	expunged_note(a, 0, 0);
	helper_done(c);
}

static void
look_run(struct chore *c)
{
	struct look *l = (struct look *)c;

	l->left = expunged_bound(l->a->name, l->a->path);
	l->call.fn = look_end;
	l->call.arg = l;
	(void)helper_call(l->a->shard, &l->call);
	free(l);
}

void
expunged_note(struct account *a, uint64_t size, uint64_t count)
{
	struct look *l;

	a->kept.size += size + count * BLOCK;
	if (a->kept.looking ||
	    (a->kept.known && a->kept.size <= bound_of(&a->quota)))
		return;
	a->kept.looking = 1;
	a->kept.size = 0;
	l = mem_zalloc(1, sizeof(*l));
	l->chore.run = look_run;
	l->a = a;
	helper_post(HELPER_LOOK, &l->chore);
}
