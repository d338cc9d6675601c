#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/packed.h"
#include "lib/server/server.h"
#include "queue/queue_commit.h"
#include "queue/queue_dest.h"
#include "queue/queue_life.h"
#include "queue/queue_message.h"
#include "queue/queue_notify.h"
#include "queue/queue_worker.h"

enum {
	REFUSALS_MAX = 120,	/* of one message: then it is deferred */
	DEATHS_MAX = 3,		/* workers lost under a message, the same */
	DELIVER_TIME = 600 * 1000,	/* ms: no answer at all, retire it */
	RELAY_TIME = 4 * 3600 * 1000,	/* and what the body takes: */
	RELAY_RATE = 8,			/* octets per ms, at the slowest */
};
static const double WATCH_EVERY = 30.0;

#define LATER_WORDS "4.3.0 where a script sends it cannot be looked up now"
#define LOOP_WORDS "5.4.6 mail loop: the scripts of its recipients send it on " \
	"in a circle"

struct worker_list workers = TAILQ_HEAD_INITIALIZER(workers);

static ev_timer watch_timer;

/* Answers */

static void
result_one(struct queue_job *j, struct target *t,
    const struct packed_result *r, const char *host, size_t host_len)
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
	target_set(t, outcome[r->result].state, r->words, r->len, host,
	    host_len);
	notify_result(j->m, t, r->passed);
	message_log_target(j->m, t, outcome[r->result].what);
	queue.delivered += r->result == RESULT_DELIVERED;
	queue.failed += r->result == RESULT_NEVER;
	/* RFC 3463 3.5: network trouble, and nobody answered. */
	if (r->result == RESULT_LATER && host_len == 0 && r->len > 4 &&
	    memcmp(r->words, "4.4.", 4) == 0)
		j->unreached = 1;
	else
		j->reached = 1;
}

static struct queue_job *
worker_job(struct worker *w, uint32_t id)
{
	struct queue_job *j;

	TAILQ_FOREACH(j, &w->jobs, in_line)
		if (j->id == id)
			break;
	return j;
}

/* True when every target of j is answered. */
static int
job_answered(const struct queue_job *j)
{
	size_t i;

	for (i = 0; j->m != NULL && i < j->n; i++)
		if (j->m->targets.t[j->index[i]].job == j)
			return 0;
	return 1;
}

static void
job_complete(struct queue_job *j, const char *words)
{
	if (j->dest != NULL && j->reached)
		dest_reached(j->dest);
	else if (j->dest != NULL && j->unreached)
		dest_unreached(j->dest, words);
	job_end(j);
}

/*
 * Where a script sends what target number i got: more targets, which go into
 * the table with this result. Where that cannot be the target is open still,
 * and store knows what it has. 0, or -1 for what makes no sense.
 */
static int
result_redirects(struct message *m, struct packed_result *r, const char *p,
    size_t len)
{
	char address[ADDRESS_MAX + 1];
	struct packed_target t;
	struct cursor c;
	int more, loops = 0, added = 0;

	cursor_init(&c, p, len);
	while ((more = packed_target(&c, 0, &t)) == 1) {
		if (t.index != r->index)
			continue;
		memcpy(address, t.address, t.len);
		address[t.len] = '\0';
		switch (life_redirect(m, t.index, address)) {
		case EXPAND_ADDED:
			added = 1;
			break;
		case EXPAND_LOOPS:
			loops = 1;
			break;
		case EXPAND_LATER:
			*r = (struct packed_result){ r->index, RESULT_LATER,
				0, LATER_WORDS, strlen(LATER_WORDS) };
			return 0;
		}
	}
	/* What was stored, too, has arrived. */
	if (loops && !added && r->len == strlen(RESULT_REDIRECTED) &&
	    memcmp(r->words, RESULT_REDIRECTED, r->len) == 0)
		*r = (struct packed_result){ r->index, RESULT_NEVER, 0,
			LOOP_WORDS, strlen(LOOP_WORDS) };
	return more;
}

