#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/log.h"
#include "store/shard.h"
#include "store/shard_chores.h"

static struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct chore *head, **tail;
} workers[HELPERS];

static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t call_done = PTHREAD_COND_INITIALIZER;

void
helper_post(enum helper h, struct chore *c)
{
	struct worker *w = &workers[h];

	c->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->tail = c;
	w->tail = &c->next;
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
		while ((c = w->head) == NULL)
			pthread_cond_wait(&w->more, &w->lock);
		if ((w->head = c->next) == NULL)
			w->tail = &w->head;
		pthread_mutex_unlock(&w->lock);
		c->run(c);
	}
	return NULL;
}

void
helper_start(void)
{
	unsigned i;

	for (i = 0; i < HELPERS; i++) {
		workers[i].tail = &workers[i].head;
		pthread_mutex_init(&workers[i].lock, NULL);
		pthread_cond_init(&workers[i].more, NULL);
		if ((errno = pthread_create(&workers[i].thread, NULL,
		    helper_run, &workers[i])) != 0)
			log_fatal("thread: %s", strerror(errno));
	}
}

static void
call_run(struct item *i)
{
	struct call *c = (struct call *)i;

	c->fn(c);
}

void
helper_call(struct shard *s, struct call *c)
{
	c->item.shard = s;
	c->item.run = call_run;
	c->done = 0;
	shard_post(&c->item);
	pthread_mutex_lock(&call_lock);
	while (!c->done)
		pthread_cond_wait(&call_done, &call_lock);
	pthread_mutex_unlock(&call_lock);
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
