/*
 * EXPUNGE: the files go to the expunged folder, both folders are synced, the
 * rows are deleted, and a row for each says what it was until it is swept; when
 * that is durable it is answered. A crash between is finished at the next start
 * (account_recover.c).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_expunged.h"
#include "store/account_follow.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/account_warn.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/op_expunge.h"
#include "store/op_fetched.h"
#include "store/shard_chores.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"

struct expunge_task {
	struct task t;
	struct mailbox *m;
	uint32_t *uids;
	size_t	 n;	/* those whose file is away, in the end */
	struct record *gone;		/* the records deleted */
	size_t	 n_gone;
	uint64_t modseq;
	struct call *call;		/* who waits, or NULL */
	size_t	*n_r;
};

static void
expunge_files(struct task *t)
{
	struct expunge_task *e = (struct expunge_task *)t;
	enum body_result r;
	size_t i;

	for (i = 0; i < e->n; i++) {
		r = task_expunge(t, e->m->id, e->uids[i]);
		if (r != BODY_DONE && r != BODY_ABSENT) {
			task_fail(t, D_LATER, r == BODY_FULL ?
			    "the disk is full" : strerror(errno));
			break;
		}
	}
	e->n = i;
	if (i > 0) {
		task_dir(t, e->m->id, 1);
		task_dir(t, e->m->id, 0);
	}
}

static int
expunge_one(void *arg, const struct record *r)
{
	struct expunge_task *e = arg;

	e->gone[e->n_gone] = *r;
	message_id(e->m->account, e->m->id, &e->gone[e->n_gone]);
	message_keep(&e->gone[e->n_gone++]);
	return 0;
}

/*
 * What was moved is gone, even where a later step failed: those rows must not
 * stay. The failure is answered all the same.
 */
static void
expunge_commit(struct task *t)
{
	struct expunge_task *e = (struct expunge_task *)t;
	struct account *a = t->account;
	struct mailbox *m = e->m;
	struct follow_log f = { .m = m, .type = FOLLOW_EXPUNGED };
	struct engine_batch *b;
	uint32_t now = (uint32_t)clock_now();
	size_t i;

	if (m->dead || e->n == 0 || account_commit(a) == -1)
		return;
	e->gone = mem_zalloc(e->n, sizeof(*e->gone));
	if (account_failed(a, index_records(a->db, a->number, m->id, e->uids,
	    e->n, expunge_one, e)) || e->n_gone == 0)
		return;
	b = account_batch(a);
	e->modseq = m->row.modseq = shard_modseq(a->shard);
	for (i = 0; i < e->n_gone; i++) {
		mailbox_del(m, &e->gone[i]);
		index_put_expunged(b, m->id, &e->gone[i], now);
		mailbox_count(&m->row, &e->gone[i].d, -1);
		follow_record(&f, &e->gone[i].d);
		e->uids[i] = e->gone[i].d.uid;
	}
	mailbox_log_gone(m, e->modseq, e->uids, e->n_gone);
	follow_end(&f);
	mailbox_commit_begin(m, e->modseq);
	shard_row(m);
}

static void
expunge_finish(struct task *t)
{
	struct expunge_task *e = (struct expunge_task *)t;
	struct mailbox *m = e->m;
	struct buf out = BUF_INIT(0);
	uint64_t size = 0;
	size_t i;

	if (e->call != NULL)
		*e->n_r = t->undone ? 0 : e->n_gone;
	helper_answer(e->call, t->error != D_OK || t->undone, t->words);
	if (t->undone)
		e->n_gone = 0;
	for (i = 0; i < e->n_gone; i++) {
		mailbox_count(&m->seen, &e->gone[i].d, -1);
		buf_put_u32(&out, e->gone[i].d.uid);
		size += e->gone[i].d.size;
	}
	if (e->n_gone > 0) {
		mailbox_commit_seen(m, e->modseq);
		quota_note(t->account);
		quota_warn(t->account);
		expunged_note(t->account, size, e->n_gone);
	}
	if (t->client == NULL)
		;
	else if (t->error != D_OK)
		client_failed(t->client, t->account->shard, t->id, t->error,
		    t->words);
	else if (client_begin(t->client, DM_GONE, t->id)) {
		msg_bytes(&t->client->chan, DF_UIDS, buf_str(&out), out.len);
		msg_u64(&t->client->chan, DF_MODSEQ, mailbox_modseq(m));
		client_end(t->client, t->account->shard);
	}
	buf_clear(&out);
	messages_free(e->gone, e->n);
	free(e->uids);
	free(e);
}

