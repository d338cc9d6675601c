#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/result.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_expand.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_message.h"
#include "queue/queue_notify.h"
#include "queue/queue_record.h"
#include "queue/queue_report.h"

enum {
	DEATH_ATTEMPTS = 5,	/* that come soon where workers died of it */
	DEATH_RETRY = 10,	/* seconds between them */
	EXPAND_RETRY = 30,	/* seconds, where a look-up failed */
	REPORT_RETRY = 60,	/* the same, where too many wait for a bounce */
	EXPIRE_ATTEMPTS = 3,	/* at least, before a message goes back */
	ACCEPT_MAX = 1000,	/* recipients, of messages that are expanded
				   as soon as they are accepted, in a turn */
};

static struct ready_line accepted;	/* what came beyond that */
static size_t n_accepted;		/* recipients, in this turn */

/*
 * Makes a job, or a result, of every target that is open and has none. Where
 * there is no room for the first of a kind all of that kind are held back; the
 * line to stand in meanwhile, or NULL.
 */
static struct ready_line *
life_jobs_from(struct message *m, size_t from)
{
	struct ready_line *full[] = { [TARGET_LOCAL] = NULL,
		[TARGET_REMOTE] = NULL };
	int seen[] = { [TARGET_LOCAL] = 0, [TARGET_REMOTE] = 0 };
	struct target *t;
	size_t i;

	for (i = from; i < m->targets.n; i++) {
		t = &m->targets.t[i];
		if (t->state != TARGET_OPEN || t->job != NULL)
			continue;
		if (t->kind == TARGET_FAILED) {
			target_set(t, TARGET_REFUSED, t->way, strlen(t->way),
			    NULL, 0);
			message_log_target(m, t, "refused");
			queue.failed++;
			continue;
		}
		if (!seen[t->kind]++)
			full[t->kind] = job_full(m, t);
		if (full[t->kind] == NULL)
			job_add(m, t, (uint32_t)i);
		else
			m->behind++;
	}
	return full[TARGET_LOCAL] != NULL ? full[TARGET_LOCAL] :
	    full[TARGET_REMOTE];
}

static struct ready_line *
life_jobs(struct message *m)
{
	m->withheld = 0;
	m->behind = 0;
	return life_jobs_from(m, 0);
}

static void
life_plan(struct message *m)
{
	(void)life_jobs(m);
	if (m->jobs == 0)
		life_settle(m);
}

/* Lets it rest, without counting it as an attempt. */
static void
life_later(struct message *m, int64_t seconds)
{
	m->entry->next = queue_now() + seconds;
	m->fate = m->drop ? FATE_GONE : m->hold ? FATE_HELD : FATE_WAIT;
	commit_dirty(m);
}

static void
life_expand(struct message *m)
{
	queue_tables_fresh();
	if (expand(queue.tables, &m->env, &m->targets) == -1) {
		log_warn("%016llx: the tables cannot be read",
		    (unsigned long long)m->id);
		life_later(m, EXPAND_RETRY);
	}
}

enum expand_result
life_redirect(struct message *m, size_t i, const char *address)
{
	size_t before = m->targets.n;
	enum expand_result r;

	queue_tables_fresh();
	r = expand_redirect(queue.tables, &m->env, &m->targets, i, address);
	if (m->targets.n > before)
		m->targets_stored = 0;
	return r;
}

void
life_added(struct message *m, size_t from)
{
	if (m->targets.n > from && !m->hold && !m->drop)
		(void)life_jobs_from(m, from);
}

struct tally {
	size_t	 open, owed;
};

static struct tally
life_tally(const struct message *m)
{
	struct tally y = { 0, 0 };
	size_t i;

	for (i = 0; i < m->targets.n; i++) {
		y.open += m->targets.t[i].state == TARGET_OPEN;
		y.owed += (size_t)target_owed(&m->targets.t[i]);
	}
	return y;
}

static void
life_start(struct message *m)
{
	struct ready_line *full;

	if (m->targets.n == 0)
		life_expand(m);
	if (m->fate != FATE_STAY)
		return;
	full = life_jobs(m);
	if (full != NULL && m->jobs == 0 && life_tally(m).owed == 0) {
		/* Nothing has changed that the table does not know. */
		sched_line(&queue.sched, m->entry, full);
		message_free(m);
	} else if (m->jobs == 0) {
		life_settle(m);
	}
}

