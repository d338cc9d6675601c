/*
 * Which worker gets which job, and when: each bound of queue_dispatch.h, on a
 * clock that goes where it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "queue/queue_dest.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_message.h"
#include "tests/queue/played.h"

enum { MANY = 80, WORKERS = 8 };

static struct message *m[MANY];
static struct chan peer[WORKERS];
static struct worker *w[WORKERS];

static void
post_local(unsigned from, unsigned n)
{
	unsigned i;

	for (i = from; i < from + n; i++)
		m[i] = played_message(i + 1, NULL, 1);
}

static void
post(unsigned i, const char *domain)
{
	m[i] = played_message(i + 1, domain, 1);
}

/* To as many places, one each. */
static void
post_places(unsigned n)
{
	char domain[30];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(domain, sizeof(domain), "h%u.test", i);
		post(i, domain);
	}
}

static void
wire(enum peer kind, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		w[i] = played_wire(kind, i + 1, &peer[i]);
}

static void
forget(unsigned n)
{
	while (n-- > 0)
		played_forget(m[n]);
}

static void
end(unsigned n)
{
	while (n-- > 0)
		played_end(&peer[n]);
	assert_true(TAILQ_EMPTY(&workers));
	assert_int_equal(job_under_way(), 0);
}

/* The first goes at once; those behind it wait for ten milliseconds, unless
   they are many. */
static void
test_gather(void **state)
{
	wire(PEER_DELIVER, 2);
	post_local(0, 1);
	played_turn();
	assert_int_equal(job_under_way(), 1);
	post_local(1, 1);
	played.clock += DELIVER_GATHER - 1;
	played_turn();
	assert_int_equal(job_under_way(), 1);
	played.clock++;
	played_turn();
	assert_int_equal(job_under_way(), 2);
	post_local(2, DELIVER_JOBS - 1);
	played_turn();
	assert_int_equal(job_under_way(), 2);
	post_local(DELIVER_JOBS + 1, 1);
	played_turn();
	assert_int_equal(job_under_way(), DELIVER_JOBS + 2);
	forget(DELIVER_JOBS + 2);
	end(2);
}

/* Sixteen to the one with the fewest, in turn; none has more than 64. */
static void
test_shared_out(void **state)
{
	struct dispatch_counts c;

	wire(PEER_DELIVER, 2);
	post_local(0, 2 * DELIVER_TOGETHER + 1);
	played_turn();
	assert_int_equal(w[0]->n_jobs + w[1]->n_jobs, 33);
	assert_in_range(w[0]->n_jobs, DELIVER_TOGETHER, DELIVER_TOGETHER + 1);
	forget(2 * DELIVER_TOGETHER + 1);
	end(2);
	wire(PEER_DELIVER, 1);
	post_local(0, DELIVER_JOBS + 1);
	played.clock += DELIVER_GATHER;
	played_turn();
	assert_int_equal(w[0]->n_jobs, DELIVER_JOBS);
	dispatch_count(&c);
	assert_int_equal(c.waiting, 1);
	assert_int_equal(c.deliver_workers, 1);
	assert_int_equal(c.relay_workers, 0);
	played_done(&peer[0], w[0]);
	assert_int_equal(played.answered, 1);
	played.clock += DELIVER_GATHER;
	played_turn();
	assert_int_equal(w[0]->n_jobs, DELIVER_JOBS);
	assert_int_equal(job_waiting(), 0);
	forget(DELIVER_JOBS + 1);
	end(1);
}

/* A job's number is never 0, which nobody could answer (lib/base/chan.h). */
static void
test_numbers(void **state)
{
	wire(PEER_DELIVER, 1);
	w[0]->next_id = UINT32_MAX - 1;
	post_local(0, 2);
	played_turn();
	assert_int_equal(TAILQ_FIRST(&w[0]->jobs)->id, UINT32_MAX);
	assert_int_equal(TAILQ_LAST(&w[0]->jobs, job_line)->id, 1);
	forget(2);
	end(1);
}

