/*
 * Workers at their wires, with the clock and master played: what is done with
 * a job that is refused, answered with nonsense or not at all, and with that
 * of a worker that ends.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "queue/queue_dest.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_job.h"
#include "queue/queue_message.h"
#include "queue/queue_worker.h"

enum { DELIVER_TIME = 600 * 1000, RELAY_TIME = 4 * 3600 * 1000, TIMERS = 4 };

static int64_t clock_ms = 1000000;
static uint32_t retired, needed, surplus;
static int answered, dirty, asided, body;
static char aside_words[100];
static ev_timer *timers[TIMERS];	/* in the order of their start */
static int n_timers;

int64_t	__wrap_clock_mono_ms(void);
int64_t
__wrap_clock_mono_ms(void)
{
	return clock_ms;
}

void	__wrap_server_retire_peer(enum peer kind, uint32_t instance);
void
__wrap_server_retire_peer(enum peer kind, uint32_t instance)
{
	retired = instance;
}

void	__wrap_server_need(enum peer kind, uint32_t n, uint32_t instance);
void
__wrap_server_need(enum peer kind, uint32_t n, uint32_t instance)
{
	needed = n;
	surplus = instance;
}

void	__wrap_commit_dirty(struct message *m);
void
__wrap_commit_dirty(struct message *m)
{
	dirty++;
}

void	__wrap_life_aside(struct message *m, const char *why);
void
__wrap_life_aside(struct message *m, const char *why)
{
	asided++;
	job_abandon(m);
	snprintf(aside_words, sizeof(aside_words), "%s", why);
}

int	__wrap_body_open(uint64_t id);
int
__wrap_body_open(uint64_t id)
{
	errno = body;
	return body != 0 ? -1 : dup(STDIN_FILENO);
}

void	__wrap_ev_timer_start(struct ev_loop *l, ev_timer *t);
void
__wrap_ev_timer_start(struct ev_loop *l, ev_timer *t)
{
	if (n_timers < TIMERS)
		timers[n_timers++] = t;
}

static void
on_answered(struct message *m)
{
	answered++;
}

static int
setup(void **state)
{
	static char none[1];

	queue.conf.relay_host = none;
	queue.conf.active_max = 100;
	queue.conf.per_destination = 20;
	queue.conf.relay_workers = 8;
	answered = dirty = asided = body = 0;
	retired = needed = surplus = 0;
	return 0;
}

static struct chan peer;	/* the worker's end of the last one */

/* Wires one; what it has is heard with the next turn. */
static struct worker *
wired(enum peer kind, uint32_t instance)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	worker_wired(kind, instance, fd[0]);
	chan_init(&peer, fd[1]);
	return TAILQ_FIRST(&workers);
}

static void
turn(void)
{
	dispatch_turn();
	worker_flush();
	ev_run(queue.loop, EVRUN_NOWAIT);
}

static struct message *
message(uint64_t id, enum target_kind kind, size_t n)
{
	struct message *m = message_new(id);
	size_t i;

	m->entry = mem_zalloc(1, sizeof(*m->entry));
	m->env.sender = "s@far.test";
	m->env.client = m->env.login = m->env.message_id = m->env.envid = "";
	m->env.n_rcpt = 1;
	m->env.rcpt = mem_zalloc(1, sizeof(*m->env.rcpt));
	m->env.rcpt->address = m->env.rcpt->orcpt = "a@far.test";
	m->targets.n = n;
	m->targets.t = mem_zalloc(n, sizeof(*m->targets.t));
	for (i = 0; i < n; i++) {
		m->targets.t[i] = (struct target){ .address = "a@far.test",
			.way = "far.test", .kind = (uint8_t)kind };
		job_add(m, &m->targets.t[i], (uint32_t)i);
	}
	return m;
}

static void
forget(struct message *m)
{
	struct entry *e = m->entry;

	job_abandon(m);
	m->entry = NULL;
	message_free(m);
	free(e);
}

/* The last worker ends, as one that is retired. */
static void
ended(void)
{
	chan_clear(&peer);
	ev_run(queue.loop, EVRUN_NOWAIT);
}

static void
say(unsigned type, uint32_t id, const char *words)
{
	msg_begin(&peer, &proto_job, type, id);
	msg_text(&peer, JF_WORDS, words);
	assert_int_equal(msg_end(&peer), 0);
	assert_int_equal(chan_send(&peer, 0), 0);
	ev_run(queue.loop, EVRUN_NOWAIT);
}

