/*
 * What is done with a job that is refused, answered with nonsense or not at
 * all, and with that of a worker that ends.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/mail/proto.h"
#include "queue/queue_message.h"
#include "tests/queue/played.h"

enum { DELIVER_TIME = 600 * 1000, RELAY_TIME = 4 * 3600 * 1000 };

static struct chan peer;	/* the end of the worker that was wired last */

static void
assert_deferred(const struct message *m, const char *words)
{
	assert_int_equal(m->jobs, 0);
	assert_int_equal(m->targets.t[0].state, TARGET_OPEN);
	assert_string_equal(m->targets.t[0].words, words);
	assert_int_equal(played.answered, 1);
}

/* Refused: again after half a second, 120 times, and then later. */
static void
test_refusals(void **state)
{
	struct message *m = played_message(1, NULL, 1);
	struct worker *w = played_wire(PEER_DELIVER, 1, &peer);
	int i;

	for (i = 0; i < 121; i++) {
		played.clock += 10000;
		played_turn();
		assert_int_equal(w->n_jobs, 1);
		assert_int_equal(played.answered, 0);
		played_say(&peer, J_REFUSED, TAILQ_FIRST(&w->jobs)->id, "4.3.0 not now");
		assert_int_equal(w->n_jobs, 0);
		played.clock += REFUSED_PAUSE - 1;
		played_turn();
		assert_int_equal(w->n_jobs, 0);
	}
	assert_deferred(m, "4.3.0 not now");
	played_end(&peer);
	assert_int_equal(played.retired, 0);
	played_forget(m);
}

/* Three workers may be lost under a message; the fourth is no accident. */
static void
test_deaths(void **state)
{
	struct message *m = played_message(2, "far.test", 1);
	uint32_t i;

	for (i = 1; i <= 4; i++) {
		assert_int_equal(played.answered, 0);
		played.clock += 10000;
		played_wire(PEER_RELAY, i, &peer);
		played_turn();
		assert_int_equal(job_under_way(), 1);
		assert_int_equal(job_out(SHARE_UNKNOWN), 1);
		played_end(&peer);
		assert_true(TAILQ_EMPTY(&workers));
		assert_int_equal(job_under_way(), 0);
		assert_int_equal(job_out(SHARE_UNKNOWN), 0);
		assert_int_equal(job_waiting(), i < 4);
	}
	assert_deferred(m, "4.3.0 the worker ended");
	played_forget(m);
}

/* An answer to what was not asked ends the worker; the job is another's. */
static void
test_nonsense(void **state)
{
	struct message *m = played_message(3, NULL, 2);
	struct worker *w;
	uint32_t i, id;

	for (i = 1; i <= 3; i++) {
		played.clock += 10000;
		w = played_wire(PEER_DELIVER, i, &peer);
		played_turn();
		assert_int_equal(w->n_jobs, 1);
		id = TAILQ_FIRST(&w->jobs)->id;
		played.retired = 0;
		if (i == 1) {
			played_result(&peer, id + 1, 0, RESULT_DELIVERED, "2.0.0 ok");
		} else if (i == 2) {
			played_result(&peer, id, 2, RESULT_DELIVERED, "2.0.0 ok");
		} else {
			played_result(&peer, id, 1, RESULT_DELIVERED, "2.0.0 ok");
			assert_int_equal(played.retired, 0);
			played_result(&peer, id, 1, RESULT_NEVER, "5.0.0 no");
		}
		/* Once more, where what was answered first had to be read. */
		ev_run(queue.loop, EVRUN_NOWAIT);
		assert_true(TAILQ_EMPTY(&workers));
		assert_int_equal(played.retired, i);
		assert_int_equal(job_waiting(), 1);
		chan_clear(&peer);
	}
	assert_int_equal(m->targets.t[0].state, TARGET_OPEN);
	assert_int_equal(m->targets.t[1].state, TARGET_DONE);
	assert_int_equal(played.answered, 0);
	assert_int_equal(played.dirty, 1);
	/* The rest of it goes to the next one. */
	played.clock += 10000;
	w = played_wire(PEER_DELIVER, 4, &peer);
	played_turn();
	assert_int_equal(TAILQ_FIRST(&w->jobs)->n, 1);
	played_result(&peer, TAILQ_FIRST(&w->jobs)->id, 0, RESULT_NEVER, "5.2.2 full");
	assert_int_equal(played.answered, 1);
	assert_int_equal(m->targets.t[0].state, TARGET_REFUSED);
	assert_int_equal(m->jobs, 0);
	played_end(&peer);
	played_forget(m);
}

