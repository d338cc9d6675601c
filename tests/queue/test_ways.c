/* A real queue process: which way mail to elsewhere goes, and how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

static int
setup_narrow(void **state)
{
	fixture_conf = "queue_active = 10\n";
	return setup(state);
}

static void
test_destinations(void **state)
{
	struct chan more[5], *c = NULL;
	struct rig_job j[6];
	char id[17];
	int i, r = 0, got = 0;

	for (i = 0; i < 5; i++)
		rig_wire(&rig, PEER_RELAY, &more[i]);
	for (i = 0; i < 8; i++)
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("a@one.test"), TEXT), 0);
	/* Which workers queue knows of by now nobody can say. */
	for (i = 0; i < RIG_WAIT / 20 && r != 1; i++) {
		c = i % 6 == 5 ? &relay : &more[i % 6];
		r = rig_job(c, &j[0], 20);
	}
	assert_int_equal(r, 1);
	rig_result(c, &j[0], -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j[0]);
	/* Six workers are free; four at most go to one place. */
	for (i = 0; i < 600 && got < 4; i++) {
		r = rig_job(i % 6 == 5 ? &relay : &more[i % 6], &j[0], 20);
		got += r == 1;
		rig_job_clear(&j[0]);
	}
	for (i = 0; i < 6; i++) {
		r = rig_job(i == 5 ? &relay : &more[i], &j[i], 50);
		got += r == 1;
		rig_job_clear(&j[i]);
	}
	assert_int_equal(got, 4);
	for (i = 0; i < 5; i++)
		chan_clear(&more[i]);
}

/* The worker of deliver that has the fewest jobs gets the next one. */
static void
test_deliver_shared_out(void **state)
{
	struct chan second, *c[] = { &deliver, &second };
	struct rig_job j[2];
	int i, r = 0, first = 0;
	char id[17];

	rig_wire(&rig, PEER_DELIVER, &second);
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	for (i = 0; i < 500; i++) {
		first = i % 2;
		if ((r = rig_job(c[first], &j[0], 20)) == 1)
			break;
	}
	assert_int_equal(r, 1);
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(c[!first], &j[1]);
	for (i = 0; i < 2; i++) {
		rig_result(c[i ^ first], &j[i], -1, RESULT_DELIVERED,
		    "2.0.0 ok", "");
		rig_job_clear(&j[i]);
	}
	assert_empty();
	chan_clear(&second);
}

/* Those behind the first are held back for a moment, which ends by itself. */
static void
test_one_by_one(void **state)
{
	struct rig_job j;
	char id[10][17];
	int i;

	for (i = 0; i < 10; i++)
		assert_int_equal(rig_send(&smtpd, id[i], "s@far.test",
		    TO("anna@example.test"), TEXT), 0);
	for (i = 0; i < 10; i++) {
		take(&deliver, &j);
		assert_string_equal(j.file, id[i]);
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
		rig_job_clear(&j);
	}
	assert_empty();
}

static void
test_smarthost(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("a@one.test", "b@two.test"), TEXT), 0);
	take(&relay, &j);
	assert_string_equal(j.dest, "");
	assert_int_equal(j.n, 2);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "smart");
	rig_job_clear(&j);
	assert_empty();
}

/* What waits goes the way that is right when its turn comes. */
static void
test_smarthost_changes(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	take(&relay, &j);
	assert_string_equal(j.dest, "one.test");
	rig_result(&relay, &j, -1, RESULT_LATER, "4.2.0 later", "mx");
	rig_job_clear(&j);
	assert_idle(&relay);
	rig_conf(&rig, "relay_host = smart.test\n");
	again_at("400");
	take(&relay, &j);
	assert_string_equal(j.file, id);
	assert_string_equal(j.dest, "");
	rig_result(&relay, &j, -1, RESULT_LATER, "4.2.0 later", "smart");
	rig_job_clear(&j);
	assert_idle(&relay);
	rig_conf(&rig, "");
	again_at("2000");
	take(&relay, &j);
	assert_string_equal(j.dest, "one.test");
	rig_job_clear(&j);
}

static void
test_down(void **state)
{
	char id[17], out[400];
	struct rig_job j;
	uint32_t status;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("a@one.test"), TEXT), 0);
	/* Nobody answers twice: the others need no try. */
	for (i = 0; i < 2; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, "4.4.1 refused", "");
		rig_job_clear(&j);
	}
	assert_idle(&relay);
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status), 5);
	assert_string_equal(out,
	    "deferred deferred deferred deferred deferred ");
	/* The operator wants it now. */
	ask(C_RETRY, NULL, 1, out, sizeof(out), &status);
	for (i = 0; i < 5; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0", "mx");
		rig_job_clear(&j);
	}
	assert_empty();
}

