/*
 * The workers of deliver and relay: their channels and what they answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"
#include "queue/queue_commit.h"
#include "queue/queue_job.h"
#include "queue/queue_message.h"
#include "queue/queue_worker.h"

enum {
	REFUSALS_MAX = 120,	/* of one message: then it is deferred */
	DEATHS_MAX = 3,		/* workers lost under a message, the same */
	DELIVER_TIME = 600 * 1000,	/* ms: no answer at all, retire it */
	RELAY_TIME = 4 * 3600 * 1000,
};
static const double WATCH_EVERY = 30.0;

struct worker *workers;

static ev_timer watch_timer;

/* Answers */

static void
result_one(struct job *j, struct target *t, enum result r, const char *words,
    size_t len, const char *host, size_t host_len)
{
	static const struct {
		enum target_state state;
		const char *what;
	} outcome[] = {
		[RESULT_DELIVERED] = { TARGET_DONE, "delivered" },
		[RESULT_LATER] = { TARGET_OPEN, "deferred" },
		[RESULT_NEVER] = { TARGET_REFUSED, "refused" },
	};

	t->job = NULL;
	target_set(t, outcome[r].state, words, len, host, host_len);
	message_log_target(j->m, t, outcome[r].what);
	queue.delivered += r == RESULT_DELIVERED;
	queue.failed += r == RESULT_NEVER;
	/* RFC 3463 3.5: network trouble, and nobody answered. */
	if (r == RESULT_LATER && host_len == 0 && len > 4 &&
	    memcmp(words, "4.4.", 4) == 0)
		j->unreached = 1;
	else
		j->reached = 1;
}

static struct job *
worker_job(struct worker *w, uint32_t id)
{
	struct job *j;

	for (j = w->jobs.first; j != NULL && j->id != id; j = j->next)
		;
	return j;
}

/* True when every target of j is answered. */
static int
job_answered(const struct job *j)
{
	size_t i;

	for (i = 0; j->m != NULL && i < j->n; i++)
		if (j->m->targets.t[j->index[i]].job == j)
			return 0;
	return 1;
}

static void
job_complete(struct job *j, const char *words)
{
	if (j->dest != NULL && j->reached)
		dest_reached(j->dest);
	else if (j->dest != NULL && j->unreached)
		dest_unreached(j->dest, words);
	job_end(j);
}

/* 0, or -1 for an answer that makes no sense: drop the worker. */
static int
on_result(struct worker *w, struct job *j, struct msg *m)
{
	const char *p, *words = "", *host;
	size_t len, host_len, words_len = 0;
	struct target *t;
	struct cursor c;
	uint32_t index;
	uint8_t r;
	char *last;

	host = msg_get(m, JF_HOST, &host_len);
	p = msg_get(m, JF_RESULTS, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0) {
		index = cursor_u32(&c);
		r = cursor_u8(&c);
		words = cursor_lv(&c, &words_len, RESULT_WORDS_MAX);
		if (c.bad || r > RESULT_NEVER)
			return -1;
		if (j->m == NULL)
			continue;
		if (index >= j->m->targets.n ||
		    (t = &j->m->targets.t[index])->job != j)
			return -1;
		result_one(j, t, (enum result)r, words, words_len, host,
		    host_len);
	}
	if (j->m != NULL)
		commit_dirty(j->m);
	if (!job_answered(j))
		return 0;
	last = mem_strndup(words, words_len);
	job_complete(j, last);
	free(last);
	return 0;
}

static int
on_broken(struct worker *w, struct job *j, struct msg *m)
{
	struct message *mess = j->m;
	char *words;

	if (mess == NULL) {
		job_end(j);
		return 0;
	}
	words = msg_get_dup(m, JF_WORDS);
	job_leave(j);
	job_detach(j);
	job_free(j);
	message_aside(mess, words);
	free(words);
	return 0;
}

static int
on_refused(struct worker *w, struct job *j, struct msg *m)
{
	char *words;

	w->pause_until = clock_mono_ms() + REFUSED_PAUSE;
	if (j->m == NULL || j->m->refusals++ < REFUSALS_MAX) {
		job_again(j);
		return 0;
	}
	words = msg_get_dup(m, JF_WORDS);
	job_defer(j, words);
	free(words);
	return 0;
}

