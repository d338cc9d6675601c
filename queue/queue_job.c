#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/result.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_dest.h"
#include "queue/queue_job.h"
#include "queue/queue_message.h"
#include "queue/queue_worker.h"

static struct job_list local;	/* waiting for deliver */
static unsigned under_way;
static ev_timer pause_timer;

/* Jobs */

/* Nobody waits for its answer any more. */
void
job_detach(struct job *j)
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
job_free(struct job *j)
{
	free(j->index);
	free(j);
}

static struct job *
job_new(struct message *m, const struct target *t, struct dest *d)
{
	struct job *j = mem_zalloc(1, sizeof(*j));

	j->m = m;
	j->dest = d;
	j->forwarded = t->forwarded;
	m->jobs++;
	return j;
}

/* The job of m at the end of a waiting list that takes one more target. */
static struct job *
job_open(const struct message *m, const struct target *t, const struct dest *d)
{
	struct job *j = d != NULL ? d->waiting.last : local.last;

	if (j == NULL || j->m != m)
		return NULL;
	if (d == NULL)
		return j->n < JOB_LOCAL_TARGETS ? j : NULL;
	return j->n < JOB_REMOTE_TARGETS && j->forwarded == t->forwarded ? j :
	    NULL;
}

void
job_add(struct message *m, struct target *t, uint32_t index)
{
	struct dest *d = t->kind == TARGET_REMOTE ? dest_get(t->way) : NULL;
	struct job *j = job_open(m, t, d);

	if (j == NULL) {
		j = job_new(m, t, d);
		if (d != NULL)
			dest_add(d, j);
		else
			job_list_add(&local, j);
	}
	if (j->n == j->cap) {
		j->cap = j->cap * 2 + 1;
		j->index = mem_realloc(j->index, j->cap, sizeof(*j->index));
	}
	j->index[j->n++] = index;
	t->job = j;
}

/* Takes j out of where it waits or is under way. */
void
job_leave(struct job *j)
{
	struct worker *w = j->worker;

	j->worker = NULL;
	if (w != NULL) {
		job_list_drop(&w->jobs, j);
		w->n_jobs--;
		under_way--;
		if (j->dest != NULL)
			dest_left(j->dest);
	} else if (j->dest != NULL) {
		dest_drop(j->dest, j);
	} else {
		job_list_drop(&local, j);
	}
}

int
job_is_out(const struct message *m)
{
	const struct job *j;
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
	struct job *j;
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

/* Its work is over; the message may be too. */
void
job_end(struct job *j)
{
	struct message *m = j->m;

	job_leave(j);
	job_detach(j);
	job_free(j);
	if (m != NULL && m->jobs == 0)
		message_settle(m);
}

/* Forgets the targets that were answered before the worker was lost. */
static void
job_prune(struct job *j)
{
	size_t i, n = 0;

	for (i = 0; i < j->n; i++)
		if (j->m->targets.t[j->index[i]].job == j)
			j->index[n++] = j->index[i];
	j->n = n;
}

/*
 * Puts a job that a worker did not do back to the head of its line, but not
 * where the operator holds the message.
 */
void
job_again(struct job *j)
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
		job_list_push(&local, j);
}

/* Answers every target of j that is open with a temporary failure. */
void
job_defer(struct job *j, const char *words)
{
	struct target *t;
	size_t i;

	for (i = 0; j->m != NULL && i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		if (t->job != j)
			continue;
		target_set(t, TARGET_OPEN, words, strlen(words), NULL, 0);
		message_log_target(j->m, t, "deferred");
	}
	job_end(j);
}

/* Sending */

static void
put_local(struct buf *out, const struct job *j)
{
	const struct target *t;
	size_t i;

	for (i = 0; i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		buf_put_u32(out, j->index[i]);
		buf_put_lv(out, t->way, strlen(t->way));
		buf_put_lv(out, t->address, strlen(t->address));
	}
}

static void
put_remote(struct buf *out, const struct job *j)
{
	const struct target *t;
	size_t i;

	for (i = 0; i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		buf_put_u32(out, j->index[i]);
		buf_put_lv(out, t->address, strlen(t->address));
	}
}

static int
job_message(struct worker *w, struct job *j, int fd)
{
	static struct buf packed;
	const struct envelope *e = &j->m->env;
	char id[QUEUE_ID_LEN + 1];
	struct chan *c = &w->chan;

	queue_id_text(j->m->id, id);
	buf_reset(&packed);
	if (j->dest == NULL)
		put_local(&packed, j);
	else
		put_remote(&packed, j);
	msg_begin(c, &proto_job, j->dest == NULL ? J_DELIVER : J_RELAY, j->id);
	msg_text(c, JF_FILE, id);
	msg_text(c, JF_SENDER, e->sender);
	msg_bytes(c, JF_RECIPIENTS, packed.data, packed.len);
	msg_u64(c, JF_LENGTH, e->length);
	msg_u32(c, JF_CRC, e->crc);
	msg_u32(c, JF_OFFSET, j->dest != NULL && j->forwarded ? e->forward :
	    e->final);
	msg_u64(c, JF_TIME, e->time);
	msg_u32(c, JF_FLAGS, e->flags);
	if (j->dest != NULL)
		msg_text(c, JF_ROUTE, j->dest->name);
	if (e->login[0] != '\0')
		msg_text(c, JF_LOGIN, e->login);
	msg_fd(c, fd);
	return msg_end(c);
}

