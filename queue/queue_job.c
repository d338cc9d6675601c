#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "queue/queue_dest.h"
#include "queue/queue_job.h"
#include "queue/queue_message.h"
#include "queue/queue_route.h"
#include "queue/queue_worker.h"

static struct job_line local = TAILQ_HEAD_INITIALIZER(local);
static struct ready_line local_ready, bounce_ready;
static struct ready_line single_ready;	/* for places that have no job */
static unsigned under_way, n_local;
static unsigned n_here, n_away;	/* jobs of deliver, of relay */
static unsigned n_bounces;	/* among the latter */
static unsigned out[SHARES];
static void (*on_answered)(struct message *);

void
job_start(void (*answered)(struct message *m))
{
	on_answered = answered;
}

void
job_detach(struct queue_job *j)
{
	struct target *t;
	size_t i;

	for (i = 0; j->m != NULL && i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		if (t->job == j)
			t->job = NULL;
	}
	if (j->m != NULL)
		j->m->jobs--;
	j->m = NULL;
}

void
job_free(struct queue_job *j)
{
	if (j->dest != NULL) {
		dest_freed(j->dest);
		n_away--;
		n_bounces -= j->class == JOB_BOUNCE;
	} else {
		n_here--;
	}
	free(j->index);
	free(j);
}

static enum job_class
class_of(const struct message *m)
{
	return m->env.sender[0] == '\0' ? JOB_BOUNCE : JOB_MAIL;
}

static struct queue_job *
job_new(struct message *m, const struct target *t, struct dest *d)
{
	struct queue_job *j = mem_zalloc(1, sizeof(*j));

	j->m = m;
	j->dest = d;
	j->forwarded = t->forwarded;
	j->class = class_of(m);
	if (d != NULL) {
		dest_made(d);
		n_away++;
		n_bounces += j->class == JOB_BOUNCE;
	} else {
		n_here++;
	}
	m->jobs++;
	return j;
}

const char *
job_owner(const struct queue_job *j)
{
	return j->m->targets.t[j->index[0]].owner;
}

/* A job has one sender. */
static int
same_owner(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The job of m at the end of a waiting list that takes one more target. */
static struct queue_job *
job_open(const struct message *m, const struct target *t, const struct dest *d)
{
	struct queue_job *j = TAILQ_LAST(d != NULL ?
	    &d->waiting[class_of(m)] : &local, job_line);

	if (j == NULL || j->m != m || !same_owner(job_owner(j), t->owner))
		return NULL;
	if (d == NULL)
		return j->n < JOB_LOCAL_TARGETS ? j : NULL;
	return j->n < JOB_REMOTE_TARGETS && j->forwarded == t->forwarded ? j :
	    NULL;
}

static void
local_add(struct queue_job *j)
{
	TAILQ_INSERT_TAIL(&local, j, in_line);
	n_local++;
}

static void
local_push(struct queue_job *j)
{
	TAILQ_INSERT_HEAD(&local, j, in_line);
	n_local++;
}

static struct dest *
job_dest(const struct message *m, const struct target *t)
{
	struct dest_key k;

	if (t->kind != TARGET_REMOTE)
		return NULL;
	route_key(m, t, &k);
	return dest_get(&k);
}

static int
away_full(void)
{
	return n_away >= queue.conf.active_max;
}

/* Has even what is alone for its place to wait? */
static int
away_over(void)
{
	return n_away >= queue.conf.active_max * JOB_SINGLES;
}

static int
bounce_room(void)
{
	return n_bounces < queue.conf.active_max / JOB_BOUNCE_PART;
}

struct ready_line *
job_full(const struct message *m, const struct target *t)
{
	struct dest *d = job_dest(m, t);

	if (d == NULL)
		return n_here < queue.conf.active_max ? NULL : &local_ready;
	if (class_of(m) == JOB_BOUNCE && !bounce_room())
		return &bounce_ready;
	if (d->jobs == 0 && away_over() && !dest_known(d))
		return &single_ready;
	return dest_room(d, away_full()) ? NULL : dest_park(d);
}

/* Names rise with time: of the two that are first, the older one. */
static struct entry *
away_parked(void)
{
	struct entry *e = single_ready.first, *other;

	if (away_over())
		return NULL;
	other = dest_parked(away_full());
	return e == NULL || (other != NULL && other->id < e->id) ? other : e;
}

struct entry *
job_parked(void)
{
	struct entry *e = NULL;

	if (n_here < queue.conf.active_max)
		e = local_ready.first;
	if (e == NULL && (e = away_parked()) == NULL && bounce_room())
		e = bounce_ready.first;
	return e;
}

int
job_room(void)
{
	return n_here < queue.conf.active_max || !away_full();
}

void
job_add(struct message *m, struct target *t, uint32_t index)
{
	struct dest *d = job_dest(m, t);
	struct queue_job *j;

	if ((j = job_open(m, t, d)) == NULL) {
		j = job_new(m, t, d);
		if (d != NULL)
			dest_add(d, j);
		else
			local_add(j);
	}
	if (j->n == j->cap) {
		j->cap = j->cap * 2 + 1;
		j->index = mem_realloc(j->index, j->cap, sizeof(*j->index));
	}
	j->index[j->n++] = index;
	t->job = j;
}

struct queue_job *
job_local(void)
{
	return TAILQ_FIRST(&local);
}

void
job_give(struct queue_job *j, struct worker *w)
{
	job_leave(j);
	j->worker = w;
	TAILQ_INSERT_TAIL(&w->jobs, j, in_line);
	if (w->n_jobs++ == 0)
		w->heard = clock_mono_ms();
	under_way++;
	if (j->dest != NULL) {
		out[j->share]++;
		dest_took(j->dest);
	}
}

void
job_leave(struct queue_job *j)
{
	struct worker *w = j->worker;

	j->worker = NULL;
	if (w != NULL) {
		TAILQ_REMOVE(&w->jobs, j, in_line);
		w->n_jobs--;
		under_way--;
		if (j->dest != NULL) {
			out[j->share]--;
			dest_left(j->dest);
		}
	} else if (j->dest != NULL) {
		dest_drop(j->dest, j);
	} else {
		TAILQ_REMOVE(&local, j, in_line);
		n_local--;
	}
}

int
job_is_out(const struct message *m)
{
	const struct queue_job *j;
	size_t i;

	for (i = 0; i < m->targets.n; i++) {
		j = m->targets.t[i].job;
		if (j != NULL && j->worker != NULL)
			return 1;
	}
	return 0;
}

unsigned
job_withdraw(struct message *m)
{
	struct queue_job *j;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < m->targets.n; i++) {
		j = m->targets.t[i].job;
		if (j == NULL || j->worker != NULL)
			continue;
		job_detach(j);
		job_leave(j);
		job_free(j);
		n++;
	}
	return n;
}