static void
life_attach(struct message *m, struct entry *e)
{
	sched_set(&queue.sched, e, ENTRY_ACTIVE);
	m->entry = e;
	e->msg = m;
	queue.active++;
}

void
life_accepted(struct message *m)
{
	struct entry *e = sched_add(&queue.sched, m->id);
	char id[QUEUE_ID_LEN + 1];

	if (e == NULL)
		log_panic("two messages of one name");
	queue_id_text(m->id, id);
	log_info("%s: from=<%s> size=%llu recipients=%zu%s%s client=%s%s%s",
	    id, m->env.sender, (unsigned long long)m->env.length,
	    m->env.n_rcpt, m->env.login[0] != '\0' ? " login=" : "",
	    m->env.login, m->env.client, m->env.message_id[0] != '\0' ?
	    " message-id=" : "", m->env.message_id);
	queue.accepted++;
	if (!queue.stopping && n_accepted < ACCEPT_MAX) {
		n_accepted += m->env.n_rcpt;
		life_attach(m, e);
		life_start(m);
	} else {
		sched_line(&queue.sched, e, &accepted);
		message_free(m);
	}
}

static void
life_load(struct entry *e)
{
	struct message *m = message_new(e->id);
	int r;

	r = message_load(m);
	life_attach(m, e);
	if (r == -1) {
		/* The table could not be read now. */
		sched_wait(&queue.sched, e, queue_now() + EXPAND_RETRY);
		message_free(m);
		return;
	}
	if (r == 0) {
		targets_clear(&m->targets);
		life_aside(m, "4.3.0 the record cannot be read");
		return;
	}
	life_start(m);
}

/* What has just come is first, then what was looked at before; of the others
   nothing is known. */
static struct entry *
life_next(void)
{
	struct entry *e = accepted.first;

	if (queue.stopping)
		return NULL;
	if (e == NULL && (e = job_parked()) == NULL && job_room())
		e = sched_first(&queue.sched);
	return e;
}

int
life_ready(void)
{
	return life_next() != NULL;
}

void
life_turn(void)
{
	struct entry *e;

	n_accepted = 0;
	while (!queue_spent() && (e = life_next()) != NULL)
		life_load(e);
}

/* Settling */

static void
life_expire(struct message *m)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	struct target *t;
	size_t i;

	for (i = 0; i < m->targets.n; i++) {
		t = &m->targets.t[i];
		if (t->state != TARGET_OPEN)
			continue;
		buf_set(&words, RESULT_EXPIRED "%.900s",
		    t->words != NULL ? t->words : "no answer");
		target_set(t, TARGET_REFUSED, words.data, words.len, t->host,
		    t->host != NULL ? strlen(t->host) : 0);
		notify_result(m, t, 0);
		message_log_target(m, t, "given up");
		queue.failed++;
	}
	buf_clear(&words);
}

/*
 * The age alone proves nothing: the clock may have been wrong when the message
 * came, as on a board that has none of its own, or be wrong now: so there are
 * two attempts by this run at least, with a wait between them. What is held is
 * not given up.
 */
static int
life_is_late(const struct message *m)
{
	uint64_t lifetime = queue.conf.lifetime;

	return !m->hold && !m->withheld && m->behind == 0 &&
	    jump_age(&queue.jump, m->env.time) >= lifetime &&
	    (lifetime == 0 || (m->entry->tried &&
	    m->entry->attempts + 1 >= EXPIRE_ATTEMPTS));
}

static int
life_lacks_lookup(const struct message *m)
{
	size_t i;

	for (i = 0; i < m->targets.n; i++)
		if (target_lacks_lookup(&m->targets.t[i]))
			return 1;
	return 0;
}

/*
 * The next attempt: the back-off grows with every one; where workers died
 * under the message it is short at first, for most often they were killed.
 */
static void
life_defer(struct message *m, size_t open)
{
	struct entry *e = m->entry;
	uint64_t wait;

	if (m->withheld || open == m->behind) {
		life_later(m, 0);
		return;
	}
	e->attempts++;
	e->tried = 1;
	sched_lookup(&queue.sched, e, life_lacks_lookup(m));
	wait = sched_backoff(e->attempts, queue.conf.retry_min,
	    queue.conf.retry_max);
	if (m->deaths > 0 && e->attempts <= DEATH_ATTEMPTS)
		wait = DEATH_RETRY;
	e->next = queue_now() + (int64_t)wait;
	queue.deferred++;
	m->fate = m->hold ? FATE_HELD : FATE_WAIT;
	commit_dirty(m);
}