/* A host that answers is up, whatever it says of others: each has its try. */
static void
test_not_down(void **state)
{
	char id[17];
	struct rig_job j;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("a@one.test"), TEXT), 0);
	for (i = 0; i < 5; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, "4.4.1 mx said: 451 "
		    "4.4.1 no route", "mx");
		rig_job_clear(&j);
	}
	assert_states("deferred deferred deferred deferred deferred ");
}

/* What a worker had goes to the next one in its old order. */
static void
test_order_of_the_lost(void **state)
{
	char id[4][17];
	struct rig_job j;
	int i, round;

	for (i = 0; i < 4; i++)
		assert_int_equal(rig_send(&smtpd, id[i], "s@far.test",
		    TO("anna@example.test"), TEXT), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 4; i++) {
			take(&deliver, &j);
			assert_string_equal(j.file, id[i]);
			if (round == 1)
				rig_result(&deliver, &j, -1, RESULT_DELIVERED,
				    "2.0.0 ok", "");
			rig_job_clear(&j);
		}
		if (round == 0) {
			chan_clear(&deliver);
			rig_wire(&rig, PEER_DELIVER, &deliver);
		}
	}
	assert_empty();
}

/* The two workers take all that is left. */
static void
drain(struct chan *more)
{
	struct chan *c = more;
	struct rig_job j;
	int i;

	for (i = 0; i < 500 && rig_files(&rig, "body", 0) > 0; i++) {
		c = c == more ? &relay : more;
		if (rig_job(c, &j, 20) == 1)
			rig_result(c, &j, -1, RESULT_DELIVERED, "2.0.0 ok",
			    "mx");
		rig_job_clear(&j);
	}
	assert_int_equal(rig_files(&rig, "body", 0), 0);
}

/* Each is the only one of its place: there is an end to that too. */
static void
test_singles(void **state)
{
	char id[17], to[20], out[400], want[400] = "";
	struct chan more;
	uint32_t status;
	int i;

	for (i = 0; i < 25; i++) {
		snprintf(to, sizeof(to), "a@h%d.test", i);
		assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO(to),
		    TEXT), 0);
		strcat(want, i < 20 ? "active " : "ready ");
	}
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status), 25);
	assert_string_equal(out, want);
	rig_wire(&rig, PEER_RELAY, &more);
	drain(&more);
	chan_clear(&more);
}

/* A local user's mail, and another place's, while one is full. */
static void
test_room(void **state)
{
	char first[17], id[17], far[15][17];
	struct rig_job j, slow, other;
	struct chan more;
	uint32_t status;
	char out[400];
	int i;

	for (i = 0; i < 15; i++)
		assert_int_equal(rig_send(&smtpd, far[i], "s@far.test",
		    TO("a@one.test"), TEXT), 0);
	take(&relay, &slow);
	/* Of ten jobs eight are the most for one place. */
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status), 15);
	assert_string_equal(out, "active active active active active active "
	    "active active ready ready ready ready ready ready ready ");
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	/* The half that is local does not wait for the other one. */
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("a@one.test", "anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	rig_wire(&rig, PEER_RELAY, &more);
	assert_int_equal(rig_send(&smtpd, first, "s@far.test",
	    TO("a@two.test"), TEXT), 0);
	do {
		take(&more, &other);
		rig_result(&more, &other, -1, RESULT_DELIVERED, "2.0.0 ok",
		    "mx");
		i = strcmp(other.file, first);
		rig_job_clear(&other);
	} while (i != 0);
	rig_result(&relay, &slow, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&slow);
	drain(&more);
	chan_clear(&more);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_destinations), T(test_deliver_shared_out),
		T(test_one_by_one), T(test_down), T(test_not_down),
		T(test_order_of_the_lost),
		T(test_smarthost_changes),
		cmocka_unit_test_setup_teardown(test_smarthost, setup_smart,
		    teardown),
		cmocka_unit_test_setup_teardown(test_singles, setup_narrow,
		    teardown),
		cmocka_unit_test_setup_teardown(test_room, setup_narrow,
		    teardown),
	};

	return cmocka_run_group_tests_name("queue-ways", tests, NULL, NULL);
}
