/*
 * How many processes there are, who is asked to go, whose session begins
 * where: the tables of master over processes that this test stands in for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/server/crowd.h"
#include "master/master.h"
#include "master/master_crowd.h"
#include "master/master_listen.h"
#include "master/master_logins.h"
#include "master/master_pool.h"
#include "master/master_proc.h"
#include "master/master_session.h"
#include "master/master_wiring.h"

/* Master has it to its end (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/memfd:crowd", NULL };

static const struct link_kind wire = { .proto = &proto_wire };
static struct chan far[200];	/* of instance i */
static int spawn_fails, listens, killed[200], stopped[200];
static int failed_row, failed_status;
static pid_t signalled;

struct proc *
proc_spawn(enum program_id row, const char *user)
{
	struct row_state *rs = &master.rows[row];
	struct proc *p;
	int fd[2];

	if (spawn_fails)
		return NULL;
	p = mem_zalloc(1, sizeof(*p));
	p->row = row;
	p->instance = ++master.last_instance;
	p->pid = 1000000 + (pid_t)p->instance;
	p->started = p->since = ev_time();
	str_copy(p->user, sizeof(p->user), user);
	assert_int_equal(fd_pair(fd), 0);
	link_init(&p->link, master.loop, &wire, p);
	chan_init(&p->link.chan, fd[0]);
	chan_init(&far[p->instance], fd[1]);
	fd_nonblock(fd[1], 1);
	TAILQ_INSERT_TAIL(&rs->procs, p, in_row);
	rs->n++;
	rs->idle++;
	return p;
}

void
proc_end(struct proc *p)
{
	assert_int_equal(msg_end(&p->link.chan), 0);
	assert_int_equal(chan_flush(&p->link.chan), 1);
}

void
proc_flush(struct proc *p)
{
}

void
proc_stop(struct proc *p)
{
	stopped[p->instance]++;
	p->stopping = 1;
}

void
proc_kill(struct proc *p)
{
	killed[p->instance]++;
	p->lost = 1;
}

/* Who was wired to signer last. */
static struct proc *may_sign;

void
wiring_login(struct proc *p)
{
	may_sign = p;
}

int
listen_any(enum program_id row)
{
	return listens;
}

int	__wrap_kill(pid_t pid, int sig);

int
__wrap_kill(pid_t pid, int sig)
{
	assert_int_equal(sig, SIGKILL);
	signalled = pid;
	return 0;
}

static void
on_failed(enum program_id row, int status)
{
	failed_row = (int)row;
	failed_status = status;
}

static const struct hooks hooks = { .failed = on_failed };

/* p is reaped, as master_proc.c does it. */
static void
bury(struct proc *p, int status)
{
	struct row_state *rs = &master.rows[p->row];

	p->lost = 1;
	TAILQ_REMOVE(&rs->procs, p, in_row);
	rs->n--;
	rs->idle -= !p->busy;
	pool_died(p, status);
	logins_forget(p);
	crowd_take(p);
	chan_clear(&p->link.chan);
	chan_clear(&far[p->instance]);
	free(p);
}

static struct proc *
first(enum program_id row)
{
	return TAILQ_FIRST(&master.rows[row].procs);
}

static void
be_busy(struct proc *p)
{
	p->busy = p->was_busy = p->ready = 1;
	master.rows[p->row].idle--;
}

static int
setup(void **state)
{
	master.hooks = &hooks;
	master.loop = ev_loop_new(EVFLAG_AUTO);
	master.phase = PHASE_RUN;
	master.stage = 3;
	master.conf = (struct master_conf){ .smtp_workers = 20, .smtp_idle = 3,
		.smtp_per_address = 5, .submission_workers = 4,
		.submission_idle = 1, .deliver_workers = 2,
		.relay_workers = 6, .login_processes = 1,
		.sessions_per_user = 3, .imapd_linger = 30 };
	pool_init();
	listens = 1;
	spawn_fails = 0;
	failed_row = -1;
	memset(killed, 0, sizeof(killed));
	memset(stopped, 0, sizeof(stopped));
	return 0;
}

