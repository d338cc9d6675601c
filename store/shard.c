/*
 * A loop turns like this: callbacks run items, requests and answers; before it
 * sleeps, shard_settle() commits each batch that something was put into, hands
 * the tasks on to the syncer, tells watchers, and writes each door's answers
 * with one call. So whatever arrives together shares commit, sync and write.
 */
#include "config.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/door_client.h"
#include "store/shard_impl.h"

struct store store;

void
item_list_add(struct item_list *l, struct item *i)
{
	i->next = NULL;
	if (l->head == NULL)
		l->head = i;
	else
		l->tail->next = i;
	l->tail = i;
}

/* FNV-1a: part of the format of the index, never to be changed. */
static uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

struct shard *
shard_of(const char *name, unsigned *db_r)
{
	unsigned db = name_hash(name) % ENGINE_DBS;

	if (db_r != NULL)
		*db_r = db;
	return &store.shards[db % store.n_shards];
}

struct shard *
shard_at(unsigned n)
{
	return &store.shards[n];
}

unsigned
shard_number(const struct shard *s)
{
	return s->n;
}

int
shard_stopping(const struct shard *s)
{
	return s->stopping;
}

struct ev_loop *
shard_loop(struct shard *s)
{
	return s->loop;
}

uint64_t
shard_modseq(struct shard *s)
{
	return ++s->modseq;
}

struct engine_batch *
shard_batch(struct shard *s, unsigned db)
{
	return &s->batch[db];
}

struct account **
shard_bucket(struct shard *s, const char *name)
{
	return &s->bucket[name_hash(name) / ENGINE_DBS % SHARD_BUCKETS];
}

void
shard_each_account(struct shard *s, void (*each)(struct account *a))
{
	struct account *a;
	size_t i;

	for (i = 0; i < SHARD_BUCKETS; i++)
		for (a = s->bucket[i]; a != NULL; a = a->next)
			each(a);
}

void
shard_post(struct item *i)
{
	struct shard *s = i->shard;
	int first;

	pthread_mutex_lock(&s->lock);
	first = s->inbox.head == NULL;
	item_list_add(&s->inbox, i);
	pthread_mutex_unlock(&s->lock);
	if (first)
		ev_async_send(s->loop, &s->wake);
}

static void
grow(struct mailbox ***list, size_t n, size_t *cap)
{
	if (n < *cap)
		return;
	*cap = *cap * 2 + 16;
	*list = mem_realloc(*list, *cap, sizeof(**list));
}

void
shard_row(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	if (m->row_dirty || m->dead)
		return;
	grow(&s->row, s->n_rows, &s->cap_rows);
	s->row[s->n_rows++] = m;
	m->row_dirty = 1;
}

void
shard_commit(struct shard *s, unsigned db)
{
	struct engine_batch *b = &s->batch[db];
	struct mailbox *m;
	size_t i, kept = 0;

	for (i = 0; i < s->n_rows; i++) {
		m = s->row[i];
		if (m->account->db_number != db) {
			s->row[kept++] = m;
			continue;
		}
		m->row_dirty = 0;
		if (!m->dead)
			index_put_row(b, m->account->number, m->id, &m->row);
	}
	s->n_rows = kept;
	engine_commit(engine_db(store.engine, db), b);
}

void
shard_touched(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	if (!(m->touched & TOUCHED_LISTED)) {
		grow(&s->touched, s->n_touched, &s->cap_touched);
		s->touched[s->n_touched++] = m;
	}
	m->touched |= TOUCHED_LISTED | TOUCHED_NEW;
}

void
shard_flags(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	if (m->dirty_since != 0)
		return;
	m->dirty_since = clock_mono_ms();
	if (m->dirty_since == 0)
		m->dirty_since = 1;
	m->next_dirty = s->dirty;
	s->dirty = m;
}

void
shard_unflags(struct mailbox *m)
{
	struct mailbox **p;

	for (p = &m->account->shard->dirty; *p != NULL; p = &(*p)->next_dirty)
		if (*p == m) {
			*p = m->next_dirty;
			break;
		}
	m->dirty_since = 0;
}

void
shard_forget(struct mailbox *m)
{
	struct shard *s = m->account->shard;
	size_t i, kept;

	for (i = kept = 0; i < s->n_rows; i++)
		if (s->row[i] != m)
			s->row[kept++] = s->row[i];
	s->n_rows = kept;
	for (i = kept = 0; i < s->n_touched; i++)
		if (s->touched[i] != m)
			s->touched[kept++] = s->touched[i];
	s->n_touched = kept;
	shard_unflags(m);
}

void
shard_flush(struct shard *s, struct client *c)
{
	if (s->n_flush == s->cap_flush) {
		s->cap_flush = s->cap_flush * 2 + 16;
		s->flush = mem_realloc(s->flush, s->cap_flush,
		    sizeof(struct client *));
	}
	s->flush[s->n_flush++] = client_ref(c);
}

void
shard_lazy(struct shard *s)
{
	s->lazy = 1;
}

/* The way of a task. */

void
task_submit(struct task *t)
{
	struct account *a = t->account;

	t->item.shard = a->shard;
	t->dir[0] = t->dir[1] = -1;
	a->tasks++;
	a->shard->n_tasks++;
	/* A delivery counted itself, when it came to another shard. */
	if (t->client != NULL && t->client->kind != PEER_DELIVER)
		client_more(t->client);
	item_list_add(&a->shard->to_files, &t->item);
}

void
task_fail(struct task *t, enum door_error e, const char *words)
{
	size_t n = strnlen(words, sizeof(t->words) - 1);

	t->error = e;
	memcpy(t->words, words, n);
	t->words[n] = '\0';
}

/* Before the loop sleeps. */

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

static void
commit_all(struct shard *s)
{
	unsigned i;

	for (i = s->n; i < ENGINE_DBS; i += store.n_shards)
		if (s->batch[i].n > 0 || s->n_rows > 0)
			shard_commit(s, i);
}

void
shard_settle(struct shard *s)
{
	struct client *c;
	struct item_list l;
	size_t k;

	if (s->n_rows > 0)
		s->lazy = 1;
	commit_all(s);
	if (s->to_files.head != NULL) {
		l = s->to_files;
		s->to_files = (struct item_list){ NULL, NULL };
		syncer_add(s->n, l.head, l.tail);
	}
	if (s->n_touched > 0)
		tell_watchers(s);
	for (k = 0; k < s->n_flush; k++) {
		c = s->flush[k];
		client_send(c);
		client_unref(c);
	}
	s->n_flush = 0;
	shard_end(s);
}

void
shard_commit_tasks(struct shard *s, struct item *list)
{
	struct task *t;

	for (; list != NULL; list = list->next) {
		t = (struct task *)list;
		t->kind->commit(t);
	}
	commit_all(s);
	s->lazy = 0;
}

void
shard_finish_tasks(struct shard *s, struct item *list)
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
		t->kind->finish(t);
		if (c != NULL && c->kind != PEER_DELIVER)
			client_less(c);
		if (c != NULL)
			client_unref(c);
		account_task_done(a);
	}
	shard_settle(s);
}