static int (*const on_message[])(struct worker *, struct job *,
    struct msg *) = {
	[J_RESULT] = on_result,
	[J_BROKEN] = on_broken,
	[J_REFUSED] = on_refused,
};

/* Channels */

/* Its channel ended: what it had goes to another one, at once. */
static void
worker_lost(struct worker *w, const char *why)
{
	struct job *j;

	if (w->dead)
		return;
	w->dead = 1;
	if (why != NULL)
		log_warn("%s %u: %s", peer_name(w->kind), w->instance, why);
	ev_io_stop(queue.loop, &w->reading);
	ev_io_stop(queue.loop, &w->writing);
	/* From the newest on, so that they stand in their old order. */
	while ((j = w->jobs.last) != NULL) {
		if (j->m != NULL && j->m->deaths++ >= DEATHS_MAX)
			job_defer(j, "4.3.0 the worker ended");
		else
			job_again(j);
	}
	chan_clear(&w->chan);
}

static void
worker_bad(struct worker *w, const char *why)
{
	server_retire_peer(w->kind, w->instance);
	worker_lost(w, why);
}

static void
worker_read(struct worker *w)
{
	struct buf why = BUF_INIT(300);
	struct job *j;
	struct msg m;
	int r;

	w->heard = clock_mono_ms();
	while ((r = msg_next(&m, &proto_job, w->kind, &w->chan, &why)) == 1) {
		if ((j = worker_job(w, m.id)) == NULL)
			buf_set(&why, "answers a job that it has not");
		else if (on_message[m.type](w, j, &m) == -1)
			buf_set(&why, "answers what it was not asked");
		msg_done(&m);
		if (why.len > 0 || w->dead)
			break;
	}
	if (why.len > 0)
		worker_bad(w, buf_str(&why));
	buf_clear(&why);
}

static void
on_readable(struct ev_loop *l, ev_io *io, int events)
{
	struct worker *w = io->data;
	int r = chan_read(&w->chan);

	if (r == 1)
		worker_read(w);
	else if (r == 0)
		worker_lost(w, NULL);
	else if (errno != EAGAIN)
		worker_lost(w, strerror(errno));
}

static void
on_writable(struct ev_loop *l, ev_io *io, int events)
{
	struct worker *w = io->data;

	w->touched = 1;
	ev_io_stop(l, io);
}

void
job_wired(enum peer kind, uint32_t instance, int fd)
{
	struct worker *w;

	job_gone(kind, instance);
	w = mem_zalloc(1, sizeof(*w));
	w->kind = kind;
	w->instance = instance;
	chan_init(&w->chan, fd);
	ev_io_init(&w->reading, on_readable, fd, EV_READ);
	ev_io_init(&w->writing, on_writable, fd, EV_WRITE);
	w->reading.data = w->writing.data = w;
	ev_io_start(queue.loop, &w->reading);
	w->next = workers;
	workers = w;
}

void
job_gone(enum peer kind, uint32_t instance)
{
	struct worker *w;

	for (w = workers; w != NULL; w = w->next)
		if (w->kind == kind && w->instance == instance)
			worker_lost(w, NULL);
}

/* Writes what waits for the workers, and frees those that are gone. */
void
job_flush(void)
{
	struct worker **p = &workers, *w;
	int r;

	while ((w = *p) != NULL) {
		if (!w->dead && w->touched) {
			w->touched = 0;
			r = chan_flush(&w->chan);
			if (r == 0)
				ev_io_start(queue.loop, &w->writing);
			else if (r == -1)
				worker_lost(w, strerror(errno));
		}
		if (!w->dead) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		free(w);
	}
}

/* A worker that neither answers nor ends is taken from us. */
static void
on_watch(struct ev_loop *l, ev_timer *t, int events)
{
	int64_t now = clock_mono_ms();
	struct worker *w;

	for (w = workers; w != NULL; w = w->next)
		if (!w->dead && w->n_jobs > 0 && now - w->heard >
		    (w->kind == PEER_DELIVER ? DELIVER_TIME : RELAY_TIME))
			worker_bad(w, "does not answer");
	dest_tidy();
}

void
worker_start(void)
{
	ev_timer_init(&watch_timer, on_watch, WATCH_EVERY, WATCH_EVERY);
	ev_timer_start(queue.loop, &watch_timer);
}