static void
result(uint32_t id, uint32_t index, enum result r, const char *words)
{
	struct buf packed = BUF_INIT(0);

	packed_put_result(&packed, &(struct packed_result){ index, r, 0, words,
	    strlen(words) });
	msg_begin(&peer, &proto_job, J_RESULT, id);
	msg_bytes(&peer, JF_RESULTS, packed.data, packed.len);
	assert_int_equal(msg_end(&peer), 0);
	assert_int_equal(chan_send(&peer, 0), 0);
	buf_clear(&packed);
	ev_run(queue.loop, EVRUN_NOWAIT);
}

static void
assert_deferred(const struct message *m, const char *words)
{
	assert_int_equal(m->jobs, 0);
	assert_int_equal(m->targets.t[0].state, TARGET_OPEN);
	assert_string_equal(m->targets.t[0].words, words);
	assert_int_equal(answered, 1);
}

/* Refused: again after half a second, 120 times, and then later. */
static void
test_refusals(void **state)
{
	struct message *m = message(1, TARGET_LOCAL, 1);
	struct worker *w = wired(PEER_DELIVER, 1);
	int i;

	for (i = 0; i < 121; i++) {
		clock_ms += 10000;
		turn();
		assert_int_equal(w->n_jobs, 1);
		assert_int_equal(answered, 0);
		say(J_REFUSED, TAILQ_FIRST(&w->jobs)->id, "4.3.0 not now");
		assert_int_equal(w->n_jobs, 0);
		clock_ms += REFUSED_PAUSE - 1;
		turn();
		assert_int_equal(w->n_jobs, 0);
	}
	assert_deferred(m, "4.3.0 not now");
	ended();
	assert_int_equal(retired, 0);
	forget(m);
}

/* Three workers may be lost under a message; the fourth is no accident. */
static void
test_deaths(void **state)
{
	struct message *m = message(2, TARGET_REMOTE, 1);
	uint32_t i;

	for (i = 1; i <= 4; i++) {
		assert_int_equal(answered, 0);
		clock_ms += 10000;
		wired(PEER_RELAY, i);
		turn();
		assert_int_equal(job_under_way(), 1);
		assert_int_equal(job_out(SHARE_UNKNOWN), 1);
		ended();
		assert_true(TAILQ_EMPTY(&workers));
		assert_int_equal(job_under_way(), 0);
		assert_int_equal(job_out(SHARE_UNKNOWN), 0);
		assert_int_equal(job_waiting(), i < 4);
	}
	assert_deferred(m, "4.3.0 the worker ended");
	forget(m);
}

/* An answer to what was not asked ends the worker; the job is another's. */
static void
test_nonsense(void **state)
{
	struct message *m = message(3, TARGET_LOCAL, 2);
	struct worker *w;
	uint32_t i, id;

	for (i = 1; i <= 3; i++) {
		clock_ms += 10000;
		w = wired(PEER_DELIVER, i);
		turn();
		assert_int_equal(w->n_jobs, 1);
		id = TAILQ_FIRST(&w->jobs)->id;
		retired = 0;
		if (i == 1) {
			result(id + 1, 0, RESULT_DELIVERED, "2.0.0 ok");
		} else if (i == 2) {
			result(id, 2, RESULT_DELIVERED, "2.0.0 ok");
		} else {
			result(id, 1, RESULT_DELIVERED, "2.0.0 ok");
			assert_int_equal(retired, 0);
			result(id, 1, RESULT_NEVER, "5.0.0 no");
		}
		/* Once more, where what was answered first had to be read. */
		ev_run(queue.loop, EVRUN_NOWAIT);
		assert_true(TAILQ_EMPTY(&workers));
		assert_int_equal(retired, i);
		assert_int_equal(job_waiting(), 1);
		chan_clear(&peer);
	}
	assert_int_equal(m->targets.t[0].state, TARGET_OPEN);
	assert_int_equal(m->targets.t[1].state, TARGET_DONE);
	assert_int_equal(answered, 0);
	assert_int_equal(dirty, 1);
	/* The rest of it goes to the next one. */
	clock_ms += 10000;
	w = wired(PEER_DELIVER, 4);
	turn();
	assert_int_equal(TAILQ_FIRST(&w->jobs)->n, 1);
	result(TAILQ_FIRST(&w->jobs)->id, 0, RESULT_NEVER, "5.2.2 full");
	assert_int_equal(answered, 1);
	assert_int_equal(m->targets.t[0].state, TARGET_REFUSED);
	assert_int_equal(m->jobs, 0);
	ended();
	forget(m);
}