/* 0, or -1 for an answer that makes no sense: drop the worker. */
static int
on_result(struct worker *w, struct queue_job *j, struct msg *m)
{
	struct packed_result r = { .words = "" };
	const char *p, *host, *redirects;
	size_t len, host_len, redirects_len, before;
	struct target *t;
	struct cursor c;
	char *last;
	int more;

	before = j->m != NULL ? j->m->targets.n : 0;
	redirects = msg_get(m, JF_REDIRECTS, &redirects_len);
	host = msg_get(m, JF_HOST, &host_len);
	p = msg_get(m, JF_RESULTS, &len);
	cursor_init(&c, p, len);
	while ((more = packed_result(&c, &r)) == 1) {
		if (j->m == NULL)
			continue;
		if (r.index >= j->m->targets.n ||
		    (t = &j->m->targets.t[r.index])->job != j)
			return -1;
		if (redirects_len > 0 && r.result == RESULT_DELIVERED &&
		    result_redirects(j->m, &r, redirects, redirects_len) == -1)
			return -1;
		result_one(j, &j->m->targets.t[r.index], &r, host, host_len);
	}
	if (more == -1)
		return -1;
	if (j->m != NULL) {
		life_added(j->m, before);
		commit_dirty(j->m);
	}
	if (!job_answered(j))
		return 0;
	last = mem_strndup(r.words, r.len);
	job_complete(j, last);
	free(last);
	return 0;
}

static int
on_broken(struct worker *w, struct queue_job *j, struct msg *m)
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
	life_aside(mess, words);
	free(words);
	return 0;
}

static int
on_refused(struct worker *w, struct queue_job *j, struct msg *m)
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

static int (*const on_message[])(struct worker *, struct queue_job *,
    struct msg *) = {
	[J_RESULT] = on_result,
	[J_BROKEN] = on_broken,
	[J_REFUSED] = on_refused,
};

/* Channels */

/* What it had goes to another one, at once. */
static void
worker_free(struct worker *w)
{
	struct queue_job *j;

	TAILQ_REMOVE(&workers, w, in_list);
	link_clear(&w->link);
	/* From the newest on, so that they stand in their old order. */
	while ((j = TAILQ_LAST(&w->jobs, job_line)) != NULL) {
		if (j->m != NULL && j->m->deaths++ >= DEATHS_MAX)
			job_defer(j, "4.3.0 the worker ended");
		else
			job_again(j);
	}
	free(w);
}

static void
worker_lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	if (how != LINK_ENDED)
		server_retire_peer(l->peer, l->instance);
	worker_free(l->owner);
}

static int
worker_message(struct link *l, struct msg *m, struct buf *why)
{
	struct worker *w = l->owner;
	struct queue_job *j = worker_job(w, m->id);

	w->heard = clock_mono_ms();
	if (j == NULL)
		buf_set(why, "answers a job that it does not have");
	else if (on_message[m->type](w, j, m) == -1)
		buf_set(why, "answers what it was not asked");
	return why->len > 0 ? -1 : 0;
}

static struct link_turn to_write = TAILQ_HEAD_INITIALIZER(to_write);
static const struct link_kind worker_link = {
	.proto = &proto_job,
	.message = worker_message,
	.lost = worker_lost,
	.turn = &to_write,
};

void
worker_wired(enum peer kind, uint32_t instance, int fd)
{
	struct worker *w;

	worker_gone(kind, instance);
	w = mem_zalloc(1, sizeof(*w));
	TAILQ_INIT(&w->jobs);
	link_init(&w->link, queue.loop, &worker_link, w);
	link_open(&w->link, kind, instance, fd);
	TAILQ_INSERT_HEAD(&workers, w, in_list);
}

void
worker_gone(enum peer kind, uint32_t instance)
{
	struct worker *w;

	/* Its last answers may lie in the channel: they are heard, for what
	   relay sent would be sent again. */
	TAILQ_FOREACH(w, &workers, in_list)
		if (w->link.peer == kind && w->link.instance == instance) {
			link_finish(&w->link);
			return;
		}
}

void
worker_flush(void)
{
	link_turn_flush(&to_write);
}

/* How long a worker may work without a word; ms. */
static int64_t
time_of(const struct worker *w)
{
	const struct queue_job *j = TAILQ_FIRST(&w->jobs);

	if (w->link.peer == PEER_DELIVER)
		return DELIVER_TIME;
	return RELAY_TIME + (j->m == NULL ? 0 :
	    (int64_t)(j->m->env.length / RELAY_RATE));
}

/* A worker that neither answers nor ends is taken from us. */
static void
on_watch(struct ev_loop *l, ev_timer *t, int events)
{
	int64_t now = clock_mono_ms();
	struct worker *w;

	TAILQ_FOREACH(w, &workers, in_list)
		if (w->n_jobs > 0 && now - w->heard > time_of(w))
			link_drop(&w->link, LINK_BROKE, "does not answer");
	dest_tidy();
}

void
worker_start(void)
{
	ev_timer_init(&watch_timer, on_watch, WATCH_EVERY, WATCH_EVERY);
	ev_timer_start(queue.loop, &watch_timer);
}
