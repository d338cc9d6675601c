/*
 * Which worker gets which job (the rules: queue_dispatch.h).
 */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"
#include "queue/queue_dest.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_job.h"
#include "queue/queue_report.h"
#include "queue/queue_send.h"
#include "queue/queue_worker.h"

static const double SURPLUS_EVERY = 60.0;

static ev_timer pause_timer, surplus_timer, gather_timer;
static int64_t gathered;	/* when deliver had jobs last */
static unsigned needed;		/* workers of relay, as master was told */
static unsigned passed;		/* mail sent since a bounce that waits */
static unsigned peak;		/* that had a job at once, since surplus */

static int
worker_free(const struct worker *w, enum peer kind, int64_t now)
{
	return w->link.peer == kind && w->pause_until <= now && !w->leaving &&
	    w->n_jobs < (kind == PEER_DELIVER ? DELIVER_JOBS : 1);
}

static int
relay_is_free(int64_t now)
{
	const struct worker *w;

	TAILQ_FOREACH(w, &workers, in_list)
		if (worker_free(w, PEER_RELAY, now))
			return 1;
	return 0;
}

/* The deliver worker with the fewest jobs. */
static struct worker *
pick_deliver(int64_t now)
{
	struct worker *w, *best = NULL;

	TAILQ_FOREACH(w, &workers, in_list)
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

	TAILQ_FOREACH(w, &workers, in_list) {
		if (!worker_free(w, PEER_RELAY, now))
			continue;
		if (w->served && dest_key_equal(&w->dest, &d->key))
			return w;
		if (best == NULL || (best->served && (!w->served ||
		    w->heard < best->heard)))
			best = w;
	}
	return best;
}

/* Not so soon after the last ones: the timer sees to those that wait. */
static int
gathering(int64_t now)
{
	int64_t left = gathered + DELIVER_GATHER - now;

	if (left <= 0 || job_local_waiting() >= DELIVER_JOBS)
		return 0;
	if (!ev_is_active(&gather_timer)) {
		ev_timer_set(&gather_timer, (double)left / 1000, 0);
		ev_timer_start(queue.loop, &gather_timer);
	}
	return 1;
}

/* 1 where somebody waits for a worker. */
static int
turn_deliver(int64_t now)
{
	struct worker *w;
	unsigned n;

	if (job_local() == NULL || gathering(now))
		return 0;
	gathered = now;
	while (job_local() != NULL && (w = pick_deliver(now)) != NULL)
		for (n = 0; n < DELIVER_TOGETHER && job_local() != NULL &&
		    worker_free(w, PEER_DELIVER, now); n++)
			if (send_job(w, job_local()) == -1)
				return 1;
	return job_local() != NULL;
}

/*
 * What waits for a destination that is down is deferred as it is. All of it at
 * once would take its time, and may be too old and lead to a bounce each.
 */
static void
turn_down(struct dest *d)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	struct queue_job *j;

	buf_set(&words, "%.900s", d->why != NULL ? d->why :
	    "4.4.1 nobody there can be reached");
	while ((j = dest_first(d)) != NULL && !report_behind()) {
		if (queue_spent()) {
			queue.more = 1;
			break;
		}
		d->untold += (unsigned)job_defer_untried(j, buf_str(&words));
	}
	dest_tell(d);
	buf_clear(&words);
}

/* Has the share a worker left of those that there may be? */
static int
share_left(enum share s)
{
	static const struct {
		unsigned num, den;
	} part[SHARES] = {
		[SHARE_KNOWN] = { 3, 4 }, [SHARE_UNKNOWN] = { 1, 2 },
		[SHARE_BOUNCE] = { 1, 8 },
	};
	uint64_t most = queue.conf.relay_workers * part[s].num / part[s].den;

	return job_out(s) < (most > 0 ? most : 1);
}

/* Could a bounce go that has waited for its turn? */
static int
bounce_waits(void)
{
	return dest_ring(SHARE_BOUNCE) > 0 && share_left(SHARE_BOUNCE);
}

static int
bounce_due(void)
{
	return passed >= BOUNCE_AFTER && bounce_waits();
}

static void
note_sent(enum share s)
{
	if (s == SHARE_BOUNCE)
		passed = 0;
	else if (bounce_waits())
		passed++;
}

/*
 * One job for each of so many destinations of the share in turn; how many were
 * sent. Whom no worker is there for keeps its turn.
 */
static unsigned
turn_share(enum share s, size_t n, int64_t now)
{
	unsigned sent = 0;
	struct queue_job *j;
	struct dest *d;

	while (n-- > 0 && share_left(s) && relay_is_free(now) &&
	    (s == SHARE_BOUNCE || !bounce_due()) &&
	    (d = dest_next(s, &j)) != NULL) {
		j->share = (uint8_t)s;
		if (send_job(pick_relay(d, now), j) == 0) {
			note_sent(s);
			sent++;
		}
	}
	return sent;
}