static int
teardown(void **state)
{
	unsigned i;

	master.phase = PHASE_STOP;
	for (i = 0; i < PROGRAM_COUNT; i++) {
		while (!TAILQ_EMPTY(&master.rows[i].procs))
			bury(first((enum program_id)i), 0);
		ev_timer_stop(master.loop, &master.rows[i].retry);
	}
	memset(master.rows, 0, sizeof(master.rows));
	ev_loop_destroy(master.loop);
	master.last_instance = 0;
	return 0;
}

static void
counts(enum program_id row, unsigned n)
{
	pool_fill();
	if (master.rows[row].n != n)
		fail_msg("%s: %u processes, not %u", programs[row].name,
		    master.rows[row].n, n);
}

static void
test_numbers(void **state)
{
	unsigned i;

	master.stage = 2;
	counts(PROGRAM_DELIVER, 0);
	counts(PROGRAM_QUEUE, 1);
	master.stage = 3;
	counts(PROGRAM_DELIVER, 2);
	counts(PROGRAM_STORE, 1);
	counts(PROGRAM_SMTP, 3);
	counts(PROGRAM_IMAPD, 0);
	counts(PROGRAM_SCREEN, 0);
	/* Some are idle, up to the bound and a reserve above it. */
	for (i = 1; i <= 20; i++) {
		be_busy(TAILQ_LAST(&master.rows[PROGRAM_SMTP].procs,
		    proc_list));
		counts(PROGRAM_SMTP, i + 3 > 23 ? 23 : i + 3);
	}
	be_busy(TAILQ_LAST(&master.rows[PROGRAM_SMTP].procs, proc_list));
	counts(PROGRAM_SMTP, 23);
	/* What queue wants, no fewer than the idle and no more than all. */
	counts(PROGRAM_RELAY, 2);
	master.rows[PROGRAM_RELAY].needed = 4;
	counts(PROGRAM_RELAY, 4);
	master.rows[PROGRAM_RELAY].needed = 400;
	counts(PROGRAM_RELAY, 6);
	/* What dies is there again. */
	bury(first(PROGRAM_STORE), 0);
	counts(PROGRAM_STORE, 1);
	/* Not at the end. */
	bury(first(PROGRAM_STORE), 0);
	master.phase = PHASE_STOP;
	counts(PROGRAM_STORE, 0);
}

static void
test_without_ports(void **state)
{
	listens = 0;
	counts(PROGRAM_SMTP, 0);
	counts(PROGRAM_LOGIN, 0);
	counts(PROGRAM_DELIVER, 2);
}

/* The back-off of a row after n deaths in a row; 0: there is none. */
static double
back_off_after(enum program_id row, unsigned n, int status, int ready)
{
	struct row_state *rs = &master.rows[row];
	double delay = 0;
	unsigned i;

	rs->quick = 0;
	for (i = 0; i < n; i++) {
		ev_timer_stop(master.loop, &rs->retry);
		pool_fill();
		first(row)->ready = ready;
		/* Each is started after the one before it has fallen. */
		first(row)->started = ev_time() + 1;
		ev_now_update(master.loop);
		bury(first(row), status);
		rs->failed = 0;
	}
	if (ev_is_active(&rs->retry))
		delay = ev_timer_remaining(master.loop, &rs->retry);
	ev_timer_stop(master.loop, &rs->retry);
	return delay;
}

