#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "queue/queue.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_ctl.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_intake.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_main.h"
#include "queue/queue_origin.h"
#include "queue/queue_record.h"
#include "queue/queue_report.h"
#include "queue/queue_sign.h"
#include "queue/queue_sweep.h"
#include "queue/queue_table.h"
#include "queue/queue_worker.h"

static const double SWEEP_FIRST = 2.0, SWEEP_EVERY = 3600.0;
static const double STOP_WAIT = 5.0;	/* seconds for jobs to be answered */
enum {
	TURNS_MAX = 8,
	DUE_MAX = 500,		/* messages that become ready in a turn */
	OPEN_TRIES = 20,
	OPEN_EVERY = 1000,	/* ms */
};

static ev_prepare turn;
static ev_timer sweep, due, stopping;
static uint64_t highest;	/* id that the table knows */

#define K(member) offsetof(struct queue_conf, member)
static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct queue_conf, hostname),
	SETTINGS_KEY_STATE(struct queue_conf, state_dir),
	SETTINGS_KEY_MESSAGE_SIZE(struct queue_conf, message_size),
	SETTINGS_KEY_VERBOSE(struct queue_conf, verbose),
	SETTINGS_KEY_RELAY_HOST(struct queue_conf, relay_host),
	{ "queue_retry_min", SETTINGS_TIME, K(retry_min), "5m", 1, 86400, NULL,
	  N_("wait after the first attempt that failed; doubled each time") },
	{ "queue_retry_max", SETTINGS_TIME, K(retry_max), "1h", 1, 7 * 86400,
	  NULL, N_("longest wait between two attempts") },
	{ "queue_lifetime", SETTINGS_TIME, K(lifetime), "5d", 0, 3650 * 86400,
	  NULL, N_("mail that is not delivered by then goes back") },
	{ "queue_delay_report", SETTINGS_TIME, K(delay_report), "4h", 1,
	  3650 * 86400, NULL, N_("after that a sender who asked for it hears "
	  "that mail waits") },
	{ "queue_active", SETTINGS_NUMBER, K(active_max), "10000", 10, 1000000,
	  NULL,
	  N_("most jobs at a time for mailboxes, and as many for elsewhere") },
	{ "relay_per_destination", SETTINGS_NUMBER, K(per_destination), "4", 1,
	  1000, NULL, N_("most connections to one destination") },
	SETTINGS_KEY_RELAY_WORKERS(struct queue_conf, relay_workers),
	SETTINGS_END
};

static int
check(struct buf *why)
{
	const struct queue_conf *c = &queue.conf;

	if (c->retry_min <= c->retry_max)
		return 0;
	buf_set(why, _("queue_retry_min: is longer (%llus) than "
	    "queue_retry_max (%llus)"), (unsigned long long)c->retry_min,
	    (unsigned long long)c->retry_max);
	return -1;
}

/* Start */

static char *
state_path(const char *name)
{
	return mem_strdup(server_path(name));
}

static void
start_result(struct entry *e, const void *p, size_t len)
{
	struct target t = { .words = NULL };

	if (!e->lookup && target_parse_result(&t, p, len) == 0)
		sched_lookup(&queue.sched, e, target_lacks_lookup(&t));
	free(t.words);
	free(t.host);
}

/* One record of the table: its message's entry, and when it is due. */
static int
start_record(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len, void *arg)
{
	struct entry *e;
	struct cursor c;
	struct schedule s;

	cursor_init(&c, p, len);
	if (r == RECORD_ORIGIN && id == 0)
		origin_load(index, p, len);
	if (r == RECORD_LAST && id == 0 && len == 8 && (id = cursor_u64(&c)) >
	    highest)
		highest = id;
	if (r == RECORD_LAST || id == 0)
		return 0;
	if (id > highest)
		highest = id;
	if (r == RECORD_ENVELOPE) {
		e = sched_add(&queue.sched, id);
		if (e != NULL)
			sched_wait(&queue.sched, e, 0);
		return 0;
	}
	if ((e = sched_find(&queue.sched, id)) == NULL) {
		log_warn("%016llx: a record without its envelope",
		    (unsigned long long)id);
		return 0;
	}
	e->stored = 1;
	if (r == RECORD_RESULT)
		start_result(e, p, len);
	if (r != RECORD_SCHEDULE || schedule_parse(&s, p, len) == -1)
		return 0;
	e->attempts = s.attempts;
	free(s.words);
	if (s.flags & (SCHEDULE_HELD | SCHEDULE_ASIDE))
		sched_set(&queue.sched, e, s.flags & SCHEDULE_HELD ?
		    ENTRY_HELD : ENTRY_ASIDE);
	else
		sched_wait(&queue.sched, e, (int64_t)s.next);
	return 0;
}

