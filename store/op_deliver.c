/*
 * Deliveries. The way is in shard.h; what is particular: the queue id stays in
 * the index (rows 'Q') for as long as a queue may repeat a delivery, so that a
 * repeat is answered and adds nothing. An id greater than every one seen needs
 * no look-up, for queue's ids rise.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/queue_id.h"
#include "store/account.h"
#include "store/body.h"
#include "store/door_client.h"

enum {
	KEEP_DAYS = 10,		/* a queue id is known at least so long */
	FORGET_MAX = 8,		/* old ones forgotten by one delivery */
};

struct delivery {
	struct task t;		/* first */
	struct mailbox *m;
	char	*owner;
	char	 queue_id[QUEUE_ID_LEN + 1];
	uint64_t number;	/* the id as a number */
	int	 fd;
	struct door_record rec;
	enum result result;
	const char *text;	/* of the answer */
	struct delivery *same;	/* repeats that came meanwhile */
	struct delivery *next_here; /* under way in this account */
	size_t	 cache_len;
	char	 cache[];
};

static void
delivery_answer(struct delivery *d)
{
	struct client *c = d->t.client;

	if (client_begin(c, DM_DELIVERED, d->t.id)) {
		msg_u32(&c->chan, DF_RESULT, d->result);
		msg_words(&c->chan, DF_WORDS, d->text, RESULT_WORDS_MAX);
		client_end(c, d->t.item.shard);
	}
}

static void
delivery_free(struct delivery *d)
{
	fd_close(&d->fd);
	free(d->owner);
	free(d);
}

/* For one that never became a task. */
static void
delivery_end(struct delivery *d, enum result result, const char *text)
{
	struct client *c = d->t.client;

	d->result = result;
	d->text = text;
	delivery_answer(d);
	delivery_free(d);
	client_release(c);
}

static void
deliver_files(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	const char *path = t->account->path;
	enum body_result r;

	r = body_link_queue(path, d->m->id, d->rec.uid, d->queue_id, d->fd,
	    d->rec.size);
	if (r == BODY_ABSENT && body_make_mailbox(path, d->m->id) == 0)
		r = body_link_queue(path, d->m->id, d->rec.uid, d->queue_id,
		    d->fd, d->rec.size);
	if (r == BODY_DONE) {
		task_dir(t, d->m->id, 0);
	} else if (r == BODY_FULL) {
		task_fail(t, D_LATER, "4.3.1 the disk is full");
	} else if (r == BODY_FALSE) {
		log_warn("%s: to=<%s> the file is not the one that was "
		    "passed", d->queue_id, d->owner);
		task_fail(t, D_LATER, "4.3.0 the message file is not right");
	} else {
		log_warn("%s: to=<%s> link: %s", d->queue_id, d->owner,
		    strerror(errno));
		task_fail(t, D_LATER, "4.3.0 the mailbox cannot be written");
	}
	fd_close(&d->fd);
}

static void
deliver_undo(struct task *t)
{
	struct delivery *d = (struct delivery *)t;

	(void)body_drop(t->account->path, d->m->id, d->rec.uid);
}

struct forgetting {
	struct engine_batch *b;
	uint64_t before, first;
	unsigned n;
};

static int
forget_one(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct forgetting *f = arg;

	f->first = index_tail_u64(key, klen);
	if (f->first >= f->before || f->n == FORGET_MAX)
		return 1;
	engine_del(f->b, ENGINE_CORE, key, klen);
	f->n++;
	return 0;
}

/* Ids are times in microseconds, so the oldest come first. */
static void
forget_old(struct account *a, struct engine_batch *b)
{
	struct forgetting f = { b, (uint64_t)(clock_now_us() -
	    (int64_t)KEEP_DAYS * 86400 * 1000000), 0, 0 };
	struct engine_scan s;

	if (a->min_queue_id >= f.before)
		return;
	index_scan_kind(&s, a->number, 'Q');
	if (engine_scan(a->db, &s, forget_one, &f) <= ENGINE_MORE)
		a->min_queue_id = f.first;
}

static void
deliver_commit(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	struct account *a = t->account;
	struct mailbox *m = d->m;
	struct engine_batch *b;
	struct index_key k;

	a->pending_size -= d->rec.size;
	a->pending_count--;
	if (t->error == D_OK && m->dead)
		task_fail(t, D_LATER, "4.3.0 the mailbox is gone");
	if (t->error != D_OK)
		return;
	b = account_batch(a);
	d->rec.modseq = m->row.modseq = shard_modseq(a->shard);
	index_put_record(b, m->id, &d->rec);
	k = index_key_u64(a->number, 'Q', d->number);
	engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
	if (a->min_queue_id == 0)
		a->min_queue_id = d->number;
	forget_old(a, b);
	if (d->cache_len > 0) {
		k = index_message(a->number, m->id, d->rec.uid);
		engine_put(b, ENGINE_CACHE, k.k, k.len, d->cache,
		    d->cache_len);
	}
	mailbox_count(&m->row, &d->rec, 1);
	if (m->row.uidnext <= d->rec.uid)
		m->row.uidnext = d->rec.uid + 1;
	mailbox_commit_begin(m, d->rec.modseq);
	mailbox_dirty(m, d->rec.uid);
	shard_row(m);
}

static void
under_way_remove(struct delivery *d)
{
	struct delivery **p = &d->t.account->under_way;

	while (*p != d)
		p = &(*p)->next_here;
	*p = d->next_here;
}

