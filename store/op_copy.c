/*
 * COPY and MOVE: every body is linked into the target, the target's folder is
 * synced, then a commit adds the target's rows. What MOVE does with the source
 * comes behind it (op_move.c). All or none, of the messages that are there;
 * with DOOR_WHOLE one that is not there makes it none.
 *
 * A COPY of many messages is alone in its account, and goes in slices with
 * others served between: links, then rows, then UIDNEXT, with which all of them
 * are messages. Until then what a crash leaves lies from UIDNEXT on
 * (account_recover.c).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_follow.h"
#include "store/account_keywords.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/op_copy.h"
#include "store/op_copy_impl.h"
#include "store/op_flags.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"

static enum body_result
copy_link(struct copy_task *c, size_t i)
{
	enum body_result r = task_link(&c->t, c->from->id, c->rec[i].d.uid,
	    c->to->id, c->to_uid[i]);

	if (r != BODY_DONE)
		task_fail(&c->t, r == BODY_ABSENT ? D_ABSENT : D_LATER,
		    r == BODY_FULL ? "the disk is full" : strerror(errno));
	return r;
}

static void
copy_files(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	enum body_result r = BODY_DONE;
	size_t i;

	for (i = 0; i < c->n && r == BODY_DONE; i++)
		r = copy_link(c, i);
	if (r != BODY_DONE)
		task_unlink(t);
	else if (c->n > 0)
		task_dir(t, c->to->id, 0);
}

/* The cache records go along. */
static void
copy_cache(struct copy_task *c, struct engine_batch *b, size_t i)
{
	struct account *a = c->t.account;
	struct buf v = BUF_INIT(0);
	struct index_key k = index_message(a->number, c->from->id,
	    c->rec[i].d.uid);

	if (engine_get(a->db, ENGINE_CACHE, k.k, k.len, &v) == ENGINE_DONE) {
		k = index_message(a->number, c->to->id, c->to_uid[i]);
		engine_put(b, ENGINE_CACHE, k.k, k.len, buf_str(&v), v.len);
	}
	buf_clear(&v);
}

static int
copy_there(void *arg, const struct record *r)
{
	++*(size_t *)arg;
	return 0;
}

/* Another session may have moved them meanwhile: their files stay a while. */
static int
copy_sources(struct copy_task *c)
{
	struct account *a = c->t.account;
	struct moved *v = &c->source;
	size_t i, n = 0;

	v->uids = mem_zalloc(c->n, sizeof(*v->uids));
	for (i = 0; i < c->n; i++)
		v->uids[i] = c->rec[i].d.uid;
	if (account_failed(a, index_records(a->db, a->number, c->from->id,
	    v->uids, c->n, copy_there, &n)))
		return -1;
	if (n == c->n)
		return 0;
	for (i = 0; i < c->n; i++)
		(void)task_drop(&c->t, c->to->id, c->to_uid[i]);
	task_hand_files(&c->t);
	task_fail(&c->t, D_GONE, "some messages are gone");
	return -1;
}

/* The second commit of a MOVE, which the first one's note lets be repeated. */
static void
copy_moved(struct copy_task *c)
{
	struct moved *v = &c->source;

	v->m = c->from;
	v->note = c->to_modseq;
	v->n = c->n;
	moved_note(v, c->to->id);
	if (account_commit(c->t.account) == 0)
		moved_delete(v);
}

/* For those who follow: a MOVE is one event, and told with its first commit. */
static void
copy_follow(struct copy_task *c)
{
	struct follow_log f = { .m = c->move ? c->from : c->to,
		.type = c->move ? FOLLOW_MOVED : FOLLOW_ADDED,
		.to = c->move ? c->to->id : 0 };
	struct follow_item item = { 0 };
	size_t i;

	for (i = 0; i < c->n; i++) {
		item.uid = c->move ? c->rec[i].d.uid : c->to_uid[i];
		item.to_uid = c->move ? c->to_uid[i] : 0;
		item.flags = c->rec[i].d.flags;
		item.keywords = c->rec[i].d.keywords;
		follow_add(&f, &item);
	}
	follow_end(&f);
}