/* Who neither answers nor ends is taken from us; not a moment too soon. */
static void
test_silent(void **state)
{
	static const struct {
		enum peer kind;
		enum target_kind target;
		uint64_t length;
		int64_t time;
	} row[] = {
		{ PEER_DELIVER, TARGET_LOCAL, 1000000, DELIVER_TIME },
		{ PEER_RELAY, TARGET_REMOTE, 0, RELAY_TIME },
		{ PEER_RELAY, TARGET_REMOTE, 8000000,
		    RELAY_TIME + 1000000 },
	};
	struct message *m;
	uint32_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		clock_ms += 10000;
		m = message(4 + i, row[i].target, 1);
		m->env.length = row[i].length;
		wired(row[i].kind, 10 + i);
		turn();
		clock_ms += row[i].time;
		ev_invoke(queue.loop, timers[0], 0);
		ev_run(queue.loop, EVRUN_NOWAIT);
		assert_int_equal(retired, 0);
		assert_int_equal(job_under_way(), 1);
		clock_ms++;
		ev_invoke(queue.loop, timers[0], 0);
		ev_run(queue.loop, EVRUN_NOWAIT);
		assert_int_equal(retired, 10 + i);
		assert_int_equal(job_under_way(), 0);
		assert_int_equal(job_waiting(), 1);
		chan_clear(&peer);
		forget(m);
		retired = 0;
	}
	/* One that has nothing to do may be silent. */
	wired(PEER_DELIVER, 20);
	clock_ms += 100 * RELAY_TIME;
	ev_invoke(queue.loop, timers[0], 0);
	ev_run(queue.loop, EVRUN_NOWAIT);
	assert_int_equal(retired, 0);
	ended();
}

/* A body that is not what its record says: set aside, with these words. */
static void
test_broken(void **state)
{
	struct message *m = message(8, TARGET_LOCAL, 1);
	struct worker *w;

	clock_ms += 10000;
	w = wired(PEER_DELIVER, 1);
	turn();
	say(J_BROKEN, TAILQ_FIRST(&w->jobs)->id, "4.3.0 broken");
	assert_int_equal(asided, 1);
	assert_string_equal(aside_words, "4.3.0 broken");
	assert_int_equal(m->jobs, 0);
	assert_int_equal(w->n_jobs, 0);
	/* Of what was deleted meanwhile nothing is set aside. */
	job_add(m, &m->targets.t[0], 0);
	clock_ms += 10000;
	turn();
	job_abandon(m);
	assert_int_equal(w->n_jobs, 1);
	say(J_BROKEN, TAILQ_FIRST(&w->jobs)->id, "4.3.0 broken");
	assert_int_equal(asided, 1);
	assert_int_equal(w->n_jobs, 0);
	ended();
	forget(m);
}

/* Without its file it is set aside; where it cannot be opened, later. */
static void
test_no_body(void **state)
{
	struct message *m = message(9, TARGET_LOCAL, 1);
	struct worker *w;

	clock_ms += 10000;
	w = wired(PEER_DELIVER, 1);
	body = EMFILE;
	turn();
	assert_int_equal(w->n_jobs, 0);
	assert_int_equal(asided, 0);
	assert_deferred(m, "4.3.0 the body cannot be opened");
	forget(m);
	m = message(10, TARGET_LOCAL, 1);
	clock_ms += 10000;
	body = ENOENT;
	turn();
	assert_int_equal(asided, 1);
	assert_string_equal(aside_words, "4.3.0 the body is missing");
	ended();
	forget(m);
}

#define TW(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TW(test_refusals), TW(test_deaths), TW(test_nonsense),
		TW(test_silent), TW(test_broken), TW(test_no_body),
	};

	log_init("test_worker", 0);
	queue.loop = ev_default_loop(0);
	job_start(on_answered);
	worker_start();
	dispatch_start();
	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