static void
test_back_off(void **state)
{
	static const struct { unsigned n; int status; double delay; } t[] = {
		{ 4, 11, 0 }, { 5, 11, 1 }, { 6, 11, 2 }, { 8, 11, 8 },
		{ 10, 11, 32 }, { 11, 11, 60 }, { 30, 11, 60 },
		{ 5, 1 << 8, 1 },
		/* It says itself that another try is of no use. */
		{ 1, LOG_EXIT_USAGE << 8, 60 }, { 1, LOG_EXIT_TEMP << 8, 0 },
		{ 5, 0, 1 },
	};
	struct row_state *rs = &master.rows[PROGRAM_STORE];
	double got;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		got = back_off_after(PROGRAM_STORE, t[i].n, t[i].status, 0);
		if (got > t[i].delay + 0.001 || (t[i].delay > 0 &&
		    got < t[i].delay - 1))
			fail_msg("row %zu: %f", i, got);
	}
	/* Several that fall together are one fall. */
	rs->quick = 0;
	rs->failed = 0;
	counts(PROGRAM_DELIVER, 2);
	bury(first(PROGRAM_DELIVER), 11);
	bury(first(PROGRAM_DELIVER), 11);
	assert_int_equal(master.rows[PROGRAM_DELIVER].quick, 1);
	assert_int_equal(master.rows[PROGRAM_DELIVER].restarts, 2);
	/* During a back-off nothing is started; a start that fails counts. */
	first(PROGRAM_STORE)->stopping = 1;
	bury(first(PROGRAM_STORE), 0);
	spawn_fails = 1;
	for (i = 0; i < 4; i++) {
		pool_fill();
		rs->failed = 0;
	}
	assert_false(ev_is_active(&rs->retry));
	pool_fill();
	assert_true(ev_is_active(&rs->retry));
	spawn_fails = 0;
	counts(PROGRAM_STORE, 0);
	/* At the start it is the end of it. */
	ev_timer_stop(master.loop, &rs->retry);
	master.phase = PHASE_START;
	(void)back_off_after(PROGRAM_STORE, 5, 11, 0);
	assert_int_equal(failed_row, PROGRAM_STORE);
	assert_int_equal(failed_status, LOG_EXIT_TEMP);
	(void)back_off_after(PROGRAM_STORE, 1, LOG_EXIT_USAGE << 8, 0);
	assert_int_equal(failed_status, LOG_EXIT_USAGE);
}

/* What had work, lived for a while or was asked to end did not fall quickly. */
static void
test_no_quick_death(void **state)
{
	struct row_state *rs = &master.rows[PROGRAM_SMTP];
	struct proc *p;

	pool_fill();
	rs->quick = 3;
	p = first(PROGRAM_SMTP);
	p->started = 0;
	p->ready = 1;
	bury(p, 11);
	assert_int_equal(rs->quick, 0);
	assert_int_equal(rs->restarts, 1);
	rs->quick = 3;
	be_busy(first(PROGRAM_SMTP));
	bury(first(PROGRAM_SMTP), 0);
	assert_int_equal(rs->quick, 0);
	assert_int_equal(rs->restarts, 1);
	rs->quick = 3;
	first(PROGRAM_SMTP)->stopping = 1;
	bury(first(PROGRAM_SMTP), 11);
	assert_int_equal(rs->quick, 0);
	assert_int_equal(rs->restarts, 1);
	/* A session holds nobody else back. */
	p = proc_spawn(PROGRAM_IMAPD, "anna@example.test");
	bury(p, 11);
	assert_int_equal(master.rows[PROGRAM_IMAPD].quick, 0);
}

/* One surplus worker at a time goes, after a minute of idleness. */
static void
test_surplus(void **state)
{
	struct proc *p;
	double now;
	unsigned i;

	for (i = 0; i < 5; i++)
		p = proc_spawn(PROGRAM_SMTP, "");
	now = ev_time();
	TAILQ_FOREACH(p, &master.rows[PROGRAM_SMTP].procs, in_row)
		p->ready = 1;
	be_busy(first(PROGRAM_SMTP));
	pool_tick(now + 59);
	assert_memory_equal(stopped, (int[6]){ 0 }, sizeof(int[6]));
	pool_tick(now + 62);
	assert_memory_equal(stopped, ((int[6]){ 0, 0, 1 }), sizeof(int[6]));
	/* As many as are to be idle stay. */
	bury(TAILQ_NEXT(first(PROGRAM_SMTP), in_row), 0);
	pool_tick(now + 62);
	assert_memory_equal(stopped, ((int[6]){ 0, 0, 1 }), sizeof(int[6]));
}

