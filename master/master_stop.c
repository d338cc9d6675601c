/*
 * The orderly end: ports first, then stage by stage those who take work in,
 * queue and auth, store, and last the logger. Each stage has its time.
 */
#include "lib/base/log.h"
#include "master/master.h"
#include "master/master_listen.h"
#include "master/master_notify.h"
#include "master/master_proc.h"
#include "master/master_stop.h"

static ev_timer deadline;

static void
tell_stage(void)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].stop == master.stage)
			TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
				proc_stop(p);
}

static unsigned
left_in_stage(void)
{
	unsigned i, n = 0;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].stop <= master.stage)
			n += master.rows[i].n;
	return n;
}

static void
on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].stop <= master.stage)
			TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
				proc_kill(p);
}

static void
begin_stage(void)
{
	ev_timer_stop(master.loop, &deadline);
	ev_timer_set(&deadline, (double)master.conf.stop_time, 0);
	ev_timer_start(master.loop, &deadline);
	if (master.stage == STOP_STAGES - 1 && master.exit_status == 0)
		log_info("stopped");
	tell_stage();
}

void
stop_begin(int status)
{
	if (master.phase == PHASE_STOP)
		return;
	if (status == 0)
		log_info("stopping");
	notify("STOPPING=1");
	master.phase = PHASE_STOP;
	master.exit_status = status;
	master.stage = 0;
	master.hooks->stopping();
	listen_close_all();
	ev_timer_init(&deadline, on_deadline, 0, 0);
	begin_stage();
}

void
stop_turn(void)
{
	while (left_in_stage() == 0) {
		if (++master.stage >= STOP_STAGES) {
			ev_timer_stop(master.loop, &deadline);
			ev_break(master.loop, EVBREAK_ALL);
			return;
		}
		begin_stage();
	}
}
