/*
 * No file is touched: the record says since when POP3 does not show the
 * message (record.h). No IMAP client has to know, so it keeps its modseq; its
 * line in the flags file follows. It is answered when it is durable, for a
 * client that was told so does not expect the message again.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/op_fetched.h"

struct fetched_task {
	struct task t;
	struct mailbox *m;
	uint32_t *uids;
	size_t	 n, n_hidden;	/* asked for; hidden, the first of uids */
	uint32_t now;
};

int
fetched_any(struct engine_db *db, uint32_t account)
{
	struct index_key k = index_account_key(account, 'P');
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(db, ENGINE_CORE, k.k, k.len, &v);

	buf_clear(&v);
	return r == ENGINE_DONE ? 1 : r == ENGINE_ABSENT ? 0 : -1;
}

void
fetched_note(struct engine_batch *b)
{
	struct index_key k = index_account_key(b->account, 'P');

	engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
}

static void
fetched_files(struct task *t)
{
}

static int
hide_one(void *arg, const struct record *r)
{
	struct fetched_task *f = arg;
	struct record now = *r;

	f->uids[f->n_hidden++] = r->d.uid;
	if (r->fetched != 0)
		return 0;
	record_set_fetched(&now, f->now);
	message_id(f->m->account, f->m->id, &now);
	mailbox_put(f->m, &now);
	mailbox_dirty(f->m, r->d.uid);
	return 0;
}

static void
fetched_commit(struct task *t)
{
	struct fetched_task *f = (struct fetched_task *)t;
	struct account *a = t->account;

	if (f->m->dead || account_commit(a) == -1)
		return;
	if (account_failed(a, index_records(a->db, a->number, f->m->id,
	    f->uids, f->n, hide_one, f)) || f->n_hidden == 0)
		return;
	fetched_note(account_batch(a));
}

static void
fetched_finish(struct task *t)
{
	struct fetched_task *f = (struct fetched_task *)t;
	struct shard *s = t->account->shard;
	struct buf out = BUF_INIT(0);
	size_t i;

	for (i = 0; i < f->n_hidden; i++)
		buf_put_u32(&out, f->uids[i]);
	if (t->error != D_OK) {
		client_failed(t->client, s, t->id, t->error, t->words);
	} else if (client_begin(t->client, DM_GONE, t->id)) {
		msg_bytes(&t->client->chan, DF_UIDS, buf_str(&out), out.len);
		msg_u64(&t->client->chan, DF_MODSEQ, mailbox_modseq(f->m));
		client_end(t->client, s);
	}
	buf_clear(&out);
	free(f->uids);
	free(f);
}

static const struct task_kind fetched_kind = {
	fetched_files, fetched_commit, fetched_finish
};

void
fetched_hide(const struct request *r, uint32_t *uids, size_t n)
{
	struct fetched_task *f;

	if (store_room() >= STORE_NO_CHANGES) {
		request_fail(r, D_LATER, "the disk is full");
		free(uids);
		return;
	}
	f = mem_zalloc(1, sizeof(*f));
	f->t.kind = &fetched_kind;
	f->t.account = r->account;
	f->t.client = client_hold(r->c);
	f->t.id = r->m->id;
	f->m = r->mailbox;
	f->uids = uids;
	f->n = n;
	f->now = (uint32_t)clock_now();
	task_submit(&f->t);
}