/* An imapd without sessions goes when it has heard of all it was sent. */
static void
test_linger(void **state)
{
	struct proc *p = proc_spawn(PROGRAM_IMAPD, "anna@example.test");
	double now = ev_time();

	p->sent = 2;
	p->seen = 1;
	p->ready = 1;
	pool_tick(now + 100);
	assert_int_equal(stopped[1], 0);
	p->seen = 2;
	p->since = now;
	pool_tick(now + 29);
	assert_int_equal(stopped[1], 0);
	p->busy = 1;
	pool_tick(now + 31);
	assert_int_equal(stopped[1], 0);
	p->busy = 0;
	pool_tick(now + 31);
	assert_int_equal(stopped[1], 1);
}

static void
test_stage_ready(void **state)
{
	struct proc *p;

	master.stage = 3;
	assert_int_equal(pool_stage_ready(3), 0);
	pool_fill();
	assert_int_equal(pool_stage_ready(3), 0);
	TAILQ_FOREACH(p, &master.rows[PROGRAM_SMTP].procs, in_row)
		p->ready = 1;
	assert_int_equal(pool_stage_ready(3), 0);
	assert_int_equal(pool_stage_ready(2), 0);
	first(PROGRAM_QUEUE)->ready = 1;
	assert_int_equal(pool_stage_ready(2), 1);
	first(PROGRAM_QUEUE)->ready = 0;
	assert_int_equal(pool_stage_ready(2), 0);
}

/* The next message at p's end: its type, or 0. */
static unsigned
told(const struct proc *p, struct msg *m)
{
	struct buf why = BUF_INIT(200);
	struct chan *c = &far[p->instance];
	int r;

	(void)!chan_read(c);
	r = msg_next(m, &proto_wire, PEER_MASTER, c, &why);
	assert_int_not_equal(r, -1);
	buf_clear(&why);
	return r == 1 ? m->type : 0;
}

static unsigned
told_type(const struct proc *p)
{
	struct msg m;
	unsigned type = told(p, &m);

	if (type != 0)
		msg_done(&m);
	return type;
}

/* p says so, of frame id. */
static void
say(struct proc *p, enum peer kind, unsigned type, uint32_t id,
    const uint32_t *numbers, const char *user)
{
	struct buf why = BUF_INIT(200);
	struct chan a, b;
	struct msg m;
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	chan_init(&a, fd[0]);
	chan_init(&b, fd[1]);
	msg_begin(&a, &proto_wire, type, id);
	for (; numbers != NULL && numbers[0] != 0; numbers += 2)
		msg_u32(&a, (uint8_t)numbers[0], numbers[1]);
	if (user != NULL) {
		msg_text(&a, WF_USER, user);
		msg_text(&a, WF_REMOTE, "192.0.2.1:4711");
	}
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	if (msg_recv(&m, &proto_wire, kind, &b, 1000, &why) != 1)
		fail_msg("%s", buf_str(&why));
	session_said(p, &m);
	msg_done(&m);
	chan_clear(&a);
	chan_clear(&b);
	buf_clear(&why);
}

static void
log_in(struct proc *auth, uint32_t id, enum service s, const char *user)
{
	say(auth, PEER_AUTH, WIRE_START, id, (uint32_t[]){ WF_SERVICE,
	    (uint32_t)s, 0 }, user);
}

/* auth hears that a session of frame id has begun; the same of its process. */
static void
began(struct proc *auth, uint32_t id, struct proc *p, enum service s)
{
	struct msg m;

	assert_int_equal(told(auth, &m), WIRE_STARTED);
	assert_int_equal(m.id, id);
	assert_int_equal(m.frame.nfds, 1);
	msg_done(&m);
	assert_int_equal(told(p, &m), WIRE_SESSION);
	assert_int_equal(msg_get_u32(&m, WF_SERVICE), s);
	assert_int_equal(m.frame.nfds, 1);
	msg_done(&m);
}