/* None waits longer than a back-off: the clock may have been set back. */
static void
clamp_waits(void)
{
	sched_clamp(&queue.sched, queue_now() + (int64_t)queue.conf.retry_max);
}

static int
is_short(int error)
{
	return error == ENOSPC || error == EDQUOT || error == ENOMEM ||
	    error == EMFILE || error == ENFILE;
}

/*
 * As table_open. Where something is short (a full disk) it waits for a while,
 * after which master tries again.
 */
static int
open_table(const char *path, struct buf *why)
{
	int r, i;

	for (i = 0; (r = table_open(path, why)) == -1 && is_short(errno) &&
	    i < OPEN_TRIES; i++) {
		if (i == 0)
			log_warn("%s: trying again",
			    buf_str(why));
		poll(NULL, 0, OPEN_EVERY);
	}
	return r;
}

static int
start_table(struct buf *why)
{
	char *path = state_path("spool/queue/db");
	int r = open_table(path, why);

	free(path);
	if (r != 0)
		return r;
	sched_init(&queue.sched);
	if (table_walk(0, start_record, NULL) == -1) {
		buf_set(why, _("the queue table cannot be read"));
		return -1;
	}
	clamp_waits();
	if (queue.sched.n > 0)
		log_info("%zu messages are in the queue", queue.sched.n);
	return 0;
}

static int
start_tables(struct buf *why)
{
	char *path = state_path("jail/tables.cdb");

	queue.tables = tables_open(path, why);
	free(path);
	return queue.tables == NULL ? -1 : 0;
}

