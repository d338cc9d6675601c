/*
 * The threads that wait for the disk, so that nobody else does: one beside
 * each shard. While one batch syncs, the next one gathers.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/body.h"
#include "store/shard_files.h"
#include "store/shard_impl.h"
#include "store/shard_syncer.h"
#include "store/shard_turn.h"

enum {
	ROUND = 256,		/* tasks of one batch */
	SLOW = 16,		/* of slow kinds, where no other waits; else ... */
	SLOW_PART = 8,		/* ... one, and this part of those that do */
};

struct dir {
	const struct account *account;
	uint32_t mailbox;
	int	 expunged, failed;
};

static struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct item_list tasks, slow;
	unsigned n_slow;
	int	 flush, end, mate_end;
	struct dir dir[(ROUND + SLOW) * TASK_DIRS];	/* of the present round */
	int	 n_dirs;
	/* Beside it, for bodies; with lock. */
	pthread_t mate;
	pthread_cond_t mate_more, mate_done;
	struct item *bodies;		/* the round, while they are synced */
} *syncers;

static int
idle(const struct syncer *s)
{
	return s->tasks.head == NULL && s->slow.head == NULL && !s->flush;
}

void
syncer_add(unsigned shard, struct item *head, struct item *tail, int slow)
{
	struct syncer *s = &syncers[shard];
	struct item_list *l = slow ? &s->slow : &s->tasks;
	int was_idle;

	pthread_mutex_lock(&s->lock);
	was_idle = idle(s);
	if (head == NULL)
		s->flush = 1;
	else if (l->head == NULL)
		l->head = head;
	else
		l->tail->next = head;
	if (head != NULL)
		l->tail = tail;
	for (; slow && head != NULL; head = head->next)
		s->n_slow++;
	pthread_mutex_unlock(&s->lock);
	if (was_idle)
		pthread_cond_signal(&s->more);
}

/* Moves the first of a list to the end of another, at most max: how many. */
static unsigned
take(struct item_list *from, unsigned max, struct item_list *to)
{
	struct item *i;
	unsigned n;

	for (n = 0; n < max && (i = from->head) != NULL; n++) {
		from->head = i->next;
		item_list_add(to, i);
	}
	return n;
}

/* Waits for work and takes it, at most a round. 0 where there comes no more. */
static int
syncer_take(struct syncer *s, struct item **list_r)
{
	struct item_list round = { NULL, NULL };
	unsigned max;

	pthread_mutex_lock(&s->lock);
	while (idle(s) && !s->end)
		pthread_cond_wait(&s->more, &s->lock);
	if (idle(s)) {
		pthread_mutex_unlock(&s->lock);
		return 0;
	}
	s->flush = 0;
	if (take(&s->tasks, ROUND, &round) == 0)
		max = SLOW;
	else if ((max = 1 + s->n_slow / SLOW_PART) > SLOW)
		max = SLOW;
	s->n_slow -= take(&s->slow, max, &round);
	pthread_mutex_unlock(&s->lock);
	*list_r = round.head;
	return 1;
}

void
task_dir(struct task *t, uint32_t mailbox, int expunged)
{
	struct syncer *s = &syncers[shard_number(t->item.shard)];
	struct dir *d = s->dir;
	int i, k;

	for (i = s->n_dirs - 1; i >= 0; i--)
		if (d[i].account == t->account && d[i].mailbox == mailbox &&
		    d[i].expunged == expunged)
			break;
	if (i < 0) {
		i = s->n_dirs++;
		d[i] = (struct dir){ t->account, mailbox, expunged, 0 };
	}
	for (k = 0; k < TASK_DIRS && t->dir[k] != -1 && t->dir[k] != i; k++)
		;
	if (k == TASK_DIRS)
		log_panic("a task with too many folders");
	t->dir[k] = i;
}

/* What doors wrote. */
static void
sync_bodies(struct item *list)
{
	struct task *t;

	for (; list != NULL; list = list->next) {
		t = (struct task *)list;
		if (t->body == -1)
			continue;
		t->body_failed = fd_sync(t->body) == -1 ? errno : 0;
		fd_close(&t->body);
	}
}