/* Who has a session there; else who has none; else who was heard long ago. */
static void
test_pick(void **state)
{
	wire(PEER_RELAY, 2);
	post(0, "one.test");
	played_turn();
	assert_int_equal(w[1]->n_jobs, 1);
	played_done(&peer[1], w[1]);
	post(1, "two.test");
	played.clock++;
	played_turn();
	assert_int_equal(w[0]->n_jobs, 1);
	played_done(&peer[0], w[0]);
	post(2, "two.test");
	played_turn();
	assert_int_equal(w[0]->n_jobs, 1);
	played.clock++;
	played_done(&peer[0], w[0]);
	post(3, "one.test");
	played_turn();
	assert_int_equal(w[1]->n_jobs, 1);
	played.clock++;
	played_done(&peer[1], w[1]);
	post(4, "three.test");
	played_turn();
	assert_int_equal(w[0]->n_jobs, 1);
	/* One at a time. */
	post(5, "two.test");
	played_turn();
	assert_int_equal(w[0]->n_jobs, 1);
	assert_int_equal(w[1]->n_jobs, 1);
	forget(6);
	end(2);
}

static unsigned
hurried(void)
{
	unsigned i, n = 0;

	for (i = 0; i < WORKERS; i++)
		n += w[i]->hurried != 0;
	return n;
}

/* Of eight: half for places that are not known; they are to hurry. */
static void
test_unknown(void **state)
{
	wire(PEER_RELAY, WORKERS);
	post_places(4);
	played_turn();
	assert_int_equal(job_out(SHARE_UNKNOWN), 4);
	assert_int_equal(hurried(), 0);
	post(4, "h4.test");
	played_turn();
	assert_int_equal(job_out(SHARE_UNKNOWN), 4);
	assert_int_equal(job_waiting(), 1);
	assert_int_equal(hurried(), 4);
	assert_int_equal(played.needed, 0);
	forget(5);
	end(WORKERS);
}

/* Three quarters for those that are, until ten minutes without a success. */
static void
test_known(void **state)
{
	unsigned i;

	wire(PEER_RELAY, WORKERS);
	post(0, "one.test");
	played_turn();
	assert_int_equal(w[WORKERS - 1]->n_jobs, 1);
	played_done(&peer[WORKERS - 1], w[WORKERS - 1]);
	for (i = 1; i < 9; i++)
		post(i, "one.test");
	played_turn();
	assert_int_equal(job_out(SHARE_KNOWN), 6);
	assert_int_equal(job_waiting(), 2);
	forget(9);
	end(WORKERS);
	wire(PEER_RELAY, WORKERS);
	post(0, "one.test");
	post(1, "one.test");
	played.clock += KNOWN_TIME * 1000 - 1;
	played_turn();
	assert_int_equal(job_out(SHARE_KNOWN), 2);
	forget(2);
	end(WORKERS);
	wire(PEER_RELAY, WORKERS);
	played.clock++;
	post(0, "one.test");
	post(1, "one.test");
	played_turn();
	assert_int_equal(job_out(SHARE_KNOWN), 0);
	assert_int_equal(job_out(SHARE_UNKNOWN), 1);
	forget(2);
	end(WORKERS);
}

/* No more than relay_per_destination go to one place. */
static void
test_per_destination(void **state)
{
	unsigned i;

	queue.conf.per_destination = 3;
	wire(PEER_RELAY, WORKERS);
	post(0, "one.test");
	played_turn();
	played_done(&peer[WORKERS - 1], w[WORKERS - 1]);
	for (i = 1; i < 6; i++)
		post(i, "one.test");
	played_turn();
	assert_int_equal(job_out(SHARE_KNOWN), 3);
	forget(6);
	end(WORKERS);
}

/* Master is asked for as many as could go, once, and for no more than there
   may be. */