/* What was reserved is free again. */
void
copy_release(struct copy_task *c)
{
	struct account *a = c->t.account;

	account_release(a, c->size, c->size > 0 ? c->n : 0);
	mailbox_release(c->to);
}

/* The keywords of the source become those of the target: row by row, for where
   there are many this takes a while. */
static void
copy_map(struct record *r, const int16_t map[KEYWORDS_MAX])
{
	struct keyword_set is = { .word = { 0 } }, was;
	int k = -1;

	if (r->d.keywords == 0 && r->wide_len == 0)
		return;
	record_keywords(r, &was);
	while ((k = keyword_set_next(&was, (unsigned)(k + 1))) != -1)
		if (map[k] != -1)
			keyword_set_put(&is, (unsigned)map[k]);
	message_keep_keywords(r, &is);
}

/* The rows from..end of the target. */
void
copy_rows(struct copy_task *c, size_t from, size_t end)
{
	struct engine_batch *b = account_batch(c->t.account);
	struct record r;
	size_t i;

	for (i = from; i < end; i++) {
		copy_map(&c->rec[i], c->map);
		r = c->rec[i];
		copy_cache(c, b, i);
		r.d.uid = c->to_uid[i];
		r.d.modseq = c->to_modseq;
		r.d.save_date = (uint32_t)clock_now();
		record_set_fetched(&r, 0);
		mailbox_put(c->to, &r);
		mailbox_count(&c->to->row, &r.d, 1);
		mailbox_dirty(c->to, r.d.uid);
	}
}

/* With this they are messages. */
void
copy_row(struct copy_task *c)
{
	struct mailbox *m = c->to;

	m->row.modseq = c->to_modseq;
	if (m->row.uidnext <= c->to_uid[c->n - 1])
		m->row.uidnext = c->to_uid[c->n - 1] + 1;
	mailbox_commit_begin(m, c->to_modseq);
	shard_row(m);
	copy_follow(c);
}

static void
copy_commit(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	struct account *a = t->account;
	struct mailbox *m = c->to;

	copy_release(c);
	/* A file went away under way, or a whole mailbox. */
	if (t->error == D_ABSENT && !m->dead && !c->from->dead)
		task_fail(t, D_GONE, "some messages are gone");
	if (t->error == D_OK && (m->dead || c->from->dead))
		task_fail(t, D_ABSENT, "no such mailbox");
	if (t->error != D_OK || c->n == 0 || account_commit(a) == -1 ||
	    (c->move && copy_sources(c) == -1))
		return;
	c->to_modseq = shard_modseq(a->shard);
	copy_rows(c, 0, c->n);
	copy_row(c);
	if (c->move)
		copy_moved(c);
}

void
copy_show(struct copy_task *c)
{
	struct mailbox *m = c->to;
	struct door_record d;
	size_t i;

	for (i = 0; i < c->n; i++) {
		d = c->rec[i].d;
		d.uid = c->to_uid[i];
		mailbox_count(&m->seen, &d, 1);
		if (m->seen.uidnext <= d.uid)
			m->seen.uidnext = d.uid + 1;
	}
	mailbox_commit_seen(m, c->to_modseq);
	moved_show(&c->source);
	quota_note(c->t.account);
}

static void
copy_answer(struct copy_task *c)
{
	struct client *cl = c->t.client;
	struct buf from = BUF_INIT(0), to = BUF_INIT(0);
	size_t i;

	for (i = 0; i < c->n; i++) {
		buf_put_u32(&from, c->rec[i].d.uid);
		buf_put_u32(&to, c->to_uid[i]);
	}
	if (client_begin(cl, DM_COPIED, c->t.id)) {
		msg_bytes(&cl->chan, DF_UIDS, buf_str(&from), from.len);
		msg_bytes(&cl->chan, DF_TO_UIDS, buf_str(&to), to.len);
		msg_u32(&cl->chan, DF_UIDVALIDITY, c->to->uidvalidity);
		client_end(cl, c->t.account->shard);
	}
	buf_clear(&from);
	buf_clear(&to);
}

