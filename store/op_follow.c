/*
 * FOLLOW: what happened in an account. It goes the way of a task, though it
 * changes nothing: what was read when it is committed is durable when it is
 * finished, and only then is it told.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_follow.h"
#include "store/door_client.h"
#include "store/door_news.h"
#include "store/op_follow.h"

struct follow_task {
	struct task t;
	uint32_t mailbox;
	uint64_t token;
	enum engine_result result;
	struct buf out;
};

static void
follow_files(struct task *t)
{
}

static void
follow_commit(struct task *t)
{
	struct follow_task *f = (struct follow_task *)t;
	struct account *a = t->account;

	if (t->error != D_OK)
		return;
	if (account_commit(a) == -1)
		f->result = ENGINE_LATER;
	else
		f->result = follow_read(a, f->mailbox, &f->token, &f->out);
	if (f->result > ENGINE_MORE)
		task_fail(t, D_LATER, "the index does not answer");
}

static void
follow_finish(struct task *t)
{
	struct follow_task *f = (struct follow_task *)t;
	struct shard *s = t->account->shard;
	struct client *c = t->client;

	if (t->error != D_OK) {
		client_failed(c, s, t->id, t->error, t->words);
	} else if (client_begin(c, DM_FOLLOWED, t->id)) {
		msg_bytes(&c->chan, DF_RECORDS, buf_str(&f->out), f->out.len);
		msg_u64(&c->chan, DF_MODSEQ, f->token);
		msg_u32(&c->chan, DF_ON, f->result != ENGINE_ABSENT);
		msg_u32(&c->chan, DF_MORE, f->result == ENGINE_MORE);
		client_end(c, s);
	}
	buf_clear(&f->out);
	free(f);
}

static const struct task_kind follow_kind = {
	follow_files, follow_commit, follow_finish
};

static void
op_follow(struct request *r)
{
	struct follow_task *f = mem_zalloc(1, sizeof(*f));

	f->t.kind = &follow_kind;
	f->t.account = r->account;
	f->t.client = client_hold(r->c);
	f->t.id = r->m->id;
	f->mailbox = msg_get_u32(r->m, DF_MAILBOX);
	f->token = msg_get_u64(r->m, DF_MODSEQ);
	/* Before it is read: what comes after that is told again. */
	news_asked(r->account, r->c);
	task_submit(&f->t);
}

const struct op op_follow_rows[] = {
	{ DM_FOLLOW, op_follow, 0 },
	{ 0 }
};