static void
refused(struct proc *auth, uint32_t id, int full)
{
	struct msg m;

	assert_int_equal(told(auth, &m), WIRE_REFUSED);
	assert_int_equal(m.id, id);
	assert_int_equal(msg_get_u32(&m, WF_FULL), full);
	msg_done(&m);
}

static const char anna[] = "anna@example.test", bert[] = "bert@example.test";

static void
test_sessions(void **state)
{
	struct proc *auth = proc_spawn(PROGRAM_AUTH, ""), *p, *q;

	log_in(auth, 5, SERVICE_IMAPS, anna);
	p = first(PROGRAM_IMAPD);
	assert_string_equal(p->user, anna);
	began(auth, 5, p, SERVICE_IMAPS);
	/* Her next one goes to the same process, another's does not. */
	log_in(auth, 6, SERVICE_IMAP, anna);
	began(auth, 6, p, SERVICE_IMAP);
	log_in(auth, 7, SERVICE_IMAPS, bert);
	q = TAILQ_NEXT(p, in_row);
	began(auth, 7, q, SERVICE_IMAPS);
	assert_string_equal(q->user, bert);
	/* What it has not heard of yet counts. */
	assert_int_equal(p->sent, 2);
	log_in(auth, 8, SERVICE_IMAPS, anna);
	began(auth, 8, p, SERVICE_IMAPS);
	log_in(auth, 9, SERVICE_IMAPS, anna);
	refused(auth, 9, 1);
	p->seen = 3;
	p->sessions = 2;
	log_in(auth, 10, SERVICE_IMAPS, anna);
	began(auth, 10, p, SERVICE_IMAPS);
	/* One that ends, or has ended, gets none. */
	p->seen = p->sent;
	p->sessions = 0;
	p->stopping = 1;
	log_in(auth, 11, SERVICE_IMAPS, anna);
	q = TAILQ_LAST(&master.rows[PROGRAM_IMAPD].procs, proc_list);
	assert_ptr_not_equal(q, p);
	began(auth, 11, q, SERVICE_IMAPS);
	/* POP3: a process for each. */
	log_in(auth, 12, SERVICE_POP3S, anna);
	began(auth, 12, first(PROGRAM_POP3D), SERVICE_POP3S);
	log_in(auth, 13, SERVICE_POP3, anna);
	assert_int_equal(master.rows[PROGRAM_POP3D].n, 2);
	began(auth, 13, TAILQ_NEXT(first(PROGRAM_POP3D), in_row),
	    SERVICE_POP3);
	log_in(auth, 14, SERVICE_POP3, anna);
	assert_int_equal(told_type(auth), WIRE_STARTED);
	log_in(auth, 15, SERVICE_POP3, anna);
	refused(auth, 15, 1);
	/* None can be started, or none is wanted any more. */
	spawn_fails = 1;
	log_in(auth, 16, SERVICE_IMAPS, "carl@example.test");
	refused(auth, 16, 0);
	spawn_fails = 0;
	log_in(auth, 17, SERVICE_COUNT, anna);
	refused(auth, 17, 0);
	log_in(auth, 18, SERVICE_IMAPS, "");
	refused(auth, 18, 0);
	master.phase = PHASE_STOP;
	log_in(auth, 19, SERVICE_IMAPS, "carl@example.test");
	refused(auth, 19, 0);
}

