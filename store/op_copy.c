/*
 * COPY and MOVE: every body is linked into the target, the target's folder is
 * synced, then one commit adds the target's rows and, for MOVE, deletes the
 * source's and notes that the source's names are to be unlinked (rows 'R'; a
 * crash before the unlink leaves the note). All or none, of the messages that
 * are there; with DOOR_WHOLE one that is not there makes it none.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/body.h"
#include "store/door_client.h"

struct copy_task {
	struct task t;
	struct mailbox *from, *to;
	struct door_record *rec;	/* as in the source */
	uint32_t *to_uid;
	size_t	 n;
	int	 move;
	uint64_t size;			/* reserved */
	uint64_t to_modseq, from_modseq;
	struct door_record *gone;	/* MOVE: deleted in the source */
	size_t	 n_gone;
};

static void
copy_files(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	enum body_result r = BODY_DONE;
	size_t i;

	for (i = 0; i < c->n && r == BODY_DONE; i++)
		r = body_link(t->account->path, c->from->id, c->rec[i].uid,
		    c->to->id, c->to_uid[i]);
	if (r == BODY_DONE) {
		if (c->n > 0)
			task_dir(t, c->to->id, 0);
		return;
	}
	task_fail(t, r == BODY_ABSENT ? D_ABSENT : D_LATER, r == BODY_FULL ?
	    "the disk is full" : strerror(errno));
	while (i > 0)
		(void)body_drop(t->account->path, c->to->id, c->to_uid[--i]);
}

static void
copy_undo(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	size_t i;

	for (i = 0; i < c->n; i++)
		(void)body_drop(t->account->path, c->to->id, c->to_uid[i]);
}

static int
copy_gone(void *arg, const struct door_record *d)
{
	struct copy_task *c = arg;

	c->gone[c->n_gone++] = *d;
	return 0;
}

/* The source's part of a MOVE. */
static void
move_commit(struct copy_task *c, struct engine_batch *b)
{
	struct account *a = c->t.account;
	struct mailbox *m = c->from;
	uint32_t *uids = mem_zalloc(c->n, sizeof(*uids));
	struct index_key k;
	size_t i;

	for (i = 0; i < c->n; i++)
		uids[i] = c->rec[i].uid;
	c->gone = mem_zalloc(c->n, sizeof(*c->gone));
	(void)account_failed(a, index_records(a->db, a->number, m->id, uids,
	    c->n, copy_gone, c));
	for (i = 0; i < c->n_gone; i++) {
		uids[i] = c->gone[i].uid;
		k = index_message(a->number, m->id, uids[i]);
		engine_del(b, ENGINE_CORE, k.k, k.len);
		engine_del(b, ENGINE_CACHE, k.k, k.len);
		k = index_key_file(a->number, m->id, uids[i]);
		engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
		mailbox_count(&m->row, &c->gone[i], -1);
	}
	if (c->n_gone > 0) {
		c->from_modseq = m->row.modseq = shard_modseq(a->shard);
		mailbox_log_gone(m, b, c->from_modseq, uids, c->n_gone);
		mailbox_commit_begin(m, c->from_modseq);
		shard_row(m);
	}
	free(uids);
}

/* The cache records go along. */
static void
copy_cache(struct copy_task *c, struct engine_batch *b, size_t i)
{
	struct account *a = c->t.account;
	struct buf v = BUF_INIT(0);
	struct index_key k = index_message(a->number, c->from->id,
	    c->rec[i].uid);

	if (engine_get(a->db, ENGINE_CACHE, k.k, k.len, &v) == ENGINE_DONE) {
		k = index_message(a->number, c->to->id, c->to_uid[i]);
		engine_put(b, ENGINE_CACHE, k.k, k.len, buf_str(&v), v.len);
	}
	buf_clear(&v);
}

static void
copy_commit(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;
	struct account *a = t->account;
	struct mailbox *m = c->to;
	struct engine_batch *b;
	struct door_record d;
	size_t i;

	a->pending_size -= c->size;
	a->pending_count -= c->size > 0 ? c->n : 0;
	mailbox_release(m);
	/* A file went away under way, or a whole mailbox. */
	if (t->error == D_ABSENT && !m->dead && !c->from->dead)
		task_fail(t, D_GONE, "some messages are gone");
	if (t->error == D_OK && (m->dead || c->from->dead))
		task_fail(t, D_ABSENT, "no such mailbox");
	if (t->error != D_OK || c->n == 0 || account_commit(a) == -1)
		return;
	b = account_batch(a);
	c->to_modseq = m->row.modseq = shard_modseq(a->shard);
	for (i = 0; i < c->n; i++) {
		d = c->rec[i];
		copy_cache(c, b, i);
		d.uid = c->to_uid[i];
		d.modseq = c->to_modseq;
		d.save_date = (uint32_t)clock_now();
		index_put_record(b, m->id, &d);
		mailbox_count(&m->row, &d, 1);
		mailbox_dirty(m, d.uid);
	}
	if (m->row.uidnext <= d.uid)
		m->row.uidnext = d.uid + 1;
	mailbox_commit_begin(m, c->to_modseq);
	shard_row(m);
	if (c->move)
		move_commit(c, b);
}

