/*
 * A real queue process: workers of relay that are not needed go, one that has
 * a job never does. Its minute is 50 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

enum {
	WORKERS = 5,		/* with the fixture's relay */
	LEAST = 2,		/* that stay in any case */
	QUIET = 400,		/* ms: several of queue's minutes */
};
static struct chan *worker[WORKERS], more[WORKERS];
static uint32_t instance[WORKERS];

static int
setup_workers(void **state)
{
	int i;

	fixture_conf = "relay_workers = 8\n";
	setup(state);
	worker[0] = &relay;
	instance[0] = rig.instance;
	for (i = 1; i < WORKERS; i++) {
		worker[i] = &more[i];
		rig_wire(&rig, PEER_RELAY, worker[i]);
		instance[i] = rig.instance;
	}
	return 0;
}

static int
clear(void **state)
{
	int i;

	for (i = 1; i < WORKERS; i++)
		chan_clear(&more[i]);
	return teardown(state);
}

static int
of_instance(uint32_t n)
{
	int i;

	for (i = 0; i < WORKERS && instance[i] != n; i++)
		;
	assert_in_range(i, 0, WORKERS - 1);
	return i;
}

/* Who may go, each once, until nobody else may: a bit for each. */
static unsigned
gone(void)
{
	unsigned set = 0, bit;
	uint32_t n;

	while ((n = rig_surplus(&rig, __builtin_popcount(set) < WORKERS -
	    LEAST ? RIG_WAIT : QUIET)) != 0) {
		bit = 1u << of_instance(n);
		assert_int_equal(set & bit, 0);
		set |= bit;
	}
	return set;
}

static void
test_idle_go(void **state)
{
	assert_int_equal(__builtin_popcount(gone()), WORKERS - LEAST);
}

/* The one with a job stays, and is none of those that are too many. */
static void
test_busy_stays(void **state)
{
	struct rig_job j;
	unsigned set;
	int i, busy = -1, tries;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "a@example.test",
	    TO("x@far.test"), TEXT), 0);
	for (tries = 0; tries < 1000 && busy == -1; tries++)
		for (i = 0; i < WORKERS && busy == -1; i++) {
			if (rig_job(worker[i], &j, 5) == 1 &&
			    j.type == J_RELAY)
				busy = i;
			else
				rig_job_clear(&j);
		}
	assert_int_not_equal(busy, -1);
	set = gone();
	assert_int_equal(set & 1u << busy, 0);
	assert_int_equal(__builtin_popcount(set), WORKERS - LEAST);
	rig_result(worker[busy], &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_idle_go,
		    setup_workers, clear),
		cmocka_unit_test_setup_teardown(test_busy_stays,
		    setup_workers, clear),
	};

	setenv("QUEUE_PROGRAM", "tests/queue/quick_queue", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