/* Who neither answers nor ends is taken from us; not a moment too soon. */
static void
test_silent(void **state)
{
	static const struct {
		enum peer kind;
		const char *domain;
		uint64_t length;
		int64_t time;
	} row[] = {
		{ PEER_DELIVER, NULL, 1000000, DELIVER_TIME },
		{ PEER_RELAY, "far.test", 0, RELAY_TIME },
		{ PEER_RELAY, "far.test", 8000000,
		    RELAY_TIME + 1000000 },
	};
	struct message *m;
	uint32_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		played.clock += 10000;
		m = played_message(4 + i, row[i].domain, 1);
		m->env.length = row[i].length;
		played_wire(row[i].kind, 10 + i, &peer);
		played_turn();
		played.clock += row[i].time;
		played_timer(TIMER_WATCH);
		assert_int_equal(played.retired, 0);
		assert_int_equal(job_under_way(), 1);
		played.clock++;
		played_timer(TIMER_WATCH);
		assert_int_equal(played.retired, 10 + i);
		assert_int_equal(job_under_way(), 0);
		assert_int_equal(job_waiting(), 1);
		chan_clear(&peer);
		played_forget(m);
		played.retired = 0;
	}
	/* One that has nothing to do may be silent. */
	played_wire(PEER_DELIVER, 20, &peer);
	played.clock += 100 * RELAY_TIME;
	played_timer(TIMER_WATCH);
	assert_int_equal(played.retired, 0);
	played_end(&peer);
}

/* A body that is not what its record says: set aside, with these words. */
static void
test_broken(void **state)
{
	struct message *m = played_message(8, NULL, 1);
	struct worker *w;

	played.clock += 10000;
	w = played_wire(PEER_DELIVER, 1, &peer);
	played_turn();
	played_say(&peer, J_BROKEN, TAILQ_FIRST(&w->jobs)->id, "4.3.0 broken");
	assert_int_equal(played.aside, 1);
	assert_string_equal(played.words, "4.3.0 broken");
	assert_int_equal(m->jobs, 0);
	assert_int_equal(w->n_jobs, 0);
	/* Of what was deleted meanwhile nothing is set aside. */
	job_add(m, &m->targets.t[0], 0);
	played.clock += 10000;
	played_turn();
	job_abandon(m);
	assert_int_equal(w->n_jobs, 1);
	played_say(&peer, J_BROKEN, TAILQ_FIRST(&w->jobs)->id, "4.3.0 broken");
	assert_int_equal(played.aside, 1);
	assert_int_equal(w->n_jobs, 0);
	played_end(&peer);
	played_forget(m);
}

/* Without its file it is set aside; where it cannot be opened, later. */
static void
test_no_body(void **state)
{
	struct message *m = played_message(9, NULL, 1);
	struct worker *w;

	played.clock += 10000;
	w = played_wire(PEER_DELIVER, 1, &peer);
	played.no_body = EMFILE;
	played_turn();
	assert_int_equal(w->n_jobs, 0);
	assert_int_equal(played.aside, 0);
	assert_deferred(m, "4.3.0 the body cannot be opened");
	played_forget(m);
	m = played_message(10, NULL, 1);
	played.clock += 10000;
	played.no_body = ENOENT;
	played_turn();
	assert_int_equal(played.aside, 1);
	assert_string_equal(played.words, "4.3.0 the body is missing");
	played_end(&peer);
	played_forget(m);
}

#define TW(f) cmocka_unit_test_setup(f, played_setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TW(test_refusals), TW(test_deaths), TW(test_nonsense),
		TW(test_silent), TW(test_broken), TW(test_no_body),
	};

	log_init("test_worker", 0);
	played_start();
	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
