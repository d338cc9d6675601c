/*
 * The life of the threads of store: their loops, what they do once a second,
 * their start and their end. What a shard does with tasks is in shard.c.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_flags.h"
#include "store/account_full.h"
#include "store/account_keep.h"
#include "store/account_quota.h"
#include "store/account_quota_all.h"
#include "store/age.h"
#include "store/body.h"
#include "store/generation.h"
#include "store/index_cache.h"
#include "store/shard_chores.h"
#include "store/shard_impl.h"
#include "store/shard_syncer.h"
#include "store/shard_threads.h"
#include "store/shard_turn.h"
#include "store/sum_run.h"

enum {
	EXPIRE_EVERY = 60,		/* ticks of a second */
	CHECKPOINT_EVERY = 30,
	MISSED_EVERY = 5,
};

static struct {
	struct ev_loop *loop;
	ev_async wake;
	unsigned left;
	pthread_mutex_t lock;
} ending = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct chore prepare_chore, checkpoint_chore;
static int preparing, checkpointing;

static void
settle_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
	accounts_bound(w->data);
	shard_settle(w->data);
}

static void
wake_cb(struct ev_loop *loop, ev_async *w, int revents)
{
	struct shard *s = w->data;
	struct item *i, *next;

	pthread_mutex_lock(&s->lock);
	i = s->inbox.head;
	s->inbox = (struct item_list){ NULL, NULL };
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
	store_look();
	age_tick();
	generation_tick();
	if (body_wants() && store_room() == STORE_ROOM &&
	    !__atomic_exchange_n(&preparing, 1, __ATOMIC_ACQUIRE)) {
		prepare_chore.run = prepare_run;
		helper_post(HELPER_KEEP, &prepare_chore);
	}
	full_tick();
	sum_tick();
	if (s->ticks % MISSED_EVERY == 0)
		quota_missed_again();
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

	s->ticks++;
	if (s->n == 0)
		tick_common(s);
	flagsfiles_write(s, s->stopping);
	if (s->n_rows > 0)
		s->rows_now = 1;	/* no other commit has taken them */
	if (s->lazy) {
		s->lazy = 0;
		syncer_add(s->n, NULL, NULL, 0);
	}
	if (s->ticks % EXPIRE_EVERY == 0)
		accounts_expire(s);
}

/* Who waits longest for the shard goes first: the loop gives way to syncers. */

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

static void *
shard_run(void *arg)
{
	struct shard *s = arg;

	pthread_mutex_lock(&s->own);
	ev_run(s->loop, 0);
	pthread_mutex_unlock(&s->own);
	pthread_mutex_lock(&ending.lock);
	ending.left--;
	pthread_mutex_unlock(&ending.lock);
	ev_async_send(ending.loop, &ending.wake);
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
	helper_stop();
	age_save();
	if (engine_durable(store.engine, engine_token(store.engine)) !=
	    ENGINE_DONE)
		log_warn("another store owns the index");
	generation_next();
	index_cache_close();
	engine_close(&store.engine);
	store.stopped();
}

void
store_threads(struct ev_loop *loop)
{
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
		shard_init(&store.shards[i], i, store.epoch);
	syncer_start();
	helper_start();
	body_prepare();
	for (i = 0; i < store.n_shards; i++)
		if ((errno = pthread_create(&store.shards[i].thread, NULL,
		    shard_run, &store.shards[i])) != 0)
			log_fatal("thread: %s", strerror(errno));
	sum_start();
	quota_start();
}

static void
stop_run(struct item *i)
{
	i->shard->stopping = 1;
	flagsfiles_write(i->shard, 1);
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
