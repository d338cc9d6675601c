/*
 * A loop turns like this: callbacks run items, requests and answers; before it
 * sleeps, settle() commits each batch that something was put into, hands the
 * tasks on to the syncer, tells watchers, and writes each door's answers
 * with one call. So whatever arrives together shares commit, sync and write.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/body.h"
#include "store/client.h"

enum {
	BUCKETS = 4096,
	FLAGS_DELAY = 50 * 1000,	/* ms that a flags line may wait */
	EXPIRE_EVERY = 60,		/* ticks of a second */
	CHECKPOINT_EVERY = 30,
	SPACE_FLOOR = 64 << 20,		/* octets that stay free for the index */
	ACCOUNT_IDLE = 300 * 1000,	/* ms */
};

struct list {
	struct item *head, *tail;
};

struct shard {
	unsigned n;
	pthread_t thread;
	struct ev_loop *loop;
	ev_async wake;
	ev_prepare settle;
	ev_timer tick;
	unsigned ticks;
	pthread_mutex_t own;		/* held by who is in the shard */
	pthread_cond_t turn;
	unsigned wanted;		/* syncers that want in; of own */
	pthread_mutex_t lock;		/* of inbox */
	struct list inbox;
	struct item stop;
	struct list to_files;
	unsigned n_tasks;
	struct engine_batch batch[ENGINE_DBS];
	struct mailbox **row;
	size_t	 n_rows, cap_rows;
	struct mailbox **touched;
	size_t	 n_touched, cap_touched;
	struct client **flush;
	size_t	 n_flush, cap_flush;
	struct mailbox *dirty;		/* flags behind */
	struct account *bucket[BUCKETS];
	uint64_t modseq;
	int	 lazy, stopping, stopped;
};

struct store store;

static struct {
	struct ev_loop *loop;
	ev_async wake;
	unsigned left;
	pthread_mutex_t lock;
} ending = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int no_space;
static struct chore prepare_chore, checkpoint_chore;
static int preparing, checkpointing;

static void
list_add(struct list *l, struct item *i)
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
	return &s->bucket[name_hash(name) / ENGINE_DBS % BUCKETS];
}

void
shard_each_account(struct shard *s, void (*each)(struct account *a))
{
	struct account *a;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (a = s->bucket[i]; a != NULL; a = a->next)
			each(a);
}

int
store_no_space(void)
{
	return __atomic_load_n(&no_space, __ATOMIC_RELAXED);
}

void
shard_post(struct item *i)
{
	struct shard *s = i->shard;
	int first;

	pthread_mutex_lock(&s->lock);
	first = s->inbox.head == NULL;
	list_add(&s->inbox, i);
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
	list_add(&a->shard->to_files, &t->item);
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
shard_end(struct shard *s)
{
	if (!s->stopping || s->stopped || s->n_tasks > 0 || s->dirty != NULL)
		return;
	s->stopped = 1;
	pthread_mutex_lock(&ending.lock);
	ending.left--;
	pthread_mutex_unlock(&ending.lock);
	ev_async_send(ending.loop, &ending.wake);
	shard_wake(s);
}

static void
commit_all(struct shard *s)
{
	unsigned i;

	for (i = s->n; i < ENGINE_DBS; i += store.n_shards)
		if (s->batch[i].n > 0 || s->n_rows > 0)
			shard_commit(s, i);
}

static void
settle(struct shard *s)
{
	struct client *c;
	struct list l;
	size_t k;

	if (s->n_rows > 0)
		s->lazy = 1;
	commit_all(s);
	if (s->to_files.head != NULL) {
		l = s->to_files;
		s->to_files = (struct list){ NULL, NULL };
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
	settle(s);
}

static void
settle_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
	settle(w->data);
}

static void
wake_cb(struct ev_loop *loop, ev_async *w, int revents)
{
	struct shard *s = w->data;
	struct item *i, *next;

	pthread_mutex_lock(&s->lock);
	i = s->inbox.head;
	s->inbox = (struct list){ NULL, NULL };
	pthread_mutex_unlock(&s->lock);
	for (; i != NULL; i = next) {
		next = i->next;
		i->run(i);
	}
	if (s->stopped)
		ev_break(loop, EVBREAK_ALL);
}

/* Once a second. */

static void
write_flags(struct shard *s, int all)
{
	int64_t due = clock_mono_ms() - FLAGS_DELAY;
	struct mailbox *m, *next;

	for (m = s->dirty; m != NULL; m = next) {
		next = m->next_dirty;
		if (all || m->dirty_since <= due)
			flagsfile_write(m);
	}
}

static void
prepare_run(struct chore *c)
{
	body_prepare();
	__atomic_store_n(&preparing, 0, __ATOMIC_RELEASE);
}

static void
checkpoint_run(struct chore *c)
{
	engine_checkpoint(store.engine);
	__atomic_store_n(&checkpointing, 0, __ATOMIC_RELEASE);
}

/* What is done for all shards, by the first. */
static void
tick_common(struct shard *s)
{
	int full = body_space() < SPACE_FLOOR;

	if (full != store_no_space()) {
		__atomic_store_n(&no_space, full, __ATOMIC_RELAXED);
		log_warn(full ? "the disk is full: nothing is added" :
		    "the disk has space again");
	}
	if (body_wants() && !full &&
	    !__atomic_exchange_n(&preparing, 1, __ATOMIC_ACQUIRE)) {
		prepare_chore.run = prepare_run;
		helper_post(HELPER_KEEP, &prepare_chore);
	}
	if (s->ticks % CHECKPOINT_EVERY == 0 &&
	    !__atomic_exchange_n(&checkpointing, 1, __ATOMIC_ACQUIRE)) {
		checkpoint_chore.run = checkpoint_run;
		helper_post(HELPER_KEEP, &checkpoint_chore);
	}
}

static void
tick_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct shard *s = w->data;
	size_t i;

	s->ticks++;
	if (s->n == 0)
		tick_common(s);
	write_flags(s, s->stopping);
	if (s->lazy) {
		s->lazy = 0;
		syncer_add(s->n, NULL, NULL);
	}
	if (s->ticks % EXPIRE_EVERY != 0)
		return;
	for (i = 0; i < BUCKETS; i++)
		if (s->bucket[i] != NULL)
			account_expire(s, &s->bucket[i],
			    clock_mono_ms() - ACCOUNT_IDLE);
}

