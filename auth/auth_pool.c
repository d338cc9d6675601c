#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_hash.h"
#include "auth/auth_pool.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

struct job_line {
	struct auth_job *first, **last;
};

struct auth_pool {
	struct ev_loop *loop;
	ev_async wake;
	void	(*done)(struct auth_job *);
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct job_line todo, ready;	/* under mutex */
	int	 stop;			/* under mutex */
	unsigned n;
	pthread_t *thread;
};

static void
line_init(struct job_line *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void
line_put(struct job_line *l, struct auth_job *j)
{
	j->next = NULL;
	*l->last = j;
	l->last = &j->next;
}

static struct auth_job *
line_take(struct job_line *l)
{
	struct auth_job *j = l->first;

	if (j != NULL && (l->first = j->next) == NULL)
		l->last = &l->first;
	return j;
}

struct auth_job *
auth_job_new(struct auth_hashes *hashes, const char *password, uint32_t owner)
{
	struct auth_job *j = mem_zalloc(1, sizeof(*j));

	j->hashes = *hashes;
	memset(hashes, 0, sizeof(*hashes));
	j->matched = -1;
	j->password = mem_strdup(password);
	j->owner = owner;
	return j;
}

void
auth_job_free(struct auth_job **jp)
{
	struct auth_job *j = *jp;

	if (j == NULL)
		return;
	auth_hashes_clear(&j->hashes);
	scram_wipe(&j->keys);
	mem_wipe(j->password, strlen(j->password));
	free(j->password);
	free(j);
	*jp = NULL;
}

static void
job_run(struct auth_job *j)
{
	struct buf why = BUF_INIT(200);
	unsigned i;

	for (i = 0; i < j->hashes.n && j->matched == -1; i++)
		if (auth_hash_check(j->hashes.hash[i], j->password) ==
		    AUTH_MATCH)
			j->matched = (int)i;
	if (j->want_keys && j->matched != -1 &&
	    j->hashes.app[j->matched] == NULL)
		j->has_keys = scram_make(j->password, &j->keys, &why) == 0;
	buf_clear(&why);
}

static void *
worker(void *arg)
{
	struct auth_pool *p = arg;
	struct auth_job *j;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		while (!p->stop && p->todo.first == NULL)
			pthread_cond_wait(&p->cond, &p->mutex);
		if (p->stop)
			break;
		j = line_take(&p->todo);
		pthread_mutex_unlock(&p->mutex);
		job_run(j);
		pthread_mutex_lock(&p->mutex);
		line_put(&p->ready, j);
		ev_async_send(p->loop, &p->wake);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static void
pool_wake(struct ev_loop *loop, ev_async *w, int events)
{
	struct auth_pool *p = w->data;
	struct job_line l;
	struct auth_job *j;

	pthread_mutex_lock(&p->mutex);
	l = p->ready;
	line_init(&p->ready);
	pthread_mutex_unlock(&p->mutex);
	/* The copy's last may point into p; the list ends with NULL anyway. */
	while ((j = l.first) != NULL) {
		l.first = j->next;
		p->done(j);
	}
}

struct auth_pool *
auth_pool_new(struct ev_loop *loop, unsigned n,
    void (*done)(struct auth_job *))
{
	struct auth_pool *p = mem_zalloc(1, sizeof(*p));
	sigset_t all, old;
	int e = 0;

	p->loop = loop;
	p->done = done;
	line_init(&p->todo);
	line_init(&p->ready);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->cond, NULL);
	ev_async_init(&p->wake, pool_wake);
	p->wake.data = p;
	ev_async_start(loop, &p->wake);
	p->thread = mem_zalloc(n, sizeof(*p->thread));
	/* Signals belong to the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (p->n < n && (e = pthread_create(&p->thread[p->n], NULL, worker,
	    p)) == 0)
		p->n++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (p->n == 0)
		log_fatal("no thread can be started: %s", strerror(e));
	return p;
}

void
auth_pool_free(struct auth_pool **pp)
{
	struct auth_pool *p = *pp;
	struct auth_job *j;
	unsigned i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->mutex);
	p->stop = 1;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->mutex);
	for (i = 0; i < p->n; i++)
		pthread_join(p->thread[i], NULL);
	while ((j = line_take(&p->todo)) != NULL ||
	    (j = line_take(&p->ready)) != NULL)
		auth_job_free(&j);
	ev_async_stop(p->loop, &p->wake);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->cond);
	free(p->thread);
	free(p);
	*pp = NULL;
}

void
auth_pool_run(struct auth_pool *p, struct auth_job *j)
{
	pthread_mutex_lock(&p->mutex);
	line_put(&p->todo, j);
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->mutex);
}