static void
copy_show(struct copy_task *c)
{
	struct mailbox *m = c->to;
	struct door_record d;
	size_t i;

	for (i = 0; i < c->n; i++) {
		d = c->rec[i];
		d.uid = c->to_uid[i];
		mailbox_count(&m->seen, &d, 1);
		if (m->seen.uidnext <= d.uid)
			m->seen.uidnext = d.uid + 1;
	}
	mailbox_commit_seen(m, c->to_modseq);
	for (i = 0; i < c->n_gone; i++)
		mailbox_count(&c->from->seen, &c->gone[i], -1);
	if (c->n_gone > 0)
		mailbox_commit_seen(c->from, c->from_modseq);
	quota_note(c->t.account);
}

static void
copy_answer(struct copy_task *c)
{
	struct client *cl = c->t.client;
	struct buf from = BUF_INIT(0), to = BUF_INIT(0);
	size_t i;

	for (i = 0; i < c->n; i++) {
		buf_put_u32(&from, c->rec[i].uid);
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

static void
copy_finish(struct task *t)
{
	struct copy_task *c = (struct copy_task *)t;

	if (t->undone)
		c->n_gone = 0;
	if (t->error == D_OK && c->n > 0)
		copy_show(c);
	if (t->error != D_OK)
		client_failed(t->client, t->account->shard, t->id, t->error,
		    t->words);
	else
		copy_answer(c);
	if (c->n_gone > 0)
		drop_files(t->account);
	free(c->rec);
	free(c->to_uid);
	free(c->gone);
	free(c);
}

static const struct task_kind copy_kind = {
	copy_files, copy_commit, copy_finish, copy_undo
};

static int
copy_one(void *arg, const struct door_record *d)
{
	struct copy_task *c = arg;

	if (d->uid >= c->from->seen.uidnext)
		return 1;
	c->rec[c->n++] = *d;
	c->size += d->size;
	return 0;
}

/* The source's bits that the messages carry, as names. */
static uint64_t
copy_names(struct copy_task *c, struct buf *names)
{
	uint64_t used = 0;
	unsigned k;
	size_t i;

	for (i = 0; i < c->n; i++)
		used |= c->rec[i].keywords;
	for (k = 0; k < c->from->n_keywords; k++)
		if (used >> k & 1)
			buf_put_lv(names, c->from->keywords[k],
			    strlen(c->from->keywords[k]));
	return used;
}

/* Keywords by name: the target gets those that it lacks. */
static enum door_error
copy_keywords(struct copy_task *c)
{
	struct buf names = BUF_INIT(0);
	uint64_t used, map[DOOR_KEYWORDS_MAX], bits;
	enum door_error e;
	unsigned k;
	size_t i;

	if (mailbox_keywords(c->from) == -1)
		return D_LATER;
	used = copy_names(c, &names);
	e = mailbox_bits(c->to, buf_str(&names), names.len, 1, &bits);
	buf_clear(&names);
	if (e != D_OK)
		return e;
	memset(map, 0, sizeof(map));
	for (k = 0; k < c->from->n_keywords; k++)
		if (used >> k & 1)
			map[k] = (uint64_t)1 << mailbox_keyword(c->to,
			    c->from->keywords[k],
			    strlen(c->from->keywords[k]));
	for (i = 0; i < c->n; i++) {
		used = c->rec[i].keywords;
		c->rec[i].keywords = 0;
		for (k = 0; used != 0; k++, used >>= 1)
			if (used & 1)
				c->rec[i].keywords |= map[k];
	}
	mailbox_hold(c->to, bits);
	return D_OK;
}

static void
copy_begin(struct copy_task *c, struct request *r)
{
	struct account *a = c->t.account;
	size_t i;

	if (c->move)
		c->size = 0;	/* adds nothing */
	a->pending_size += c->size;
	a->pending_count += c->size > 0 ? c->n : 0;
	c->to_uid = mem_zalloc(c->n + 1, sizeof(*c->to_uid));
	for (i = 0; i < c->n; i++)
		c->to_uid[i] = c->to->next_uid++;
	c->t.client = client_hold(r->c);
	task_submit(&c->t);
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

void
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
	found = index_records(a->db, a->number, c->from->id, uids, n, copy_one,
	    c);
	free(uids);
	if (request_read(r, found) == -1 || copy_may(c, r, n) == -1) {
		free(c->rec);
		free(c);
		return;
	}
	copy_begin(c, r);
}

/*
 * Unlinking what was moved away. The note of a file goes when the file has
 * gone durably. What stays is tried again behind the next MOVE, or when the
 * account is next loaded; the round goes on behind it.
 */

struct drop_task {
	struct task t;
	struct buf keys;	/* u32 mailbox, u32 uid */
	struct buf gone;	/* those of them whose file is away */
};

/* The folder of a deleted mailbox goes too, and cannot be synced then. */
static int
has_folder(const struct account *a, uint32_t mailbox)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u", a->path, mailbox);
	return faccessat(body_root(), path, F_OK, 0) == 0 || errno != ENOENT;
}

static void
drop_run(struct task *t)
{
	struct drop_task *d = (struct drop_task *)t;
	uint32_t mailbox, uid, last = 0;
	enum body_result r;
	struct cursor c;
	unsigned dirs = 0, stay = 0;
	int e = 0;

	cursor_init(&c, d->keys.data, d->keys.len);
	while (cursor_left(&c) >= 8) {
		mailbox = cursor_u32(&c);
		uid = cursor_u32(&c);
		r = body_drop(t->account->path, mailbox, uid);
		if (r == BODY_DONE || r == BODY_ABSENT) {
			buf_put_u32(&d->gone, mailbox);
			buf_put_u32(&d->gone, uid);
		} else {
			e = errno;
			stay++;
		}
		if (mailbox != last && dirs < TASK_DIRS) {
			last = mailbox;
			dirs++;
			if (has_folder(t->account, mailbox))
				task_dir(t, mailbox, 0);
		}
	}
	if (stay > 0)
		log_warn("%s: %u files of messages that were moved stay: %s",
		    t->account->path, stay, strerror(e));
}

static void
drop_commit(struct task *t)
{
	struct drop_task *d = (struct drop_task *)t;
	struct account *a = t->account;
	struct engine_batch *b = account_batch(a);
	struct index_key k;
	struct cursor c;
	uint32_t mailbox;

	if (t->error != D_OK)
		buf_reset(&d->gone);
	cursor_init(&c, d->gone.data, d->gone.len);
	while (cursor_left(&c) >= 8) {
		mailbox = cursor_u32(&c);
		k = index_key_file(a->number, mailbox, cursor_u32(&c));
		engine_del(b, ENGINE_CORE, k.k, k.len);
	}
}

static void
drop_finish(struct task *t)
{
	struct drop_task *d = (struct drop_task *)t;
	struct account *a = t->account;
	struct cursor c;

	if (d->gone.len < d->keys.len) {
		cursor_init(&c, d->keys.data + d->keys.len - 8, 8);
		a->drop_from = (uint64_t)cursor_u32(&c) << 32;
		a->drop_from |= cursor_u32(&c);
		a->drop_from++;
	}
	buf_clear(&d->keys);
	buf_clear(&d->gone);
	free(d);
	a->dropping = 0;
	drop_files(a);
}

static const struct task_kind drop_kind = {
	drop_run, drop_commit, drop_finish, NULL
};

struct dropping {
	struct drop_task *d;
	uint32_t mailbox[TASK_DIRS];
	unsigned n;
};

/* As many as lie in the folders that one task may touch. */
static int
drop_add(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct dropping *g = arg;
	uint64_t v = index_tail_u64(key, klen);
	uint32_t mailbox = (uint32_t)(v >> 32);

	if (g->n == 0 || g->mailbox[g->n - 1] != mailbox) {
		if (g->n == TASK_DIRS)
			return 1;
		g->mailbox[g->n++] = mailbox;
	}
	buf_put_u32(&g->d->keys, mailbox);
	buf_put_u32(&g->d->keys, (uint32_t)v);
	return 0;
}

void
drop_files(struct account *a)
{
	struct index_key from = index_key_u64(a->number, 'R', a->drop_from);
	struct index_key to = index_account_key(a->number, 'R' + 1);
	struct dropping g = { .n = 0 };
	struct engine_scan s;

	if (a->dropping || account_commit(a) == -1)
		return;
	g.d = mem_zalloc(1, sizeof(*g.d));
	index_scan(&s, ENGINE_CORE, &from, &to);
	if (engine_scan(a->db, &s, drop_add, &g) > ENGINE_MORE)
		buf_clear(&g.d->keys);	/* tried again at the next load */
	if (g.d->keys.len == 0) {
		free(g.d);
		a->drop_from = 0;
		return;
	}
	a->dropping = 1;
	g.d->t.kind = &drop_kind;
	g.d->t.account = a;
	task_submit(&g.d->t);
}