/* Known and unknown by turns, which is all there is to it with one worker. */
static unsigned
turn_mail(int64_t now)
{
	static enum share first = SHARE_KNOWN;
	enum share second = first == SHARE_KNOWN ? SHARE_UNKNOWN : SHARE_KNOWN;
	unsigned a = turn_share(first, dest_ring(first), now);
	unsigned b = turn_share(second, dest_ring(second), now);

	if (a > 0 && b == 0)
		first = second;
	return a + b;
}

static void
turn_relay(int64_t now)
{
	unsigned busy = 0, s;
	struct dest *d;
	size_t n;

	for (n = dest_downs(); n > 0 && (d = dest_down()) != NULL; n--)
		turn_down(d);
	do
		if (bounce_due())
			(void)turn_share(SHARE_BOUNCE, 1, now);
	while (turn_mail(now) > 0);
	while (turn_share(SHARE_BOUNCE, dest_ring(SHARE_BOUNCE), now) > 0)
		continue;
	for (s = 0; s < SHARES; s++)
		busy += job_out((enum share)s);
	if (busy > peak)
		peak = busy;
}

/* Those at work on the share wait less; SHARES: all. */
static void
hurry(enum share s)
{
	struct queue_job *j;
	struct worker *w;

	TAILQ_FOREACH(w, &workers, in_list)
		if (w->link.peer == PEER_RELAY &&
		    (j = TAILQ_FIRST(&w->jobs)) != NULL &&
		    (s == SHARES || j->share == s))
			send_hurry(w);
}

static unsigned
relay_count(void)
{
	struct worker *w;
	unsigned n = 0;

	TAILQ_FOREACH(w, &workers, in_list)
		n += w->link.peer == PEER_RELAY && !w->leaving;
	return n;
}

/* What could go but for a worker: one more for each, or less waiting. */
static void
turn_want(void)
{
	uint64_t want = 0, most = queue.conf.relay_workers;
	unsigned s;

	for (s = 0; s < SHARES; s++)
		if (share_left((enum share)s))
			want += dest_ring((enum share)s);
		else if (dest_ring((enum share)s) > 0)
			hurry((enum share)s);
	if (want == 0)
		return;
	want += relay_count();
	if (want > most && relay_count() >= most)
		hurry(SHARES);
	if (want > most)
		want = most;
	if (want > needed) {
		needed = (unsigned)want;
		server_need(PEER_RELAY, needed, 0);
	}
}

/* Those that were not needed at any time since the last look may go. */
static void
on_surplus(struct ev_loop *l, ev_timer *t, int events)
{
	unsigned n = relay_count(), keep = peak > RELAY_LEAST ? peak :
	    RELAY_LEAST;
	struct worker *w;

	peak = 0;
	needed = n < keep ? n : keep;
	TAILQ_FOREACH(w, &workers, in_list) {
		if (n <= keep)
			break;
		if (w->link.peer != PEER_RELAY || w->leaving || w->n_jobs > 0)
			continue;
		w->leaving = 1;
		n--;
		server_need(PEER_RELAY, needed, w->link.instance);
	}
}

void
dispatch_turn(void)
{
	int64_t now = clock_mono_ms();
	int waits;

	if (queue.stopping)
		return;
	waits = turn_deliver(now);
	turn_relay(now);
	turn_want();
	if ((waits || dest_waiting()) && !ev_is_active(&pause_timer)) {
		ev_timer_set(&pause_timer, REFUSED_PAUSE / 1000.0, 0);
		ev_timer_start(queue.loop, &pause_timer);
	}
}

void
dispatch_count(struct dispatch_counts *c)
{
	struct worker *w;

	memset(c, 0, sizeof(*c));
	TAILQ_FOREACH(w, &workers, in_list) {
		c->deliver_workers += w->link.peer == PEER_DELIVER;
		c->relay_workers += w->link.peer == PEER_RELAY;
	}
	c->waiting = job_waiting();
	c->destinations = (unsigned)dest_count();
}

static void
on_timer(struct ev_loop *l, ev_timer *t, int events)
{
	/* The turn that follows every event does the work. */
	ev_timer_stop(l, t);
}

void
dispatch_start(void)
{
	gathered = clock_mono_ms() - DELIVER_GATHER;
	ev_timer_init(&gather_timer, on_timer, 0, 0);
	ev_timer_init(&pause_timer, on_timer, REFUSED_PAUSE / 1000.0, 0);
	ev_timer_init(&surplus_timer, on_surplus, SURPLUS_EVERY, SURPLUS_EVERY);
	ev_timer_start(queue.loop, &surplus_timer);
}