/* A worker of submission has its client already. */
static void
test_worker_session(void **state)
{
	struct proc *auth = proc_spawn(PROGRAM_AUTH, "");
	struct proc *w = proc_spawn(PROGRAM_SUBMISSION, "");
	struct proc *other = proc_spawn(PROGRAM_SMTP, "");
	struct msg m;

	say(auth, PEER_AUTH, WIRE_START, 5, (uint32_t[]){ WF_SERVICE,
	    SERVICE_SUBMISSION, WF_INSTANCE, w->instance, 0 }, anna);
	assert_int_equal(told(auth, &m), WIRE_STARTED);
	assert_int_equal(m.id, 5);
	assert_int_equal(m.frame.nfds, 0);
	msg_done(&m);
	assert_ptr_equal(TAILQ_FIRST(&logins)->proc, w);
	/* It may have signatures, as that account. */
	assert_ptr_equal(may_sign, w);
	assert_string_equal(w->user, anna);
	/* Again: the login before it was another's, or failed. */
	say(auth, PEER_AUTH, WIRE_START, 6, (uint32_t[]){ WF_SERVICE,
	    SERVICE_SUBMISSION, WF_INSTANCE, w->instance, 0 }, bert);
	assert_int_equal(told_type(auth), WIRE_STARTED);
	assert_string_equal(TAILQ_FIRST(&logins)->user, bert);
	assert_string_equal(w->user, bert);
	may_sign = NULL;
	assert_null(TAILQ_NEXT(TAILQ_FIRST(&logins), in_list));
	/* Not of another row, and not of one that is gone. */
	say(auth, PEER_AUTH, WIRE_START, 7, (uint32_t[]){ WF_SERVICE,
	    SERVICE_SUBMISSION, WF_INSTANCE, other->instance, 0 }, anna);
	refused(auth, 7, 0);
	w->lost = 1;
	say(auth, PEER_AUTH, WIRE_START, 8, (uint32_t[]){ WF_SERVICE,
	    SERVICE_SUBMISSION, WF_INSTANCE, w->instance, 0 }, anna);
	refused(auth, 8, 0);
	assert_null(may_sign);
}

/* Queue may have those ended that it has a wire to, and nobody else. */
static void
test_queue_says(void **state)
{
	struct proc *queue = proc_spawn(PROGRAM_QUEUE, "");
	struct proc *smtp = proc_spawn(PROGRAM_SMTP, "");
	struct proc *store = proc_spawn(PROGRAM_STORE, "");
	struct proc *relay = proc_spawn(PROGRAM_RELAY, "");

	say(queue, PEER_QUEUE, WIRE_RETIRE, 0, (uint32_t[]){ WF_PEER,
	    PEER_STORE, WF_INSTANCE, store->instance, 0 }, NULL);
	assert_int_equal(killed[store->instance], 0);
	say(queue, PEER_QUEUE, WIRE_RETIRE, 0, (uint32_t[]){ WF_PEER,
	    PEER_SMTPD, WF_INSTANCE, smtp->instance, 0 }, NULL);
	assert_int_equal(killed[smtp->instance], 1);
	say(queue, PEER_QUEUE, WIRE_NEED, 0, (uint32_t[]){ WF_PEER,
	    PEER_RELAY, WF_COUNT, 5, WF_INSTANCE, relay->instance, 0 }, NULL);
	assert_int_equal(master.rows[PROGRAM_RELAY].needed, 5);
	assert_int_equal(stopped[relay->instance], 1);
	say(queue, PEER_QUEUE, WIRE_NEED, 0, (uint32_t[]){ WF_PEER,
	    PEER_STORE, WF_COUNT, 5, 0 }, NULL);
	assert_int_equal(master.rows[PROGRAM_STORE].needed, 0);
}

