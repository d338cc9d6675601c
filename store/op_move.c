/*
 * The source of a MOVE. It is two commits, for the mailboxes need not always be
 * one account's: the first adds the target's rows and a note of what has moved
 * (row 'V'), the second deletes the source's rows, with the note, and notes
 * that the files are to be unlinked (rows 'R'). Whatever is left by a crash is
 * done at the next load: nothing is lost, and no message stays twice.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/body.h"
#include "store/op_move.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"

void
moved_note(const struct moved *v, uint32_t to)
{
	struct account *a = v->m->account;
	struct index_key k = index_key_u64(a->number, 'V', v->note);
	struct buf out = BUF_INIT(0);
	size_t i;

	buf_put_u32(&out, v->m->id);
	buf_put_u32(&out, to);
	for (i = 0; i < v->n; i++)
		buf_put_u32(&out, v->uids[i]);
	engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, out.data,
	    out.len);
	buf_clear(&out);
}

static int
moved_one(void *arg, const struct record *r)
{
	struct moved *v = arg;

	v->gone[v->n_gone++] = *r;
	return 0;
}

static void
delete_rows(struct moved *v)
{
	struct mailbox *m = v->m;
	struct account *a = m->account;
	struct engine_batch *b = account_batch(a);
	struct index_key k;
	size_t i;

	for (i = 0; i < v->n_gone; i++) {
		v->uids[i] = v->gone[i].d.uid;
		mailbox_del(m, &v->gone[i]);
		k = index_key_file(a->number, m->id, v->uids[i]);
		engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
		mailbox_count(&m->row, &v->gone[i].d, -1);
	}
	v->modseq = m->row.modseq = shard_modseq(a->shard);
	mailbox_log_gone(m, v->modseq, v->uids, v->n_gone);
	mailbox_commit_begin(m, v->modseq);
	shard_row(m);
}

void
moved_delete(struct moved *v)
{
	struct account *a = v->m->account;
	struct index_key k = index_key_u64(a->number, 'V', v->note);

	v->gone = mem_zalloc(v->n, sizeof(*v->gone));
	if (account_failed(a, index_records(a->db, a->number, v->m->id,
	    v->uids, v->n, moved_one, v)))
		return;
	if (v->n_gone > 0)
		delete_rows(v);
	engine_del(account_batch(a), ENGINE_CORE, k.k, k.len);
}

void
moved_show(struct moved *v)
{
	size_t i;

	for (i = 0; i < v->n_gone; i++)
		mailbox_count(&v->m->seen, &v->gone[i].d, -1);
	if (v->n_gone > 0)
		mailbox_commit_seen(v->m, v->modseq);
}

void
moved_clear(struct moved *v)
{
	free(v->uids);
	free(v->gone);
}

/* A MOVE that a crash cut between its commits. */
struct rest_task {
	struct task t;
	struct moved v;
	struct rest_task *next;
};

struct resting {
	struct account *a;
	struct rest_task *list;
};

static void
rest_files(struct task *t)
{
	/* The target's are durable: its rows are there. */
}

static void
rest_commit(struct task *t)
{
	struct rest_task *r = (struct rest_task *)t;

	if (t->error == D_OK && !r->v.m->dead &&
	    account_commit(t->account) == 0)
		moved_delete(&r->v);
}

static void
rest_finish(struct task *t)
{
	struct rest_task *r = (struct rest_task *)t;

	if (t->error == D_OK) {
		moved_show(&r->v);
		quota_note(t->account);
		drop_files(t->account);
	}
	moved_clear(&r->v);
	free(r);
}

static const struct task_kind rest_kind = {
	rest_files, rest_commit, rest_finish
};

static int
rest_add(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct resting *list = arg;
	struct account *a = list->a;
	struct rest_task *r;
	struct mailbox *m;
	struct cursor c;

	cursor_init(&c, value, vlen);
	m = account_mailbox(a, cursor_u32(&c));
	if (account_mailbox(a, cursor_u32(&c)) == NULL || m == NULL || c.bad) {
		/* The whole source has gone; or the target, and it stays. */
		engine_del(account_batch(a), ENGINE_CORE, key, klen);
		return 0;
	}
	r = mem_zalloc(1, sizeof(*r));
	r->t.kind = &rest_kind;
	r->t.account = a;
	r->v.m = m;
	r->v.note = index_tail_u64(key, klen);
	r->v.uids = mem_zalloc(cursor_left(&c) / 4 + 1, sizeof(uint32_t));
	while (cursor_left(&c) >= 4)
		r->v.uids[r->v.n++] = cursor_u32(&c);
	r->next = list->list;
	list->list = r;
	return 0;
}

int
moves_finish(struct account *a)
{
	struct resting list = { a, NULL };
	struct engine_scan s;
	enum engine_result e;
	struct rest_task *r;

	index_scan_kind(&s, a->number, 'V');
	e = engine_scan(a->db, &s, rest_add, &list);
	while ((r = list.list) != NULL) {
		list.list = r->next;
		if (e != ENGINE_DONE) {
			moved_clear(&r->v);
			free(r);
			continue;
		}
		log_info("%s: %zu messages of mailbox %u were being moved",
		    a->name, r->v.n, r->v.m->id);
		task_submit(&r->t);
	}
	return e == ENGINE_DONE ? 0 : -1;
}

/*
 * Unlinking what was moved away. The note of a file goes when the file has
 * gone durably. What stays is tried again after the next MOVE, or when the
 * account is next loaded; the round goes on after it.
 */

enum { DROP_SLICE = 512 };

struct drop_task {
	struct task t;
	struct buf keys;	/* u32 mailbox, u32 uid */
	struct buf gone;	/* those of them whose file is away */
};

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
		r = task_drop(t, mailbox, uid);
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
			/* That of a deleted one goes, and cannot be synced. */
			if (body_mailbox_present(t->account->path,
			    mailbox) != 0)
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
	drop_run, drop_commit, drop_finish, 1
};

struct dropping {
	struct drop_task *d;
	uint32_t mailbox[TASK_DIRS];
	unsigned n;
};

/* As many as lie in the folders that one task may touch, and no more than
   others may wait for. */
static int
drop_add(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct dropping *g = arg;
	uint64_t v = index_tail_u64(key, klen);
	uint32_t mailbox = (uint32_t)(v >> 32);

	if (g->d->keys.len == DROP_SLICE * 8)
		return 1;
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