static int
after_jail(void)
{
	struct buf why = BUF_INIT(1000);
	int r;

	queue.hostname = settings_hostname(queue.conf.hostname);
	if ((r = start_tables(&why)) == 0)
		r = start_table(&why);
	if (r == -2)
		log_usage("%s", buf_str(&why));
	if (r == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return r;
}

static int
reload(void)
{
	queue.hostname = settings_hostname(queue.conf.hostname);
	tables_refresh(queue.tables);
	return 0;
}

/* The loop */

static void
finish(void)
{
	lane_free(&queue.sync);
	lane_free(&queue.files);
	lane_free(&queue.reports);
	lane_free(&queue.slow);
	log_release();
	commit_end();
	body_stop();
	table_close();
	ev_prepare_stop(queue.loop, &turn);
	server_exit();
}

/* Sets the timer for the next message that is due. */
static void
next_due(void)
{
	int64_t next = sched_next(&queue.sched), now = queue_now();

	ev_timer_stop(queue.loop, &due);
	if (queue.more || life_ready())
		next = now;
	if (next == -1)
		return;
	/* Not too far ahead: the wall clock may be set. */
	next -= now;
	ev_timer_set(&due, next < 0 ? 0. : next > 60 ? 60. : (double)next, 0);
	ev_timer_start(queue.loop, &due);
}

static void
watch_clock(void)
{
	uint64_t by = queue.jump.by;

	if (jump_watch(&queue.jump, queue_now(), clock_mono_ms()))
		clamp_waits();
	if (queue.jump.by > by)
		log_warn("the clock was set ahead by %llu s: no message is "
		    "older for that", (unsigned long long)(queue.jump.by - by));
}

/* Once a turn, before the loop waits: all that the events have brought. */
static void
on_turn(struct ev_loop *l, ev_prepare *w, int events)
{
	int i;

	watch_clock();
	queue.turn_end = clock_mono_ms() + TURN_TIME;
	queue.more = 0;
	sched_due(&queue.sched, queue_now(), DUE_MAX);
	for (i = 0; i < TURNS_MAX; i++) {
		life_turn();
		dispatch_turn();
		report_turn();
		commit_turn();
		if (!life_ready() || queue_spent())
			break;
	}
	log_release();
	intake_flush();
	worker_flush();
	log_hold();
	next_due();
	if (!queue.stopping || !commit_quiet())
		return;
	if (job_under_way() == 0 || !ev_is_active(&stopping))
		finish();
}

static void
on_due(struct ev_loop *l, ev_timer *w, int events)
{
	ev_timer_stop(l, w);	/* the turn that follows does the work */
}

static void
on_sweep(struct ev_loop *l, ev_timer *w, int events)
{
	if (!queue.stopping)
		sweep_start(life_missing);
}

static const struct commit_hooks hooks = {
	.accepted = life_accepted,
	.saved = life_fate,
};

static void
begin(struct ev_loop *l)
{
	struct buf why = BUF_INIT(1000);
	char *path;

	if (queue.loop != NULL)
		return;
	queue.loop = l;
	queue.sync = lane_new(l, "queue-sync");
	queue.files = lane_new(l, "queue-files");
	queue.reports = lane_new(l, "queue-reports");
	queue.slow = lane_new(l, "queue-slow");
	path = state_path("spool/queue");
	if (body_start(path, highest, intake_stock, &why) == -1)
		log_fatal("%s", buf_str(&why));
	free(path);
	buf_clear(&why);
	commit_start(&hooks);
	job_start(life_settle);
	worker_start();
	dispatch_start();
	ev_prepare_init(&turn, on_turn);
	ev_prepare_start(l, &turn);
	ev_timer_init(&due, on_due, 0, 0);
	ev_timer_init(&sweep, on_sweep, SWEEP_FIRST, SWEEP_EVERY);
	ev_timer_start(l, &sweep);
}

static void
wired(struct ev_loop *l, const struct wire *w)
{
	int fd = w->fd;

	begin(l);
	switch (w->peer) {
	case PEER_SMTPD:
	case PEER_COLLECT:
		intake_wired(w->peer, w->instance, fd);
		break;
	case PEER_DELIVER:
	case PEER_RELAY:
		worker_wired(w->peer, w->instance, fd);
		break;
	case PEER_SIGNER:
		report_signer(fd);
		break;
	default:
		log_warn("wired to %s, which is no peer of queue",
		    peer_name(w->peer));
		fd_close(&fd);
		break;
	}
}

static void
peer_gone(struct ev_loop *l, enum peer p, uint32_t instance)
{
	begin(l);
	if (p == PEER_DELIVER || p == PEER_RELAY)
		worker_gone(p, instance);
	else if (p != PEER_SIGNER)
		intake_gone(p, instance);
}

static void
on_listening(struct ev_loop *l, enum service s, int fd)
{
	begin(l);
	if (s == SERVICE_CONTROL)
		ctl_listen(fd);
	else
		fd_close(&fd);
}

static void
on_stopping(struct ev_loop *l, ev_timer *w, int events)
{
	ev_timer_stop(l, w);
}

static void
stop(struct ev_loop *l)
{
	begin(l);
	if (queue.stopping)
		return;
	queue.stopping = 1;
	intake_stop();
	ctl_stop();
	ev_timer_init(&stopping, on_stopping, STOP_WAIT, 0);
	ev_timer_start(l, &stopping);
}

const struct server queue_server = {
	.kind = PEER_QUEUE,
	.keys = keys,
	.conf = &queue.conf,
	.state_dir = (const char **)(uintptr_t)&queue.conf.state_dir,
	.verbose = &queue.conf.verbose,
	.check = check,
	.after_jail = after_jail,
	.reload = reload,
	.wired = wired,
	.peer_gone = peer_gone,
	.listening = on_listening,
	.go = begin,
	.stop = stop,
};
