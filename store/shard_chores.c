#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/log.h"
#include "store/shard.h"
#include "store/shard_chores.h"

static struct worker {
	pthread_t thread[DEMAND_THREADS];
	unsigned n;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct chore *head;
} workers[HELPERS];

static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t call_done = PTHREAD_COND_INITIALIZER;
static int stopping;

int
helper_stopping(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE);
}

void
helper_post(enum helper h, struct chore *c)
{
	struct worker *w = &workers[h];
	struct chore **p;

	pthread_mutex_lock(&w->lock);
	for (p = &w->head; *p != NULL && (*p)->done <= c->done;
	    p = &(*p)->next)
		;
	c->next = *p;
	*p = c;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->more);
}

static void *
helper_run(void *arg)
{
	struct worker *w = arg;
	struct chore *c;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		while ((c = w->head) == NULL && !helper_stopping())
			pthread_cond_wait(&w->more, &w->lock);
		if (helper_stopping())
			c = NULL;
		else
			w->head = c->next;
		pthread_mutex_unlock(&w->lock);
		if (c == NULL)
			return NULL;
		c->run(c);
	}
}

static void
worker_start(struct worker *w, unsigned n)
{
	unsigned i;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->n = n;
	for (i = 0; i < n; i++)
		if ((errno = pthread_create(&w->thread[i], NULL, helper_run,
		    w)) != 0)
			log_fatal("thread: %s", strerror(errno));
}

void
helper_start(void)
{
	unsigned h;

	for (h = 0; h < HELPERS; h++)
		worker_start(&workers[h], h == HELPER_DEMAND ?
		    DEMAND_THREADS : 1);
}

void
helper_stop(void)
{
	unsigned h, i;

	__atomic_store_n(&stopping, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&call_lock);
	pthread_cond_broadcast(&call_done);
	pthread_mutex_unlock(&call_lock);
	for (h = 0; h < HELPERS; h++) {
		pthread_mutex_lock(&workers[h].lock);
		pthread_cond_broadcast(&workers[h].more);
		pthread_mutex_unlock(&workers[h].lock);
		for (i = 0; i < workers[h].n; i++)
			pthread_join(workers[h].thread[i], NULL);
	}
}

static void
call_run(struct item *i)
{
	struct call *c = (struct call *)i;

	c->fn(c);
}

int
helper_call(struct shard *s, struct call *c)
{
	int done;

	c->item.shard = s;
	c->item.run = call_run;
	c->done = 0;
	shard_post(&c->item);
	pthread_mutex_lock(&call_lock);
	while (!c->done && !helper_stopping())
		pthread_cond_wait(&call_done, &call_lock);
	done = c->done;
	pthread_mutex_unlock(&call_lock);
	return done ? 0 : -1;
}

void
helper_done(struct call *c)
{
	pthread_mutex_lock(&call_lock);
	c->done = 1;
	pthread_cond_broadcast(&call_done);
	pthread_mutex_unlock(&call_lock);
}

void
helper_answer(struct call *c, int failed, const char *why)
{
	if (c == NULL)
		return;
	c->failed = failed;
	if (failed && c->why != NULL)
		buf_set(c->why, "%s", why);
	helper_done(c);
}