static void
deliver_finish(struct task *t)
{
	struct delivery *d = (struct delivery *)t, *same, *next;
	struct mailbox *m = d->m;

	under_way_remove(d);
	if (t->error == D_OK) {
		d->result = RESULT_DELIVERED;
		d->text = "2.0.0 delivered";
		atomic_fetch_add(&store.delivered, 1);
		mailbox_count(&m->seen, &d->rec, 1);
		if (m->seen.uidnext <= d->rec.uid)
			m->seen.uidnext = d->rec.uid + 1;
		mailbox_commit_seen(m, d->rec.modseq);
		quota_note(t->account);
		log_debug("%s: to=<%s> mailbox %u uid %u", d->queue_id,
		    d->owner, m->id, d->rec.uid);
	} else {
		d->result = RESULT_LATER;
		d->text = t->words;
	}
	delivery_answer(d);
	for (same = d->same; same != NULL; same = next) {
		next = same->same;
		delivery_end(same, d->result, d->text);
	}
	delivery_free(d);
}

static const struct task_kind deliver_kind = {
	deliver_files, deliver_commit, deliver_finish, deliver_undo
};

/* 1 where this queue id is here, or on its way, or nobody can say (d is then
   taken over). */
static int
deliver_repeated(struct account *a, struct delivery *d)
{
	struct delivery *u;
	struct index_key k;
	struct buf v = BUF_INIT(0);
	enum engine_result r;

	if (d->number > a->max_queue_id) {
		a->max_queue_id = d->number;
		return 0;
	}
	for (u = a->under_way; u != NULL; u = u->next_here)
		if (u->number == d->number) {
			d->same = u->same;
			u->same = d;
			return 1;
		}
	k = index_key_u64(a->number, 'Q', d->number);
	r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	buf_clear(&v);
	if (r == ENGINE_ABSENT)
		return 0;
	if (r == ENGINE_DONE)
		delivery_end(d, RESULT_DELIVERED, "2.0.0 delivered before");
	else
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the index does not answer");
	return 1;
}

static void
deliver_submit(struct account *a, struct delivery *d)
{
	struct mailbox *m = a->inbox;

	if (m->next_uid == UINT32_MAX) {
		delivery_end(d, RESULT_LATER, "4.3.0 uids run out");
		return;
	}
	d->m = m;
	d->rec.uid = m->next_uid++;
	a->pending_size += d->rec.size;
	a->pending_count++;
	d->next_here = a->under_way;
	a->under_way = d;
	task_submit(&d->t);
}

static void
deliver_start(struct account *a, struct delivery *d)
{
	if (a->state == ACCOUNT_ABSENT) {
		delivery_end(d, RESULT_NEVER, "5.1.1 no such mailbox");
		return;
	}
	if (a->state != ACCOUNT_READY || a->lost) {
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the mailboxes cannot be read");
		return;
	}
	if (store_no_space()) {
		delivery_end(d, RESULT_LATER, "4.3.1 the disk is full");
		return;
	}
	if (deliver_repeated(a, d))
		return;
	switch (quota_delivery(a, d->rec.size)) {
	case QUOTA_OK:
		deliver_submit(a, d);
		break;
	case QUOTA_FULL:
		quota_note(a);
		delivery_end(d, RESULT_LATER, "4.2.2 mailbox is full");
		break;
	case QUOTA_NEVER:
		delivery_end(d, RESULT_NEVER,
		    "5.2.3 the message is larger than the mailbox may be");
		break;
	case QUOTA_NO_USER:
		delivery_end(d, RESULT_NEVER, "5.1.1 no such mailbox");
		break;
	case QUOTA_LATER:
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the tables cannot be read");
		break;
	}
}

static void
deliver_resume(struct task *t)
{
	struct account *a = t->account;

	if (a->busy) {
		t->item.next = NULL;
		*a->waiting_tail = &t->item;
		a->waiting_tail = &t->item.next;
		return;
	}
	deliver_start(a, (struct delivery *)t);
}

/* In the owner's shard. */
static void
deliver_run(struct item *i)
{
	struct delivery *d = (struct delivery *)i;
	struct account *a;

	if (shard_stopping(i->shard)) {
		delivery_end(d, RESULT_LATER, "4.3.2 the store stops");
		return;
	}
	if ((a = account_get(i->shard, d->owner)) == NULL) {
		delivery_end(d, RESULT_NEVER, "5.1.1 no such mailbox");
		return;
	}
	d->t.account = a;
	a->resume = deliver_resume;
	deliver_resume(&d->t);
}

void
deliver_request(struct client *c, struct msg *m)
{
	const char *id, *cache;
	struct delivery *d;
	size_t id_len, cache_len;
	uint64_t number;

	id = msg_get(m, DF_QUEUE_ID, &id_len);
	if (queue_id_parse(id, id_len, &number) == -1) {
		client_drop(c, "a bad queue id");
		return;
	}
	cache = msg_get(m, DF_CACHE, &cache_len);
	d = mem_alloc(sizeof(*d) + cache_len);
	memset(d, 0, sizeof(*d));
	d->t.kind = &deliver_kind;
	d->t.client = client_hold(c);
	d->t.id = m->id;
	d->number = number;
	memcpy(d->queue_id, id, id_len);
	d->owner = msg_get_dup(m, DF_OWNER);
	d->fd = msg_get_fd(m, 0);
	d->rec.size = msg_get_u64(m, DF_SIZE);
	d->rec.header_len = msg_get_u32(m, DF_HEADER);
	d->rec.date = (int64_t)msg_get_u64(m, DF_DATE);
	d->rec.save_date = (uint32_t)clock_now();
	index_sane(&d->rec);
	if (cache_len > 0)
		memcpy(d->cache, cache, cache_len);
	d->cache_len = cache_len;
	d->t.item.shard = shard_of(d->owner, NULL);
	d->t.item.run = deliver_run;
	if (d->t.item.shard == c->shard)
		deliver_run(&d->t.item);
	else
		shard_post(&d->t.item);
}
