/*
 * Deliveries. The way is in shard.h, what is known of earlier ones in
 * account_delivered.c. A filter says where a message goes and as what; whatever
 * of that cannot be done, it is kept: in INBOX, without that keyword.
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
#include "lib/mail/mailbox_name.h"
#include "lib/mail/queue_id.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_delivered.h"
#include "store/account_follow.h"
#include "store/account_keywords.h"
#include "store/account_load.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/account_warn.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/index_cache.h"
#include "store/op_deliver.h"
#include "store/op_file.h"
#include "store/op_mailbox.h"
#include "store/op_sieve.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"

struct delivery {
	struct task t;		/* first */
	struct mailbox *m;
	char	*owner;
	char	*mailbox;	/* where it is to go; NULL: INBOX */
	uint32_t attrs;		/* ... or rather where these are */
	int	 make;		/* it may be made, which was not tried */
	enum door_filter filter;
	char	*keywords;
	size_t	 keywords_len;
	char	 file[BODY_NAME]; /* the changed body; "": queue's */
	uint32_t crc;
	char	 queue_id[QUEUE_ID_LEN + 1];
	uint64_t number;	/* the id as a number */
	int	 fd;
	struct door_record rec;
	struct keyword_set bits;	/* of the keywords */
	enum result result;
	const char *text;	/* of the answer */
	struct delivery *same;	/* repeats that came meanwhile */
	struct delivery *next_here; /* under way in this account */
	size_t	 cache_len;	/* of the row of CACHE */
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
	if (d->file[0] != '\0')
		body_put_back(d->file);
	free(d->owner);
	free(d->mailbox);
	free(d->keywords);
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

static enum body_result
deliver_link(struct delivery *d)
{
	if (d->file[0] != '\0')
		return task_link_put(&d->t, d->m->id, d->rec.uid, d->file,
		    d->rec.size, d->crc);
	return task_link_queue(&d->t, d->m->id, d->rec.uid, d->queue_id,
	    d->fd, d->rec.size);
}

static void
deliver_files(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	enum body_result r = deliver_link(d);

	if (r == BODY_ABSENT &&
	    task_make_mailbox(t, d->m->id) == 0)
		r = deliver_link(d);
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
deliver_commit(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	struct account *a = t->account;
	struct mailbox *m = d->m;
	struct engine_batch *b;
	struct index_key k;

	account_release(a, d->rec.size, 1);
	mailbox_release(m);
	if (t->error == D_OK && m->dead)
		task_fail(t, D_LATER, "4.3.0 the mailbox is gone");
	if (t->error != D_OK)
		return;
	b = account_batch(a);
	d->rec.modseq = m->row.modseq = shard_modseq(a->shard);
	mailbox_put_new(m, &d->rec, &d->bits);
	follow_added(m, &d->rec);
	delivered_note(m, b, d->number);
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
		quota_warn(t->account);
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
	deliver_files, deliver_commit, deliver_finish
};

/* 1 where it is in that mailbox, or on its way, or nobody can say (d is then
   taken over). */
static int
deliver_repeated(struct account *a, struct delivery *d)
{
	struct delivery *u;

	for (u = a->under_way; u != NULL && d->number <= a->max_queue_id;
	    u = u->next_here)
		if (u->number == d->number && u->m == d->m) {
			d->same = u->same;
			u->same = d;
			return 1;
		}
	switch (delivered_before(d->m, d->number)) {
	case ENGINE_ABSENT:
		return 0;
	case ENGINE_DONE:
		delivery_end(d, RESULT_DELIVERED, "2.0.0 delivered before");
		return 1;
	default:
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the index does not answer");
		return 1;
	}
}

/* Those keywords that find room: a message is not kept back for one. 0, or -1
   (d is then taken over). */
static int
deliver_keywords(struct delivery *d)
{
	enum door_error e;

	if (d->keywords_len == 0)
		return 0;
	e = mailbox_bits(d->m, d->keywords, d->keywords_len, 1, NULL,
	    &d->bits);
	if (e == D_LATER) {
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the index does not answer");
		return -1;
	}
	if (e != D_OK)
		memset(&d->bits, 0, sizeof(d->bits));
	d->rec.keywords = d->bits.word[0];
	return 0;
}

static void
deliver_submit(struct account *a, struct delivery *d)
{
	struct mailbox *m = d->m;

	if (m->next_uid == UINT32_MAX) {
		delivery_end(d, RESULT_LATER, "4.3.0 uids run out");
		return;
	}
	if (deliver_keywords(d) == -1)
		return;
	mailbox_hold(m, &d->bits);
	d->rec.uid = m->next_uid++;
	account_reserve(a, d->rec.size, 1);
	d->next_here = a->under_way;
	a->under_way = d;
	task_submit(&d->t);
}

/* Finds where it goes. 0: it waits until that is made. */
static int
deliver_where(struct account *a, struct delivery *d)
{
	d->m = d->attrs != 0 ? account_by_use(a, d->attrs) : NULL;
	if (d->m == NULL && d->mailbox != NULL)
		d->m = account_by_name(a, d->mailbox);
	if (d->m != NULL && !(d->m->attrs & ATTR_NOSELECT))
		return 1;
	if (d->make && d->mailbox != NULL && mailbox_name_ok(d->mailbox)) {
		d->make = 0;
		account_wait(a, &d->t.item);
		mailbox_make(a, mem_strdup(d->mailbox),
		    d->attrs | ATTR_SUBSCRIBED);
		return 0;
	}
	d->m = a->inbox;
	return 1;
}

/* Names of the mailboxes, as many as fit. */
static void
put_names(const struct account *a, struct buf *out)
{
	const struct mailbox *m;
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++) {
		m = a->mailbox[i];
		if (!(m->attrs & ATTR_NOSELECT) &&
		    buf_put_lv(out, m->name, strlen(m->name)) == -1)
			break;
	}
}