static const struct task_kind expunge_kind = {
	expunge_files, expunge_commit, expunge_finish
};

/* Nobody waits for what goes by its age. */
static const struct task_kind expunge_slow = {
	expunge_files, expunge_commit, expunge_finish, 1
};

struct choosing {
	struct expunge_task *e;
	int	 any;
};

static int
choose(void *arg, const struct record *r)
{
	struct choosing *c = arg;
	const struct door_record *d = &r->d;

	if (d->uid >= c->e->m->seen.uidnext)
		return 1;
	if (c->any || (d->flags & FLAG_DELETED))
		c->e->uids[c->e->n++] = d->uid;
	return 0;
}

/* What POP3 deletes may have to stay: 1, 0; -1 having answered. */
static int
is_kept(struct request *r)
{
	uint64_t keep;

	if (r->c->kind != PEER_POP3D)
		return 0;
	if (quota_pop3_keep(r->account, &keep) == QUOTA_OK)
		return keep > 0;
	request_fail(r, D_LATER, "the tables cannot be read");
	return -1;
}

static void
op_expunge(struct request *r)
{
	struct account *a = r->c->account;
	struct expunge_task *e;
	enum engine_result found;
	struct choosing c;
	uint32_t *uids;
	size_t n;
	int kept;

	if ((kept = is_kept(r)) == -1 || request_commit(r) == -1)
		return;
	if ((uids = request_uids(r, &n)) == NULL) {
		request_fail(r, D_REFUSED, "uids do not rise");
		return;
	}
	e = mem_zalloc(1, sizeof(*e));
	e->t.kind = &expunge_kind;
	e->t.account = a;
	e->t.id = r->m->id;
	e->m = r->mailbox;
	e->uids = mem_zalloc(n + 1, sizeof(*e->uids));
	c = (struct choosing){ e, msg_get_u32(r->m, DF_ON) != 0 };
	found = index_records(a->db, a->number, e->m->id, uids, n, choose, &c);
	free(uids);
	if (request_read(r, found) == -1) {
		free(e->uids);
		free(e);
		return;
	}
	if (kept) {
		fetched_hide(r, e->uids, e->n);
		free(e);
		return;
	}
	e->t.client = client_hold(r->c);
	task_submit(&e->t);
}

void
expunge_uids(struct mailbox *m, uint32_t *uids, size_t n, struct call *c,
    size_t *n_r)
{
	struct expunge_task *e = mem_zalloc(1, sizeof(*e));

	e->t.kind = &expunge_slow;
	e->t.account = m->account;
	e->m = m;
	e->uids = uids;
	e->n = n;
	e->call = c;
	e->n_r = n_r;
	task_submit(&e->t);
}

void
expunge_finish_files(struct mailbox *m, uint32_t *uids, size_t n)
{
	struct expunge_task *e = mem_zalloc(1, sizeof(*e));

	e->t.kind = &expunge_kind;
	e->t.account = m->account;
	e->m = m;
	e->uids = uids;
	e->n = n;
	task_submit(&e->t);
}

const struct op op_expunge_rows[] = {
	{ DM_EXPUNGE, op_expunge, OP_MAILBOX | OP_REMOVES },
	{ 0 }
};