/* The message's body, freshly opened; -1 when it was set aside instead. */
static int
job_body(struct job *j)
{
	int fd = j->m->fd;

	j->m->fd = -1;
	if (fd != -1 || (fd = body_open(j->m->id)) != -1)
		return fd;
	if (errno == ENOENT)
		message_aside(j->m, "4.3.0 the body is missing");
	else
		job_defer(j, "4.3.0 the body cannot be opened");
	return -1;
}

/* 0; -1 where j is no longer there to be sent, or w takes nothing now. */
static int
job_send(struct worker *w, struct job *j)
{
	int fd = job_body(j);

	if (fd == -1)
		return 0;
	j->id = ++w->next_id;
	if (j->id == 0)
		j->id = ++w->next_id;
	if (job_message(w, j, fd) == -1) {
		w->pause_until = clock_mono_ms() + REFUSED_PAUSE;
		return -1;
	}
	job_leave(j);
	j->worker = w;
	if (w->n_jobs++ == 0)
		w->heard = clock_mono_ms();
	job_list_add(&w->jobs, j);
	under_way++;
	w->touched = 1;
	if (j->dest != NULL) {
		dest_took(j->dest);
		str_copy(w->dest, sizeof(w->dest), j->dest->name);
		w->served = 1;
	}
	return 0;
}

static int
worker_free(const struct worker *w, enum peer kind, int64_t now)
{
	return w->kind == kind && !w->dead && w->pause_until <= now &&
	    w->n_jobs < (kind == PEER_DELIVER ? DELIVER_JOBS : 1);
}

/* The deliver worker with the fewest jobs. */
static struct worker *
pick_deliver(int64_t now)
{
	struct worker *w, *best = NULL;

	for (w = workers; w != NULL; w = w->next)
		if (worker_free(w, PEER_DELIVER, now) &&
		    (best == NULL || w->n_jobs < best->n_jobs))
			best = w;
	return best;
}

/* One that has a session to d, else one that has none, else any. */
static struct worker *
pick_relay(const struct dest *d, int64_t now)
{
	struct worker *w, *best = NULL;

	for (w = workers; w != NULL; w = w->next) {
		if (!worker_free(w, PEER_RELAY, now))
			continue;
		if (w->served && strcmp(w->dest, d->name) == 0)
			return w;
		if (best == NULL || (best->served && (!w->served ||
		    w->heard < best->heard)))
			best = w;
	}
	return best;
}

static void
turn_deliver(int64_t now)
{
	struct worker *w;

	while (local.first != NULL && (w = pick_deliver(now)) != NULL)
		if (job_send(w, local.first) == -1)
			break;
}

/* What waits for a destination that is down is deferred as it is. */
static void
turn_down(struct dest *d)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);

	buf_set(&words, "%.900s", d->why != NULL ? d->why :
	    "4.4.1 nobody there can be reached");
	while (d->waiting.first != NULL)
		job_defer(d->waiting.first, buf_str(&words));
	buf_clear(&words);
}

/* One job for every destination in turn; how many were sent. */
static unsigned
turn_relay(int64_t now)
{
	size_t n = dest_ring();
	unsigned sent = 0;
	struct worker *w;
	struct dest *d;

	while (n-- > 0 && (d = dest_next()) != NULL) {
		if (dest_is_down(d))
			turn_down(d);
		else if ((w = pick_relay(d, now)) == NULL)
			break;
		else if (job_send(w, d->waiting.first) == 0)
			sent++;
	}
	return sent;
}

void
job_turn(void)
{
	int64_t now = clock_mono_ms();

	if (queue.stopping)
		return;
	turn_deliver(now);
	while (turn_relay(now) > 0)
		;
	if ((local.first != NULL || dest_waiting()) &&
	    !ev_is_active(&pause_timer)) {
		ev_timer_set(&pause_timer, REFUSED_PAUSE / 1000.0, 0);
		ev_timer_start(queue.loop, &pause_timer);
	}
}

unsigned
job_under_way(void)
{
	return under_way;
}

void
job_count(struct job_counts *c)
{
	struct worker *w;
	struct job *j;

	memset(c, 0, sizeof(*c));
	for (w = workers; w != NULL; w = w->next) {
		c->deliver_workers += !w->dead && w->kind == PEER_DELIVER;
		c->relay_workers += !w->dead && w->kind == PEER_RELAY;
	}
	for (j = local.first; j != NULL; j = j->next)
		c->waiting++;
	c->waiting += (unsigned)dest_waiting();
	c->destinations = (unsigned)dest_count();
}

void
job_forget_down(void)
{
	dest_forget_down();
}

static void
on_pause(struct ev_loop *l, ev_timer *t, int events)
{
	/* The turn that follows every event does the work. */
	ev_timer_stop(l, t);
}

void
job_start(void)
{
	ev_timer_init(&pause_timer, on_pause, REFUSED_PAUSE / 1000.0, 0);
	worker_start();
}