static void *
mate_run(void *arg)
{
	struct syncer *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->bodies == NULL && !s->mate_end)
			pthread_cond_wait(&s->mate_more, &s->lock);
		if (s->bodies == NULL)
			break;
		pthread_mutex_unlock(&s->lock);
		sync_bodies(s->bodies);
		pthread_mutex_lock(&s->lock);
		s->bodies = NULL;
		pthread_cond_signal(&s->mate_done);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void
mate_begin(struct syncer *s, struct item *list)
{
	pthread_mutex_lock(&s->lock);
	s->bodies = list;
	pthread_mutex_unlock(&s->lock);
	pthread_cond_signal(&s->mate_more);
}

static void
mate_wait(struct syncer *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->bodies != NULL)
		pthread_cond_wait(&s->mate_done, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void
sync_dirs(struct syncer *s)
{
	struct dir *d;

	for (d = s->dir; d < s->dir + s->n_dirs; d++)
		if (body_sync(d->account->path, d->mailbox,
		    d->expunged) == -1) {
			log_warn("%s/%u: sync: %s", d->account->path,
			    d->mailbox, strerror(errno));
			d->failed = 1;
		}
}

/* What a task linked is taken back where it is not durable. */
static void
judge(struct syncer *s, struct task *t)
{
	int k, failed = t->body_failed != 0;

	if (failed)
		log_warn("%s: sync of a message: %s", t->account->name,
		    strerror(t->body_failed));
	for (k = 0; k < TASK_DIRS; k++)
		failed |= t->dir[k] != -1 && s->dir[t->dir[k]].failed;
	if (!failed)
		return;
	if (t->error == D_OK)
		task_unlink(t);
	task_fail(t, D_LATER, t->body_failed != 0 ?
	    "the message cannot be made durable" :
	    "a folder cannot be made durable");
}

static void
do_files(struct syncer *s, struct item *list)
{
	struct item *i;
	struct task *t;
	int bodies = 0;

	s->n_dirs = 0;
	for (i = list; i != NULL; i = i->next) {
		t = (struct task *)i;
		t->kind->files(t);
		bodies |= t->body != -1;
	}
	if (bodies)
		mate_begin(s, list);
	sync_dirs(s);
	if (bodies)
		mate_wait(s);
	for (i = list; i != NULL; i = i->next)
		judge(s, (struct task *)i);
}

static void *
syncer_run(void *arg)
{
	struct syncer *s = arg;
	struct shard *shard = shard_at((unsigned)(s - syncers));
	enum engine_result r;
	struct item *list;

	while (syncer_take(s, &list)) {
		if (list != NULL) {
			do_files(s, list);
			shard_enter(shard);
			shard_commit_tasks(shard, list);
			shard_leave(shard);
		}
		r = engine_durable(store.engine, shard_token(shard));
		if (list != NULL) {
			shard_enter(shard);
			shard_finish_tasks(shard, list, r);
			shard_leave(shard);
		}
	}
	return NULL;
}

void
syncer_start(void)
{
	struct syncer *s;
	unsigned i;

	syncers = mem_zalloc(store.n_shards, sizeof(*syncers));
	for (i = 0; i < store.n_shards; i++) {
		s = &syncers[i];
		pthread_mutex_init(&s->lock, NULL);
		pthread_cond_init(&s->more, NULL);
		pthread_cond_init(&s->mate_more, NULL);
		pthread_cond_init(&s->mate_done, NULL);
		if ((errno = pthread_create(&s->thread, NULL, syncer_run,
		    s)) != 0 || (errno = pthread_create(&s->mate, NULL,
		    mate_run, s)) != 0)
			log_fatal("thread: %s", strerror(errno));
	}
}

void
syncer_stop(void)
{
	struct syncer *s;
	unsigned i;

	for (i = 0; i < store.n_shards; i++) {
		s = &syncers[i];
		pthread_mutex_lock(&s->lock);
		s->end = 1;
		pthread_mutex_unlock(&s->lock);
		pthread_cond_signal(&s->more);
		pthread_join(s->thread, NULL);
		pthread_mutex_lock(&s->lock);
		s->mate_end = 1;
		pthread_mutex_unlock(&s->lock);
		pthread_cond_signal(&s->mate_more);
		pthread_join(s->mate, NULL);
	}
}