void
copy_free(struct copy_task *c)
{
	moved_clear(&c->source);
	messages_free(c->rec, c->n);
	free(c->to_uid);
	free(c);
}

static void
copy_finish(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;

	if (t->error == D_OK && c->n > 0)
		copy_show(c);
	if (t->error != D_OK)
		client_failed(t->client, t->account->shard, t->id, t->error,
		    t->words);
	else
		copy_answer(c);
	if (c->source.n_gone > 0 && !t->undone)
		drop_files(t->account);
	copy_free(c);
}

static const struct task_kind copy_kind = {
	copy_files, copy_commit, copy_finish, 0
};

size_t
copy_slice_end(const struct copy_task *c, size_t max)
{
	return c->n - c->at > max ? c->at + max : c->n;
}

void
copy_slice_files(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	size_t end = copy_slice_end(c, COPY_SLICE), k;

	if (c->phase == COPY_LINKS) {
		while (c->at < end && copy_link(c, c->at) == BODY_DONE)
			c->at++;
		if (c->at == c->n)
			task_dir(t, c->to->id, 0);
	} else if (c->phase == COPY_UNDO) {
		for (k = 0; k < COPY_SLICE && c->at > 0; k++)
			(void)task_drop(t, c->to->id, c->to_uid[--c->at]);
	}
}

static void
slice_commit(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	size_t end = copy_slice_end(c, COPY_SLICE_ROWS);

	if (c->phase != COPY_ROWS || t->error != D_OK)
		return;
	if (c->at == 0)
		c->to_modseq = shard_modseq(t->account->shard);
	copy_rows(c, c->at, end);
	if ((c->at = end) == c->n)
		copy_row(c);
}

/* The next phase, or the same. 0: there is none. */
int
copy_slice_next(struct copy_task *c)
{
	switch (c->phase) {
	case COPY_LINKS:
		if (c->t.error != D_OK)
			c->phase = COPY_UNDO;
		else if (c->at == c->n) {
			c->phase = COPY_ROWS;
			c->at = 0;
		}
		return 1;
	case COPY_UNDO:
		return c->at > 0;
	default:
		/* Where the account is lost it is read anew, and cleared. */
		return c->t.error == D_OK && c->at < c->n;
	}
}

static void
slice_finish(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	struct account *a = t->account;

	if (copy_slice_next(c)) {
		(void)client_hold(t->client);
		task_submit(t);
		return;
	}
	copy_release(c);
	if (t->error == D_ABSENT)
		task_fail(t, D_GONE, "some messages are gone");
	copy_finish(t);
	account_end(a);
}

static const struct task_kind slice_kind = {
	copy_slice_files, slice_commit, slice_finish, 1
};

static void
copy_alone(struct account *a)
{
	struct copy_task *c = a->idle_arg;

	task_submit(&c->t);
}

int
copy_one(void *arg, const struct record *r)
{
	struct copy_task *c = arg;
	const struct door_record *d = &r->d;

	if (d->uid >= c->from->seen.uidnext || c->n == c->max)
		return 1;
	c->rec[c->n] = *r;
	message_id(c->from->account, c->from->id, &c->rec[c->n]);
	message_keep(&c->rec[c->n]);
	c->rec[c->n++].ordered = 0;
	c->size += d->size;
	return 0;
}

/* The source's bits that the messages carry, as names. */
static void
copy_names(struct copy_task *c, struct buf *names)
{
	struct keyword_set used = { .word = { 0 } }, s;
	unsigned k;
	size_t i;

	for (i = 0; i < c->n; i++) {
		record_keywords(&c->rec[i], &s);
		keyword_set_add(&used, &s);
	}
	for (k = 0; k < c->from->n_keywords; k++)
		if (keyword_set_has(&used, k))
			buf_put_lv(names, c->from->keywords[k],
			    strlen(c->from->keywords[k]));
}

