/*
 * How many processes of each row there are. Nothing is started from inside a
 * callback: pool_fill runs once before each wait of the loop, so that a burst
 * of deaths or clients leads to one round of starts.
 */
#include <sys/wait.h>

#include "lib/base/log.h"
#include "lib/server/crowd.h"
#include "master/master.h"
#include "master/master_crowd.h"
#include "master/master_listen.h"
#include "master/master_pool.h"
#include "master/master_proc.h"

enum {
	QUICK_MAX = 5,		/* quick deaths before back-off */
	BACKOFF_MAX = 60,	/* seconds */
};
static const double QUICK = 1;		/* seconds alive and ready */
static const double SURPLUS = 60;	/* seconds idle */
static const double SAY_FULL = 60;	/* seconds between two complaints */

static void
on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	/* Nothing: pool_fill comes next, and the timer is not active. */
}

void
pool_init(void)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		TAILQ_INIT(&master.rows[i].procs);
		ev_timer_init(&master.rows[i].retry, on_retry, 0, 0);
	}
}

static unsigned
limit_of(enum program_id row)
{
	unsigned n = (unsigned)master_conf_number(&master.conf,
	    programs[row].count);

	return programs[row].crowd != NULL ? n + crowd_reserve(n) : n;
}

static unsigned
fresh_needed(enum program_id row)
{
	struct row_state *rs = &master.rows[row];
	unsigned max = limit_of(row), want, idle;

	if (programs[row].pool == POOL_KEEP) {
		if (programs[row].services != 0 && !listen_any(row))
			return 0;
		return rs->n < max ? max - rs->n : 0;
	}
	idle = (unsigned)master_conf_number(&master.conf, programs[row].idle);
	if (programs[row].pool == POOL_DEMAND) {
		want = rs->needed > idle ? rs->needed : idle;
		if (want > max)
			want = max;
		return rs->n < want ? want - rs->n : 0;
	}
	if (rs->idle >= idle || !listen_any(row))
		return 0;
	want = idle - rs->idle;
	if (rs->n + want <= max)
		return want;
	if (rs->idle == 0 && ev_now(master.loop) - rs->full_said > SAY_FULL) {
		log_warn("%s: all %u processes are busy", programs[row].name,
		    max);
		rs->full_said = ev_now(master.loop);
	}
	return rs->n < max ? max - rs->n : 0;
}

static void
back_off(enum program_id row, int refused)
{
	struct row_state *rs = &master.rows[row];
	unsigned shift = rs->quick - QUICK_MAX;
	double delay = !refused && shift < 6 ? 1u << shift : BACKOFF_MAX;

	if (refused)
		log_warn("%s refuses to start, the next try is in %.0f s",
		    programs[row].name, delay);
	else
		log_warn("%s: %u quick deaths in a row, the next try is in "
		    "%.0f s", programs[row].name, rs->quick, delay);
	ev_timer_stop(master.loop, &rs->retry);
	ev_timer_set(&rs->retry, delay, 0);
	ev_timer_start(master.loop, &rs->retry);
}

/* refused: it says itself that another try at once is of no use. */
static void
row_failed(enum program_id row, double started, int refused)
{
	struct row_state *rs = &master.rows[row];

	/* Several that fall together are one fall. */
	if (started < rs->failed)
		return;
	rs->failed = ev_time();
	if (++rs->quick < QUICK_MAX && !refused)
		return;
	if (master.phase == PHASE_START)
		master.hooks->failed(row, refused ? LOG_EXIT_USAGE :
		    LOG_EXIT_TEMP);
	else
		back_off(row, refused);
}

static void
row_fill(enum program_id row)
{
	struct row_state *rs = &master.rows[row];
	unsigned n;

	if (ev_is_active(&rs->retry))
		return;
	for (n = fresh_needed(row); n > 0 && !ev_is_active(&rs->retry); n--)
		if (proc_spawn(row, "") == NULL)
			row_failed(row, ev_time(), 0);
}

void
pool_fill(void)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT && master.phase != PHASE_STOP; i++)
		if (programs[i].pool != POOL_RESERVED &&
		    programs[i].pool != POOL_SESSION &&
		    programs[i].pool != POOL_FILE &&
		    programs[i].pool != POOL_COMMAND &&
		    programs[i].start <= master.stage)
			row_fill((enum program_id)i);
}

/*
 * Quick: not ready, or gone at once after it without having had work. What
 * ends by itself after its work (as fetch always does), or was asked to, is no
 * death, and pickup
 * answers by its status. A session that
 * dies is its user's trouble: it holds nobody else back.
 */
void
pool_died(struct proc *p, int status)
{
	struct row_state *rs = &master.rows[p->row];
	int orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (p->stopping || (orderly && p->was_busy) ||
	    (orderly && programs[p->row].pool == POOL_DEMAND &&
	    programs[p->row].session_uid) ||
	    (programs[p->row].pool == POOL_FILE && WIFEXITED(status))) {
		rs->quick = 0;
		return;
	}
	if (!orderly || programs[p->row].pool == POOL_KEEP ||
	    programs[p->row].pool == POOL_DEMAND)
		rs->restarts++;
	if (p->was_busy || (p->ready &&
	    ev_now(master.loop) - p->started > QUICK))
		rs->quick = 0;
	else if (master.phase != PHASE_STOP &&
	    programs[p->row].pool != POOL_SESSION &&
	    programs[p->row].pool != POOL_FILE)
		row_failed(p->row, p->started, !p->ready &&
		    WIFEXITED(status) && WEXITSTATUS(status) == LOG_EXIT_USAGE);
}

static void
accept_tick(enum program_id row, double now)
{
	struct row_state *rs = &master.rows[row];
	struct proc *p;

	if (rs->idle <= master_conf_number(&master.conf, programs[row].idle))
		return;
	TAILQ_FOREACH(p, &rs->procs, in_row)
		if (p->ready && !p->busy && !p->stopping &&
		    now - p->since > SURPLUS) {
			proc_stop(p);
			return;
		}
}

/*
 * An imapd that says it has no session, and has heard of every one that it
 * was sent, is stopped. After WIRE_STOP it is sent no more.
 */
static void
session_tick(enum program_id row, double now)
{
	struct proc *p;

	if (!programs[row].loop)
		return;
	TAILQ_FOREACH(p, &master.rows[row].procs, in_row)
		if (p->ready && !p->busy && !p->stopping &&
		    p->sent == p->seen &&
		    (p->retired ||
		    now - p->since >= (double)master.conf.imapd_linger))
			proc_stop(p);
}

void
pool_tick(double now)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (programs[i].pool == POOL_ACCEPT) {
			accept_tick((enum program_id)i, now);
			crowd_tick((enum program_id)i);
		}
		if (programs[i].pool == POOL_SESSION)
			session_tick((enum program_id)i, now);
	}
}

int
pool_stage_ready(int stage)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (programs[i].start != stage ||
		    programs[i].pool == POOL_SESSION ||
		    programs[i].pool == POOL_FILE ||
		    programs[i].pool == POOL_COMMAND ||
		    programs[i].pool == POOL_RESERVED)
			continue;
		if (fresh_needed((enum program_id)i) > 0)
			return 0;
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (!p->ready)
				return 0;
	}
	return 1;
}
