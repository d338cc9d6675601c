/* Once a turn of the loop: journal and queue, then who is next. */
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/server/server.h"
#include "relay/collect.h"

static const double TICK = 1.0;
static const double STOP_WAIT = 5.0;

static ev_prepare turn;
static ev_timer tick, due, stopping;
static uint32_t needed_told = UINT32_MAX;

/* A run that waits in IDLE makes room, the one that has it for longest. */
static void
make_room(void)
{
	struct run *r, *first = NULL;

	TAILQ_FOREACH(r, &collect.runs, in_list) {
		if (r->stopping)
			return;		/* one at a time */
		if (r->idle && (first == NULL ||
		    r->a->begun < first->a->begun))
			first = r;
	}
	if (first != NULL)
		run_stop(first);
}

static size_t
count_due(int64_t now)
{
	struct account *a;
	size_t n = 0;

	TAILQ_FOREACH(a, &collect.accounts, in_list)
		n += !a->gone && a->run == NULL && a->due <= now;
	return n;
}

/* How many workers there are to be. */
static void
tell_need(size_t n_due)
{
	size_t need = run_count(1) + n_due;

	if (need > collect.conf.workers)
		need = (size_t)collect.conf.workers;
	if (need == needed_told)
		return;
	needed_told = (uint32_t)need;
	server_need(PEER_FETCH, needed_told, 0);
}

static void
begin_runs(void)
{
	int64_t now = clock_mono_ms(), next;
	struct account *a;
	struct run *r;
	size_t n;

	while (collect.synced && (a = account_due(now)) != NULL &&
	    (r = run_waiting()) != NULL)
		run_begin(r, a);
	n = collect.synced ? count_due(now) : 0;
	tell_need(n);
	if (n > 0 && run_count(1) >= collect.conf.workers)
		make_room();
	ev_timer_stop(collect.loop, &due);
	if ((next = account_next(now)) > 0) {
		ev_timer_set(&due, (double)next / 1000, 0);
		ev_timer_start(collect.loop, &due);
	}
}

static void
on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	queue_turn();
	ctl_turn();
	if (!collect.stopping)
		begin_runs();
	link_turn_flush(&collect.to_write);
	if (collect.stopping && queue_quiet() && (run_count(1) == 0 ||
	    !ev_is_active(&stopping))) {
		ev_prepare_stop(loop, &turn);
		server_exit();
	}
}

/* Seconds that it may say nothing: the largest message that may come now has
   time on a slow line. */
static int64_t
silence(const struct run *r)
{
	uint64_t most = 0;
	size_t i;

	if (r->idle)
		return COLLECT_IDLE;
	for (i = 0; i < r->n_want; i++)
		if (r->want[i].state == WANT_FILE && r->want[i].size > most)
			most = r->want[i].size;
	return COLLECT_QUIET + (int64_t)(most / COLLECT_RATE);
}

/* A worker that says nothing any more. */
static void
watch(int64_t now)
{
	struct run *r;

	TAILQ_FOREACH(r, &collect.runs, in_list)
		if (r->a != NULL && now - r->heard > 1000 * COLLECT_QUIET &&
		    now - r->heard > 1000 * silence(r))
			run_drop(r, "says nothing for too long");
}

/* One that waits, and for which there is nothing to do, may go. */
static void
surplus(int64_t now)
{
	static const int64_t wait = 60 * 1000;
	struct run *r = run_waiting();

	/* One is kept ready (programs.def). */
	if (r == NULL || now - r->heard < wait ||
	    run_count(0) - run_count(1) < 2)
		return;
	r->ended = 1;
	server_need(PEER_FETCH, needed_told, r->link.instance);
}

static void
compact(void)
{
	struct buf why = BUF_INIT(300);
	int64_t now = clock_now();

	/* What is not written yet is for queue_turn, which tells who waits. */
	if (!journal_pending(collect.journal) &&
	    journal_stale(collect.journal, now) &&
	    journal_compact(collect.journal, now, &why) == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
}

static void
on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	int64_t now = clock_mono_ms();

	if (collect.stopping)
		return;
	accounts_refresh();
	watch(now);
	surplus(now);
	compact();
}

static void
on_due(struct ev_loop *loop, ev_timer *w, int events)
{
	/* The turn that follows does the work. */
}

void
turn_start(struct ev_loop *loop)
{
	ev_prepare_init(&turn, on_turn);
	ev_prepare_start(loop, &turn);
	ev_timer_init(&tick, on_tick, TICK, TICK);
	ev_timer_start(loop, &tick);
	ev_timer_init(&due, on_due, 0, 0);
}

static void
on_stopping(struct ev_loop *loop, ev_timer *w, int events)
{
	/* Whoever is not done by now is not waited for. */
}

void
turn_stop(void)
{
	struct run *r;

	collect.stopping = 1;
	TAILQ_FOREACH(r, &collect.runs, in_list)
		run_stop(r);
	ev_timer_init(&stopping, on_stopping, STOP_WAIT, 0);
	ev_timer_start(collect.loop, &stopping);
}