static void
test_kick(void **state)
{
	struct proc *p = proc_spawn(PROGRAM_IMAPD, anna);
	struct proc *pop = proc_spawn(PROGRAM_POP3D, anna);
	uint32_t one, two;
	struct msg m;
	double now;

	one = logins_add(p, SERVICE_IMAPS, anna, "a:1", "");
	two = logins_add(p, SERVICE_IMAPS, anna, "a:2", "");
	assert_int_not_equal(one, two);
	assert_int_equal(logins_kick(one + 1000), 0);
	assert_int_equal(logins_kick_user(bert), 0);
	assert_int_equal(told_type(p), 0);
	assert_int_equal(logins_kick(two), 1);
	assert_int_equal(told(p, &m), WIRE_KICK);
	assert_int_equal(m.id, two);
	msg_done(&m);
	now = p->kicked;
	/* It has another session that is not to end: more time. */
	logins_tick(now + 29);
	assert_int_equal(killed[p->instance], 0);
	logins_tick(now + 31);
	assert_int_equal(killed[p->instance], 1);
	/* All of a user: the time is short. */
	p->lost = 0;
	assert_int_equal(logins_kick_user(anna), 2);
	now = p->kicked;
	logins_tick(now + 1);
	assert_int_equal(killed[p->instance], 1);
	logins_tick(now + 3);
	assert_int_equal(killed[p->instance], 2);
	p->lost = 0;
	/* It says that they are over; another cannot say so for it. */
	logins_ended(pop, one);
	assert_int_equal(logins_kick(one), 1);
	logins_ended(p, one);
	logins_ended(p, two);
	assert_int_equal(logins_kick(one), 0);
	logins_tick(now + 100);
	assert_int_equal(killed[p->instance], 2);
	/* pop3d has no ear: a signal. */
	one = logins_add(pop, SERVICE_POP3, anna, "a:3", "");
	signalled = 0;
	assert_int_equal(logins_kick(one), 1);
	assert_int_equal(signalled, pop->pid);
	assert_int_equal(pop->stopping, 1);
	assert_int_equal(told_type(pop), 0);
	logins_forget(pop);
	assert_true(TAILQ_EMPTY(&logins));
}

/* The table of places that p was given, which it gives back at its end. */
static struct crowd *
place_of(struct proc *p, unsigned *place_r)
{
	struct crowd *c;
	struct msg m;
	int fd;

	crowd_give(p);
	assert_int_equal(told(p, &m), WIRE_CROWD);
	*place_r = msg_get_u32(&m, WF_PLACE);
	assert_int_equal(msg_get_u32(&m, WF_MOST), 5);
	assert_int_equal(msg_get_u32(&m, WF_MAX), 20);
	fd = msg_get_fd(&m, 0);
	c = crowd_map(fd);
	assert_non_null(c);
	close(fd);
	msg_done(&m);
	return c;
}

/* When all are busy those whose clients are silent longest are asked to go. */
static void
test_crowd(void **state)
{
	struct proc *p[20], *idle = proc_spawn(PROGRAM_DELIVER, "");
	struct crowd *c = NULL;
	unsigned place, i, said = 0;
	int64_t now;

	for (i = 0; i < 20; i++) {
		p[i] = proc_spawn(PROGRAM_SMTP, "");
		if (c != NULL)
			munmap(c, sizeof(*c));
		c = place_of(p[i], &place);
		assert_int_equal(place, i);
		assert_int_equal(c->used, i + 1);
	}
	crowd_give(idle);	/* whose clients nobody counts */
	assert_int_equal(told_type(idle), 0);
	/* A place is free when its process has ended, and is used again. */
	crowd_set(c, 7, 42);
	bury(p[7], 0);
	assert_int_equal(c->at[7], 0);
	p[7] = proc_spawn(PROGRAM_SMTP, "");
	munmap(c, sizeof(*c));
	c = place_of(p[7], &place);
	assert_int_equal(place, 7);

	now = clock_mono_ms();
	for (i = 0; i < 20; i++)
		crowd_wait(c, i, now - 1000 * (int64_t)(i + 1));
	for (i = 0; i < 19; i++)
		be_busy(p[i]);
	crowd_tick(PROGRAM_SMTP);
	for (i = 0; i < 20; i++)
		assert_int_equal(told_type(p[i]), 0);
	be_busy(p[19]);
	crowd_wait(c, 18, 0);		/* it brings its mail */
	crowd_tick(PROGRAM_SMTP);
	for (i = 0; i < 20; i++)
		if (told_type(p[i]) == WIRE_YIELD) {
			assert_true(i == 19 || i == 17 || i == 16);
			said++;
		}
	assert_int_equal(said, crowd_reserve(20));
	munmap(c, sizeof(*c));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_numbers), T(test_without_ports), T(test_back_off),
		T(test_no_quick_death), T(test_surplus), T(test_linger),
		T(test_stage_ready), T(test_sessions), T(test_worker_session),
		T(test_queue_says), T(test_kick), T(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