static void
test_need(void **state)
{
	post_places(3);
	played_turn();
	assert_int_equal(played.needed, 3);
	assert_int_equal(played.surplus, 0);
	wire(PEER_RELAY, 1);
	played.needed = 0;
	played_turn();
	assert_int_equal(job_under_way(), 1);
	assert_int_equal(played.needed, 0);
	forget(3);
	/* Eight that wait, and the one that is there. */
	post_places(9);
	played_turn();
	assert_int_equal(played.needed, 8);
	forget(9);
	end(1);
}

/* How much mail one worker has before it has the bounce; what is posted is
   answered. */
static unsigned
before_bounce(void)
{
	const struct queue_job *j;
	unsigned n;

	for (n = 0; n < MANY; n++) {
		played_turn();
		j = TAILQ_FIRST(&w[0]->jobs);
		assert_non_null(j);
		if (j->class == JOB_BOUNCE)
			break;
		played_done(&peer[0], w[0]);
	}
	played_done(&peer[0], w[0]);
	return n;
}

/* A bounce that waits is the next after eight others, each time anew. */
static void
test_bounce(void **state)
{
	unsigned i;

	queue.conf.relay_workers = 1;
	wire(PEER_RELAY, 1);
	for (i = 0; i < 3; i++) {
		post_places(MANY / 2);
		m[MANY / 2] = played_bounce(MANY, "b.test");
		if (i == 0)
			assert_in_range(before_bounce(), 0, BOUNCE_AFTER);
		else
			assert_int_equal(before_bounce(), BOUNCE_AFTER);
		forget(MANY / 2 + 1);
	}
	/* Where nothing else can go it is the first. */
	m[0] = played_bounce(MANY, "b.test");
	assert_int_equal(before_bounce(), 0);
	forget(1);
	end(1);
}

/* A minute without need of them: all but two may go, and get no job then. */
static void
test_surplus(void **state)
{
	unsigned i, n = 0;

	played_timer(TIMER_SURPLUS);
	wire(PEER_RELAY, 5);
	post_places(4);
	played_turn();
	assert_int_equal(job_under_way(), 4);
	forget(4);
	for (i = 0; i < 5; i++)
		if (w[i]->n_jobs > 0)
			played_done(&peer[i], w[i]);
	assert_int_equal(job_under_way(), 0);
	/* Four were needed at once. */
	played_timer(TIMER_SURPLUS);
	assert_int_equal(played.needed, 4);
	for (i = 0; i < 5; i++)
		n += w[i]->leaving != 0;
	assert_int_equal(n, 1);
	queue.conf.relay_workers = 20;
	post_places(5);
	played_turn();
	assert_int_equal(job_under_way(), 4);
	for (i = 0; i < 5; i++)
		assert_false(w[i]->leaving && w[i]->n_jobs > 0);
	forget(5);
	for (i = 0; i < 5; i++)
		if (w[i]->n_jobs > 0)
			played_done(&peer[i], w[i]);
	played_timer(TIMER_SURPLUS);
	post(0, "one.test");
	played_turn();
	/* One at a time since: two stay, and that one is among them. */
	played_timer(TIMER_SURPLUS);
	played.surplus = 0;
	played_timer(TIMER_SURPLUS);
	assert_int_equal(played.surplus, 0);
	for (i = n = 0; i < 5; i++) {
		n += w[i]->leaving != 0;
		assert_false(w[i]->leaving && w[i]->n_jobs > 0);
	}
	assert_int_equal(n, 3);
	forget(1);
	end(5);
}

#define TD(f) cmocka_unit_test_setup(f, played_setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TD(test_gather), TD(test_shared_out), TD(test_pick),
		TD(test_numbers),
		TD(test_unknown), TD(test_known), TD(test_per_destination),
		TD(test_need), TD(test_bounce), TD(test_surplus),
	};

	log_init("test_dispatch", 0);
	played_start();
	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