/* d is over: the script goes to deliver, and the descriptor back with it. */
static void
deliver_script(struct account *a, struct delivery *d, const struct buf *script)
{
	struct buf names = BUF_INIT(DOOR_SCRIPT_NAMES_MAX);
	struct client *c = d->t.client;

	if (d->filter == DOOR_FILTER_NAMES)
		put_names(a, &names);
	if (client_begin(c, DM_SCRIPT_IS, d->t.id)) {
		msg_bytes(&c->chan, DF_CACHE, buf_str(script), script->len);
		if (d->filter == DOOR_FILTER_NAMES)
			msg_bytes(&c->chan, DF_NAMES, buf_str(&names),
			    names.len);
		msg_fd(&c->chan, d->fd);
		d->fd = -1;
		client_end(c, a->shard);
	}
	buf_clear(&names);
	delivery_free(d);
	client_release(c);
}

/* 1 where the recipient's script comes first, or cannot be read now (d is then
   taken over). */
static int
deliver_filter(struct account *a, struct delivery *d)
{
	struct buf script = BUF_INIT(0);
	int r;

	if (d->filter == DOOR_UNFILTERED || !a->scripted)
		return 0;
	r = sieve_active(a, &script);
	if (r == 1)
		deliver_script(a, d, &script);
	else if (r == -1)
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the script cannot be read");
	buf_clear(&script);
	return r != 0;
}

/* One that has another name now is asked for by that one the next time. */
static void
deliver_nobody(struct delivery *d)
{
	if (store.renamed(d->owner) == LOOKUP_ABSENT)
		delivery_end(d, RESULT_NEVER, "5.1.1 no such mailbox");
	else
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the mailbox has another name now");
}

static void
deliver_start(struct account *a, struct delivery *d)
{
	if (a->state == ACCOUNT_ABSENT) {
		deliver_nobody(d);
		return;
	}
	if (a->state != ACCOUNT_READY || a->lost) {
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the mailboxes cannot be read");
		return;
	}
	if (store_room() != STORE_ROOM) {
		delivery_end(d, RESULT_LATER, "4.3.1 the disk is full");
		return;
	}
	if (deliver_filter(a, d) || !deliver_where(a, d) ||
	    deliver_repeated(a, d))
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
		deliver_nobody(d);
		break;
	case QUOTA_LATER:
		delivery_end(d, RESULT_LATER,
		    "4.3.0 the tables cannot be read");
		break;
	}
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
		deliver_nobody(d);
		return;
	}
	d->t.account = a;
	if (a->busy)
		account_wait(a, i);
	else
		deliver_start(a, d);
}

/* What a filter says; of most messages nothing. */
static void
take_action(struct delivery *d, const struct msg *m)
{
	const char *p;
	size_t len;

	if (msg_has(m, DF_NAME)) {
		d->mailbox = msg_get_dup(m, DF_NAME);
		mailbox_name_fix(d->mailbox);
	}
	d->attrs = msg_get_u32(m, DF_ATTRS) & ATTR_USES;
	d->make = msg_get_u32(m, DF_ON) != 0;
	d->rec.flags = msg_get_u32(m, DF_FLAGS) & (FLAG_ALL | MARK_ALL);
	p = msg_get(m, DF_NAMES, &len);
	if (len > 0)
		d->keywords = mem_strndup(p, len);
	d->keywords_len = len;
	d->crc = msg_get_u32(m, DF_CRC);
	d->filter = (enum door_filter)msg_get_u32(m, DF_OP);
}

static struct delivery *
delivery_new(struct client *c, struct msg *m)
{
	const char *id, *cache;
	size_t id_len, cache_len;
	struct cache_row row;
	struct delivery *d;

	cache = msg_get(m, DF_CACHE, &cache_len);
	index_cache_row(&row, cache, cache_len);
	d = mem_alloc(sizeof(*d) + row.len);
	memset(d, 0, sizeof(*d));
	d->t.kind = &deliver_kind;
	d->t.client = client_hold(c);
	d->t.id = m->id;
	id = msg_get(m, DF_QUEUE_ID, &id_len);
	memcpy(d->queue_id, id, id_len);
	d->owner = msg_get_dup(m, DF_OWNER);
	d->fd = msg_get_fd(m, 0);
	d->rec.size = msg_get_u64(m, DF_SIZE);
	d->rec.header_len = msg_get_u32(m, DF_HEADER);
	d->rec.date = (int64_t)msg_get_u64(m, DF_DATE);
	d->rec.save_date = (uint32_t)clock_now();
	if (row.len > 0)
		memcpy(d->cache, row.p, row.len);
	d->cache_len = row.len;
	take_action(d, m);
	index_sane(&d->rec);
	return d;
}

void
deliver_request(struct client *c, struct msg *m)
{
	struct delivery *d;
	uint64_t number;
	const char *id;
	size_t len;

	id = msg_get(m, DF_QUEUE_ID, &len);
	if (queue_id_parse(id, len, &number) == -1) {
		client_drop(c, "a bad queue id");
		return;
	}
	d = delivery_new(c, m);
	d->number = number;
	d->t.item.shard = shard_of(d->owner, NULL);
	d->t.item.run = deliver_run;
	if (msg_has(m, DF_TO_NAME) &&
	    client_take_file(c, m, DF_TO_NAME, d->file) == -1) {
		d->t.item.shard = c->shard;
		delivery_end(d, RESULT_LATER, "4.3.0 no such file");
	} else if (d->t.item.shard == c->shard)
		deliver_run(&d->t.item);
	else
		shard_post(&d->t.item);
}
