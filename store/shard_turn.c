/*
 * A loop turns like this: callbacks run items, requests and answers; before it
 * sleeps, shard_settle() commits each batch that something was put into, hands
 * the tasks on to the syncer, tells watchers, and writes each door's answers
 * with one call. So whatever arrives together shares commit, sync and write.
 */
#include "config.h"

#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/door_client.h"
#include "store/shard_files.h"
#include "store/shard_impl.h"
#include "store/shard_syncer.h"
#include "store/shard_turn.h"

/*
 * Sends the events that are owed for a mailbox. A door that does not read is
 * told once, later, however much changes meanwhile. 1 where one stays owed.
 */
static int
tell_mailbox(struct shard *s, struct mailbox *m)
{
	struct buf id = BUF_INIT(0);
	struct client *c;
	int left = 0;
	size_t i;

	buf_put_u32(&id, m->id);
	for (i = 0; i < m->n_watchers; i++) {
		c = m->watchers[i].c;
		if (!m->watchers[i].owed)
			continue;
		if (client_behind(c)) {
			left = 1;
			continue;
		}
		m->watchers[i].owed = 0;
		if (!client_begin(c, DM_EVENT, 0))
			continue;
		msg_bytes(&c->chan, DF_UIDS, id.data, id.len);
		msg_u32(&c->chan, DF_ON, 0);
		client_end(c, s);
		c->told = 1;
	}
	buf_clear(&id);
	return left;
}

static void
owe(struct mailbox *m)
{
	size_t i;

	for (i = 0; i < m->n_watchers; i++)
		m->watchers[i].owed = 1;
}

/*
 * A mailbox stays in the list while a commit of it is not durable, for its
 * news are told when they may be seen.
 */
static void
tell_watchers(struct shard *s)
{
	size_t i, kept = 0;
	struct mailbox *m;

	for (i = 0; i < s->n_touched; i++) {
		m = s->touched[i];
		if (m->touched & TOUCHED_DURABLE || (m->unpublished == 0 &&
		    m->touched & TOUCHED_NEW))
			owe(m);
		m->touched &= ~TOUCHED_DURABLE;
		if (m->unpublished == 0)
			m->touched &= ~TOUCHED_NEW;
		if (tell_mailbox(s, m) || m->touched & TOUCHED_NEW)
			s->touched[kept++] = m;
		else
			m->touched = 0;
	}
	s->n_touched = kept;
}

/* The batches of one database in one go; what each came to is judged behind
   all of them. */
static void
commit_db(struct shard *s, unsigned db)
{
	struct account *a;
	size_t i, n = 0;

	for (i = 0; i < s->n_changed; i++) {
		a = s->changed[i];
		if (a->db_number == db && a->batch.n > 0 && !a->lost)
			s->batches[n++] = &a->batch;
	}
	if (n > 0)
		shard_committed(s, engine_commit(engine_db(store.engine, db),
		    s->batches, n));
}

static void
commit_all(struct shard *s)
{
	struct account *a;
	unsigned db;
	size_t i;

	if (s->n_rows > 0)
		shard_put_rows(s, NULL);
	if (s->n_changed == 0)
		return;
	for (db = s->n; db < ENGINE_DBS; db += store.n_shards)
		commit_db(s, db);
	for (i = 0; i < s->n_changed; i++) {
		a = s->changed[i];
		a->changed = 0;
		(void)account_failed(a, a->batch.result);
	}
	s->n_changed = 0;
}

static void
end_lost(struct account *a)
{
	if (a->lost)
		a->end_lost(a);
}

/* Ends the shard where a stop was asked for and nothing is under way. */
static void
end_if_idle(struct shard *s)
{
	if (!s->stopping || s->stopped || s->n_tasks > 0 || s->dirty != NULL)
		return;
	s->stopped = 1;
	shard_wake(s);
}

static void
hand_over(struct shard *s, struct item_list *l, int slow)
{
	if (l->head != NULL)
		syncer_add(s->n, l->head, l->tail, slow);
	*l = (struct item_list){ NULL, NULL };
}

/*
 * Who watches hears of a change before somebody else has the answer to it,
 * and can rely on having heard of all; but for a door that is behind, also
 * with an answer of its own that is long (client_behind): it hears of the
 * change after what waits for it.
 */
static void
flush_doors(struct shard *s, int told)
{
	size_t k, kept = 0;
	struct client *c;

	for (k = 0; k < s->n_flush; k++) {
		c = s->flush[k];
		if (told && !c->told) {
			s->flush[kept++] = c;
			continue;
		}
		if (told)
			c->told = 0;
		client_send(c);
		client_unref(c);
	}
	s->n_flush = kept;
}

void
shard_settle(struct shard *s)
{

	if (s->n_rows > 0)
		s->lazy = 1;
	if (s->rows_now || s->n_changed > 0 || s->stopping)
		commit_all(s);
	if (s->lost) {
		s->lost = 0;
		shard_each_account(s, end_lost);
	}
	hand_over(s, &s->to_files, 0);
	hand_over(s, &s->to_slow, 1);
	if (s->n_touched > 0)
		tell_watchers(s);
	flush_doors(s, 1);
	flush_doors(s, 0);
	end_if_idle(s);
}

/* Nothing that it put into a batch may be shown. */
static void
task_undo(struct task *t)
{
	t->undone = 1;
	if (t->error == D_OK)
		task_fail(t, D_LATER, "the index cannot be written");
}

void
shard_commit_tasks(struct shard *s, struct item *list)
{
	struct item *i;
	struct task *t;

	for (i = list; i != NULL; i = i->next) {
		t = (struct task *)i;
		if (t->account->lost)
			task_undo(t);
		task_hand_files(t);
		t->kind->commit(t);
	}
	commit_all(s);
	for (i = list; i != NULL; i = i->next) {
		t = (struct task *)i;
		if (t->account->lost)
			task_undo(t);
	}
	s->lazy = 0;
}

void
shard_finish_tasks(struct shard *s, struct item *list,
    enum engine_result durable)
{
	struct account *a;
	struct client *c;
	struct item *next;
	struct task *t;

	for (; list != NULL; list = next) {
		next = list->next;
		t = (struct task *)list;
		a = t->account;
		c = t->client;
		s->n_tasks--;
		if (account_failed(a, durable))
			task_undo(t);
		t->kind->finish(t);
		if (c != NULL)
			client_release(c);
		account_task_done(a);
	}
	shard_settle(s);
}