static void
life_reported(struct message *m, int told)
{
	if (told)
		life_settle(m);
	else
		life_later(m, (int64_t)queue.conf.retry_min);
}

void
life_settle(struct message *m)
{
	struct tally y = life_tally(m);
	int r;

	if (m->jobs > 0 || m->reporting || m->fate != FATE_STAY)
		return;
	if (m->drop) {
		m->fate = FATE_GONE;
		commit_dirty(m);
		return;
	}
	if (y.open > 0 && life_is_late(m)) {
		life_expire(m);
		y = life_tally(m);
	} else if (y.open > 0) {
		notify_delay(m);
		y = life_tally(m);
	}
	if (y.owed > 0 && (r = report_begin(m,
	    life_reported)) != 0) {
		if (r == -1)
			life_later(m, REPORT_RETRY);
		return;
	}
	if (y.open > 0) {
		life_defer(m, y.open);
		return;
	}
	m->fate = FATE_GONE;
	commit_dirty(m);
}

int
life_hold(struct message *m)
{
	if (m->hold || m->fate == FATE_GONE || m->fate == FATE_ASIDE)
		return 0;
	if (commit_schedule(m->entry, m->entry->next, SCHEDULE_HELD,
	    NULL) == -1)
		return -1;
	m->hold = 1;
	if (m->fate == FATE_WAIT)
		m->fate = FATE_HELD;
	if (job_withdraw(m) > 0)
		m->withheld = 1;
	life_settle(m);
	return 0;
}

int
life_release(struct message *m)
{
	int64_t next = queue_now();

	if (!m->hold)
		return 0;
	if (commit_schedule(m->entry, next, 0, NULL) == -1)
		return -1;
	m->hold = 0;
	m->entry->next = next;
	if (m->fate == FATE_HELD)
		m->fate = FATE_WAIT;
	else if (m->fate == FATE_STAY && !m->reporting)
		life_plan(m);
	return 0;
}

int
life_delete(struct message *m)
{
	if (commit_forget(m->entry) == -1)
		return -1;
	m->drop = 1;
	job_abandon(m);
	/* A bounce that is being made needs m until it is done. */
	if (!m->reporting) {
		m->fate = FATE_GONE;
		commit_dirty(m);
	}
	return 0;
}

void
life_aside(struct message *m, const char *why)
{
	char id[QUEUE_ID_LEN + 1];

	if (m->fate != FATE_STAY)
		return;
	job_abandon(m);
	queue_id_text(m->id, id);
	log_warn("%s: set aside: %s", id, why);
	body_set_aside(m->id);
	m->aside = mem_strndup(why, strnlen(why, RESULT_WORDS_MAX));
	m->fate = FATE_ASIDE;
	commit_dirty(m);
}

void
life_missing(uint64_t id)
{
	static const char why[] = "4.3.0 the body is missing";
	struct entry *e = sched_find(&queue.sched, id);
	char text[QUEUE_ID_LEN + 1];

	if (e == NULL || e->state == ENTRY_ACTIVE)
		return;
	queue_id_text(id, text);
	log_warn("%s: set aside: %s", text, why);
	sched_set(&queue.sched, e, ENTRY_ASIDE);
	if (commit_schedule(e, e->next, SCHEDULE_ASIDE, why) == -1)
		log_warn("%s: not noted in the table", text);
}

void
life_fate(struct message *m)
{
	struct entry *e = m->entry;
	enum fate fate = (enum fate)m->fate;

	if (fate == FATE_STAY)
		return;
	message_free(m);
	switch (fate) {
	case FATE_GONE:
		sched_remove(&queue.sched, e);
		return;
	case FATE_ASIDE:
		sched_set(&queue.sched, e, ENTRY_ASIDE);
		break;
	case FATE_HELD:
		sched_set(&queue.sched, e, ENTRY_HELD);
		break;
	default:
		sched_wait(&queue.sched, e, e->next);
		break;
	}
}
