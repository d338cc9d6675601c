/*
 * Which worker gets which job, and the message that hands it over.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/packed.h"
#include "queue/queue_body.h"
#include "queue/queue_dest.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_fields.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_report.h"
#include "queue/queue_worker.h"

static ev_timer pause_timer;

static void
put_targets(struct buf *out, const struct queue_job *j)
{
	const struct target *t;
	const char *owner;
	size_t i;

	for (i = 0; i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		owner = j->dest == NULL ? t->way : NULL;
		packed_put_target(out, &(struct packed_target){ j->index[i],
		    owner, owner != NULL ? strlen(owner) : 0, t->address,
		    strlen(t->address) });
	}
}

/* ORCPT and NOTIFY of the recipients that the targets come from. */
static void
put_dsn(struct buf *out, const struct queue_job *j)
{
	const struct recipient *r;
	size_t i;

	for (i = 0; i < j->n; i++) {
		r = &j->m->env.rcpt[j->m->targets.t[j->index[i]].rcpt];
		if (r->orcpt[0] == '\0' && r->notify == 0)
			continue;
		buf_put_u32(out, j->index[i]);
		buf_put_lv(out, r->orcpt, strlen(r->orcpt));
		buf_put_u32(out, r->notify);
	}
}

/* What a job says of its way. */
static void
write_way(struct chan *c, const struct queue_job *j)
{
	static struct buf packed;
	const struct envelope *e = &j->m->env;

	buf_reset(&packed);
	put_targets(&packed, j);
	msg_bytes(c, JF_RECIPIENTS, packed.data, packed.len);
	if (j->dest == NULL) {
		msg_u32(c, JF_OFFSET, e->final);
		return;
	}
	msg_u32(c, JF_OFFSET, j->forwarded ? e->forward : e->final);
	dest_key_put(&j->dest->key, c);
	buf_reset(&packed);
	put_dsn(&packed, j);
	if (packed.len > 0)
		msg_bytes(c, JF_RCPT_DSN, packed.data, packed.len);
}

static int
send_message(struct worker *w, struct queue_job *j, int fd)
{
	char id[QUEUE_ID_LEN + 1];
	struct chan *c;
	int r;

	queue_id_text(j->m->id, id);
	c = link_begin(&w->link, j->dest == NULL ? J_DELIVER : J_RELAY, j->id);
	msg_text(c, JF_FILE, id);
	fields_write(&j->m->env, c, j->dest == NULL ? FIELD_DELIVER :
	    FIELD_RELAY);
	write_way(c, j);
	msg_fd(c, fd);
	if ((r = msg_end(c)) == 0)
		link_flush(&w->link);
	return r;
}

/* The message's body, freshly opened; -1 when it was set aside instead. */
static int
send_body(struct queue_job *j)
{
	int fd = j->m->fd;

	j->m->fd = -1;
	if (fd != -1 || (fd = body_open(j->m->id)) != -1)
		return fd;
	if (errno == ENOENT)
		life_aside(j->m, "4.3.0 the body is missing");
	else
		job_defer(j, "4.3.0 the body cannot be opened");
	return -1;
}

/* 0; -1 where j is no longer there to be sent, or w takes nothing now. */
static int
send_job(struct worker *w, struct queue_job *j)
{
	int fd = send_body(j);

	if (fd == -1)
		return 0;
	j->id = ++w->next_id;
	if (j->id == 0)
		j->id = ++w->next_id;
	if (send_message(w, j, fd) == -1) {
		w->pause_until = clock_mono_ms() + REFUSED_PAUSE;
		return -1;
	}
	job_give(j, w);
	if (j->dest != NULL) {
		w->dest = j->dest->key;
		w->served = 1;
	}
	return 0;
}

static int
worker_free(const struct worker *w, enum peer kind, int64_t now)
{
	return w->link.peer == kind && w->pause_until <= now &&
	    w->n_jobs < (kind == PEER_DELIVER ? DELIVER_JOBS : 1);
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

static void
turn_deliver(int64_t now)
{
	struct worker *w;

	while (job_local() != NULL && (w = pick_deliver(now)) != NULL)
		if (send_job(w, job_local()) == -1)
			break;
}

/*
 * What waits for a destination that is down is deferred as it is. All of it at
 * once would take its time, and may be too old and lead to a bounce each.
 */
static void
turn_down(struct dest *d)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);

	buf_set(&words, "%.900s", d->why != NULL ? d->why :
	    "4.4.1 nobody there can be reached");
	while (!TAILQ_EMPTY(&d->waiting) && !report_behind()) {
		if (queue_spent()) {
			queue.more = 1;
			break;
		}
		d->untold += (unsigned)job_defer_untried(
		    TAILQ_FIRST(&d->waiting), buf_str(&words));
	}
	dest_tell(d);
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
		else if (send_job(w, TAILQ_FIRST(&d->waiting)) == 0)
			sent++;
	}
	return sent;
}

void
dispatch_turn(void)
{
	int64_t now = clock_mono_ms();

	if (queue.stopping)
		return;
	turn_deliver(now);
	while (turn_relay(now) > 0)
		;
	if ((job_local() != NULL || dest_waiting()) &&
	    !ev_is_active(&pause_timer)) {
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
on_pause(struct ev_loop *l, ev_timer *t, int events)
{
	/* The turn that follows every event does the work. */
	ev_timer_stop(l, t);
}

void
dispatch_start(void)
{
	ev_timer_init(&pause_timer, on_pause, REFUSED_PAUSE / 1000.0, 0);
}