/* Keywords by name: the target gets those that it lacks and has room for. */
enum door_error
copy_keywords(struct copy_task *c)
{
	struct buf names = BUF_INIT(0);
	struct keyword_set bits;
	enum door_error e;
	unsigned k;

	if (mailbox_keywords(c->from) == -1)
		return D_LATER;
	copy_names(c, &names);
	e = mailbox_bits(c->to, buf_str(&names), names.len, 1, NULL,
	    &bits);
	buf_clear(&names);
	if (e != D_OK)
		return e;
	memset(c->map, -1, sizeof(c->map));
	for (k = 0; k < c->from->n_keywords; k++)
		c->map[k] = (int16_t)mailbox_keyword(c->to,
		    c->from->keywords[k], strlen(c->from->keywords[k]));
	mailbox_hold(c->to, &bits);
	return D_OK;
}

static void
copy_begin(struct copy_task *c, struct request *r)
{
	struct account *a = c->t.account;
	size_t i;

	if (c->move)
		c->size = 0;	/* adds nothing */
	account_reserve(a, c->size, c->size > 0 ? c->n : 0);
	c->to_uid = mem_zalloc(c->n + 1, sizeof(*c->to_uid));
	for (i = 0; i < c->n; i++)
		c->to_uid[i] = c->to->next_uid++;
	c->t.client = client_hold(r->c);
	if (c->move || c->n <= COPY_SLICE) {
		task_submit(&c->t);
		return;
	}
	c->t.kind = &slice_kind;
	account_begin(a, copy_alone, c);
}

/* 0, or -1 having answered. n messages were asked for. */
static int
copy_may(struct copy_task *c, const struct request *r, size_t n)
{
	if (c->n < n && msg_get_u32(r->m, DF_ON) & DOOR_WHOLE) {
		request_fail(r, D_GONE, "some messages are gone");
		return -1;
	}
	if (!c->move &&
	    quota_check(c->t.account, c->size, c->n) == QUOTA_FULL) {
		request_fail(r, D_QUOTA, "mailbox is full");
		return -1;
	}
	return request_keywords(r, copy_keywords(c));
}

static void
op_copy(struct request *r)
{
	struct account *a = r->c->account;
	struct mailbox *to = account_mailbox(a, msg_get_u32(r->m, DF_TO));
	struct copy_task *c;
	enum engine_result found;
	uint32_t *uids;
	size_t n;

	if (request_commit(r) == -1)
		return;
	if (to == NULL || (to->attrs & ATTR_NOSELECT)) {
		request_fail(r, D_ABSENT, "no such mailbox");
		return;
	}
	uids = request_uids(r, &n);
	if (uids == NULL || UINT32_MAX - to->next_uid <= n) {
		request_fail(r, D_REFUSED, "uids do not rise, or run out");
		free(uids);
		return;
	}
	c = mem_zalloc(1, sizeof(*c));
	c->t.kind = &copy_kind;
	c->t.account = a;
	c->t.id = r->m->id;
	c->from = r->mailbox;
	c->to = to;
	c->move = (msg_get_u32(r->m, DF_ON) & DOOR_MOVE) != 0;
	c->rec = mem_zalloc(n + 1, sizeof(*c->rec));
	c->max = n;
	found = index_records(a->db, a->number, c->from->id, uids, n, copy_one,
	    c);
	free(uids);
	if (request_read(r, found) == -1 || copy_may(c, r, n) == -1) {
		messages_free(c->rec, c->n);
		free(c);
		return;
	}
	copy_begin(c, r);
}

const struct op op_copy_rows[] = {
	{ DM_COPY, op_copy, OP_MAILBOX | OP_ADDS },
	{ 0 }
};