void
job_abandon(struct message *m)
{
	size_t i;

	job_withdraw(m);
	/* A worker's answer will find nobody. */
	for (i = 0; i < m->targets.n; i++)
		if (m->targets.t[i].job != NULL)
			job_detach(m->targets.t[i].job);
}

void
job_end(struct queue_job *j)
{
	struct message *m = j->m;

	job_leave(j);
	job_detach(j);
	job_free(j);
	if (m != NULL && m->jobs == 0)
		on_answered(m);
}

/* Forgets the targets that were answered before the worker was lost. */
static void
job_prune(struct queue_job *j)
{
	size_t i, n = 0;

	for (i = 0; i < j->n; i++)
		if (j->m->targets.t[j->index[i]].job == j)
			j->index[n++] = j->index[i];
	j->n = n;
}

void
job_again(struct queue_job *j)
{
	if (j->m != NULL)
		job_prune(j);
	if (j->n > 0 && j->m != NULL)
		j->m->withheld |= j->m->hold;
	if (j->n == 0 || (j->m != NULL && j->m->hold)) {
		job_end(j);
		return;
	}
	job_leave(j);
	if (j->m == NULL)
		job_free(j);
	else if (j->dest != NULL)
		dest_push(j->dest, j);
	else
		local_push(j);
}

static void
defer(struct queue_job *j, const char *words, int tell)
{
	struct target *t;
	size_t i;

	for (i = 0; j->m != NULL && i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		if (t->job != j)
			continue;
		target_set(t, TARGET_OPEN, words, strlen(words), NULL, 0);
		if (tell)
			message_log_target(j->m, t, "deferred");
	}
	job_end(j);
}

void
job_defer(struct queue_job *j, const char *words)
{
	defer(j, words, 1);
}

int
job_defer_untried(struct queue_job *j, const char *words)
{
	int tell = j->m != NULL && j->m->entry->attempts == 0;

	defer(j, words, tell);
	return !tell;
}

unsigned
job_under_way(void)
{
	return under_way;
}

unsigned
job_out(enum share s)
{
	return out[s];
}

unsigned
job_waiting(void)
{
	return n_local + (unsigned)dest_waiting();
}

unsigned
job_local_waiting(void)
{
	return n_local;
}
