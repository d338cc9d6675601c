#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_lane.h"

struct line {
	struct task *first, *last;
};

struct lane {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct line todo, done;	/* under lock */
	int	 end;		/* under lock */
	struct ev_loop *loop;
	struct ev_async came;
};

static void
line_add(struct line *l, struct task *t)
{
	t->next = NULL;
	*(l->last != NULL ? &l->last->next : &l->first) = t;
	l->last = t;
}

static struct task *
line_take(struct line *l)
{
	struct task *t = l->first;

	if (t != NULL && (l->first = t->next) == NULL)
		l->last = NULL;
	return t;
}

static void *
lane_work(void *arg)
{
	struct lane *l = arg;
	struct task *t;

	pthread_mutex_lock(&l->lock);
	while (!l->end) {
		if ((t = line_take(&l->todo)) == NULL) {
			pthread_cond_wait(&l->wake, &l->lock);
			continue;
		}
		pthread_mutex_unlock(&l->lock);
		t->run(t);
		pthread_mutex_lock(&l->lock);
		line_add(&l->done, t);
		/* Woken while the lock is held, the loop would wait for it. */
		pthread_mutex_unlock(&l->lock);
		ev_async_send(l->loop, &l->came);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static void
lane_came(struct ev_loop *loop, struct ev_async *w, int revents)
{
	struct lane *l = w->data;
	struct line done;
	struct task *t;

	pthread_mutex_lock(&l->lock);
	done = l->done;
	l->done = (struct line){ NULL, NULL };
	pthread_mutex_unlock(&l->lock);
	while ((t = line_take(&done)) != NULL)
		t->done(t);
}

struct lane *
lane_new(struct ev_loop *loop, const char *name)
{
	struct lane *l = mem_zalloc(1, sizeof(*l));
	sigset_t all, old;
	int r;

	l->loop = loop;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	ev_async_init(&l->came, lane_came);
	l->came.data = l;
	ev_async_start(loop, &l->came);
	/* Signals are the loop's affair. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&l->thread, NULL, lane_work, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		log_fatal("cannot make a thread: %s", strerror(r));
	pthread_setname_np(l->thread, name);
	return l;
}

void
lane_free(struct lane **lp)
{
	struct lane *l = *lp;

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->end = 1;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	ev_async_stop(l->loop, &l->came);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->wake);
	free(l);
	*lp = NULL;
}

void
lane_put(struct lane *l, struct task *t)
{
	pthread_mutex_lock(&l->lock);
	line_add(&l->todo, t);
	pthread_mutex_unlock(&l->lock);
	pthread_cond_signal(&l->wake);
}