/* Who waits longest for the shard goes first: the loop gives way to syncers. */

void
shard_enter(struct shard *s)
{
	__atomic_add_fetch(&s->wanted, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&s->own);
	__atomic_sub_fetch(&s->wanted, 1, __ATOMIC_RELAXED);
}

void
shard_leave(struct shard *s)
{
	pthread_cond_signal(&s->turn);
	pthread_mutex_unlock(&s->own);
}

static void
loop_release(struct ev_loop *loop)
{
	struct shard *s = ev_userdata(loop);

	pthread_mutex_unlock(&s->own);
}

static void
loop_acquire(struct ev_loop *loop)
{
	struct shard *s = ev_userdata(loop);

	pthread_mutex_lock(&s->own);
	while (__atomic_load_n(&s->wanted, __ATOMIC_RELAXED) > 0)
		pthread_cond_wait(&s->turn, &s->own);
}

void
shard_wake(struct shard *s)
{
	ev_async_send(s->loop, &s->wake);
}

static void *
shard_run(void *arg)
{
	struct shard *s = arg;

	pthread_mutex_lock(&s->own);
	ev_run(s->loop, 0);
	pthread_mutex_unlock(&s->own);
	return NULL;
}

static void
shard_init(struct shard *s, unsigned n, uint64_t epoch)
{
	s->n = n;
	s->modseq = epoch << 32;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->own, NULL);
	pthread_cond_init(&s->turn, NULL);
	s->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (s->loop == NULL)
		log_fatal("no event loop");
	ev_set_userdata(s->loop, s);
	ev_set_loop_release_cb(s->loop, loop_release, loop_acquire);
	ev_async_init(&s->wake, wake_cb);
	s->wake.data = s;
	ev_async_start(s->loop, &s->wake);
	ev_prepare_init(&s->settle, settle_cb);
	s->settle.data = s;
	ev_prepare_start(s->loop, &s->settle);
	ev_timer_init(&s->tick, tick_cb, 1.0, 1.0);
	s->tick.data = s;
	ev_timer_start(s->loop, &s->tick);
}

static void
ended_cb(struct ev_loop *loop, ev_async *w, int revents)
{
	unsigned i, left;

	pthread_mutex_lock(&ending.lock);
	left = ending.left;
	pthread_mutex_unlock(&ending.lock);
	if (left > 0)
		return;
	ev_async_stop(loop, w);
	for (i = 0; i < store.n_shards; i++)
		pthread_join(store.shards[i].thread, NULL);
	syncer_stop();
	engine_flush(store.engine);
	engine_close(&store.engine);
	store.stopped();
}

void
store_threads(struct ev_loop *loop)
{
	uint64_t epoch = store_epoch();
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned i;

	store.n_shards = store.conf.threads > 0 ?
	    (unsigned)store.conf.threads : cores > 3 ? (unsigned)cores / 2 : 1;
	if (store.n_shards > ENGINE_DBS)
		store.n_shards = ENGINE_DBS;
	store.shards = mem_zalloc(store.n_shards, sizeof(*store.shards));
	ending.loop = loop;
	ending.left = store.n_shards;
	ev_async_init(&ending.wake, ended_cb);
	ev_async_start(loop, &ending.wake);
	for (i = 0; i < store.n_shards; i++)
		shard_init(&store.shards[i], i, epoch);
	syncer_start();
	helper_start();
	body_prepare();
	for (i = 0; i < store.n_shards; i++)
		if ((errno = pthread_create(&store.shards[i].thread, NULL,
		    shard_run, &store.shards[i])) != 0)
			log_fatal("thread: %s", strerror(errno));
	quota_start();
}

static void
stop_run(struct item *i)
{
	i->shard->stopping = 1;
	write_flags(i->shard, 1);
}

void
store_stop(void)
{
	struct shard *s;
	unsigned i;

	for (i = 0; i < store.n_shards; i++) {
		s = &store.shards[i];
		s->stop.shard = s;
		s->stop.run = stop_run;
		shard_post(&s->stop);
	}
}
