/*
 * Two threads that wait for the disk, so that nobody else does. Each takes all
 * that waits at once: while one batch syncs, the next one gathers.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/log.h"
#include "store/account.h"
#include "store/body.h"

enum { ROUND = 256 };		/* tasks of one round of the files syncer */

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct item *head, *tail;
	int	 flush;
};

static struct syncer files = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER };
static struct syncer flusher = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER };

/* Folders of the present round. Used by the files thread alone. */
static struct dir {
	const struct account *account;
	uint32_t mailbox;
	int	 expunged, failed;
} dirs[ROUND * TASK_DIRS];
static int n_dirs;

static void
syncer_add(struct syncer *s, struct item *head, struct item *tail)
{
	int idle;

	pthread_mutex_lock(&s->lock);
	idle = s->head == NULL && !s->flush;
	if (head == NULL)
		s->flush = 1;
	else if (s->head == NULL)
		s->head = head;
	else
		s->tail->next = head;
	if (head != NULL)
		s->tail = tail;
	pthread_mutex_unlock(&s->lock);
	if (idle)
		pthread_cond_signal(&s->more);
}

void
syncer_files(struct item *head, struct item *tail)
{
	syncer_add(&files, head, tail);
}

void
syncer_log(struct item *head, struct item *tail)
{
	syncer_add(&flusher, head, tail);
}

/* Waits for work and takes it: all, or at most max items. */
static struct item *
syncer_take(struct syncer *s, unsigned max)
{
	struct item *head, *last;

	pthread_mutex_lock(&s->lock);
	while (s->head == NULL && !s->flush)
		pthread_cond_wait(&s->more, &s->lock);
	head = last = s->head;
	s->flush = 0;
	while (last != NULL && last->next != NULL && --max > 0)
		last = last->next;
	s->head = last == NULL ? NULL : last->next;
	if (last != NULL)
		last->next = NULL;
	pthread_mutex_unlock(&s->lock);
	return head;
}

/* Gives the items back, each shard's with one call. */
static void
give_back(struct item *list)
{
	struct item *head[ENGINE_DBS] = { NULL }, *tail[ENGINE_DBS], *next;
	unsigned n;

	for (; list != NULL; list = next) {
		next = list->next;
		list->next = NULL;
		for (n = 0; shard_at(n) != list->shard; n++)
			;
		if (head[n] == NULL)
			head[n] = list;
		else
			tail[n]->next = list;
		tail[n] = list;
	}
	for (n = 0; n < store.n_shards; n++)
		if (head[n] != NULL)
			shard_post_list(shard_at(n), head[n], tail[n]);
}

void
task_dir(struct task *t, uint32_t mailbox, int expunged)
{
	int i, k;

	for (i = n_dirs - 1; i >= 0; i--)
		if (dirs[i].account == t->account &&
		    dirs[i].mailbox == mailbox &&
		    dirs[i].expunged == expunged)
			break;
	if (i < 0) {
		i = n_dirs++;
		dirs[i] = (struct dir){ t->account, mailbox, expunged, 0 };
	}
	for (k = 0; k < TASK_DIRS && t->dir[k] != -1 && t->dir[k] != i; k++)
		;
	if (k == TASK_DIRS)
		log_panic("a task with too many folders");
	t->dir[k] = i;
}

static void
sync_dirs(struct item *list)
{
	struct task *t;
	int i, k;

	for (i = 0; i < n_dirs; i++)
		if (body_sync(dirs[i].account->path, dirs[i].mailbox,
		    dirs[i].expunged) == -1) {
			log_warn("%s/%u: sync: %s", dirs[i].account->path,
			    dirs[i].mailbox, strerror(errno));
			dirs[i].failed = 1;
		}
	for (; list != NULL; list = list->next) {
		t = (struct task *)list;
		for (k = 0; k < TASK_DIRS; k++)
			if (t->dir[k] != -1 && dirs[t->dir[k]].failed)
				task_fail(t, D_LATER, "a folder cannot be "
				    "made durable");
	}
}

static void *
files_run(void *arg)
{
	struct item *list, *i;
	struct task *t;

	for (;;) {
		list = syncer_take(&files, ROUND);
		n_dirs = 0;
		for (i = list; i != NULL; i = i->next) {
			t = (struct task *)i;
			t->kind->files(t);
		}
		sync_dirs(list);
		give_back(list);
	}
	return NULL;
}

static void *
flusher_run(void *arg)
{
	struct item *list;

	for (;;) {
		list = syncer_take(&flusher, UINT32_MAX);
		engine_flush(store.engine);
		give_back(list);
	}
	return NULL;
}

void
syncer_start(void)
{
	if ((errno = pthread_create(&files.thread, NULL, files_run,
	    NULL)) != 0 ||
	    (errno = pthread_create(&flusher.thread, NULL, flusher_run,
	    NULL)) != 0)
		log_fatal("thread: %s", strerror(errno));
}
