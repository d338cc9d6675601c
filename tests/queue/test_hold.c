/* A real queue process: hold, release and delete of what is being worked on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

static void
tell(unsigned command, const char *id, uint32_t want)
{
	char out[400];
	uint32_t status;

	ask(command, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, want);
}

static void
send_to(char id[17], const char *const *to)
{
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", to, TEXT), 0);
}

/* The next job of relay is that one; it is left to the caller. */
static void
take_relay(struct rig_job *j, const char *id, const char *dest)
{
	take(&relay, j);
	assert_string_equal(j->file, id);
	assert_string_equal(j->dest, dest);
}

static void
done(struct rig_job *j)
{
	rig_result(&relay, j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(j);
}

/* What was released is not held after a kill, wherever it was. */
static void
test_release_is_kept(void **state)
{
	struct rig_job j;
	char id[17];

	send_to(id, TO("a@one.test"));
	take_relay(&j, id, "one.test");
	tell(C_HOLD, id, C_OK);
	assert_states("held ");
	tell(C_RELEASE, id, C_OK);
	assert_states("active ");
	rig_job_clear(&j);
	again();
	take_relay(&j, id, "one.test");
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx");
	rig_job_clear(&j);
	assert_states("deferred ");
	tell(C_HOLD, id, C_OK);
	tell(C_RELEASE, id, C_OK);
	again();
	take_relay(&j, id, "one.test");
	done(&j);
	assert_empty();
}

/* One message at the only worker, two in line for it. */
static void
three(struct rig_job *j, char id[3][17])
{
	int i;

	for (i = 0; i < 3; i++)
		send_to(id[i], TO("a@one.test"));
	take_relay(j, id[0], "one.test");
	assert_states("active active active ");
	tell(C_HOLD, id[1], C_OK);
	tell(C_DELETE, id[2], C_OK);
	tell(C_DELETE, id[2], C_REFUSED);
	assert_states("active held ");
}

static void
test_in_line(void **state)
{
	char id[3][17];
	struct rig_job j;

	three(&j, id);
	done(&j);
	assert_idle(&relay);
	assert_states("held ");
	/* It was not tried: that is no attempt. */
	assert_column(8, "0 ");
	tell(C_RETRY, id[1], C_REFUSED);
	rig_stop(&rig);
	rig_start(&rig);
	wire_all();
	assert_idle(&relay);
	assert_states("held ");
	tell(C_RELEASE, id[1], C_OK);
	take_relay(&j, id[1], "one.test");
	done(&j);
	assert_empty();
}

static void
test_in_line_killed(void **state)
{
	char id[3][17];
	struct rig_job j;

	three(&j, id);
	rig_job_clear(&j);
	again();
	take_relay(&j, id[0], "one.test");
	done(&j);
	assert_idle(&relay);
	assert_states("held ");
	tell(C_DELETE, id[1], C_OK);
	again();
	assert_idle(&relay);
	assert_states("");
}

static void
test_all(void **state)
{
	struct rig_job j, k;
	char id[3][17];
	int i;

	for (i = 0; i < 3; i++)
		send_to(id[i], TO("a@one.test", "b@two.test"));
	take_relay(&j, id[0], "one.test");
	tell(C_HOLD, NULL, C_OK);
	assert_states("held held held held held held ");
	tell(C_RELEASE, NULL, C_OK);
	done(&j);
	for (i = 0; i < 5; i++) {
		take(&relay, &k);
		done(&k);
	}
	assert_idle(&relay);
	assert_empty();
}

/* One target is at a worker, another one in line. */
static void
two(struct rig_job *j, char id[17])
{
	send_to(id, TO("a@one.test", "b@two.test"));
	take_relay(j, id, "one.test");
	tell(C_HOLD, id, C_OK);
	assert_states("held held ");
}

static void
test_hold_at_worker(void **state)
{
	char id[17], out[400];
	struct rig_job j;
	uint32_t status;
	int i;

	two(&j, id);
	done(&j);
	assert_idle(&relay);
	/* What the worker said is noted. */
	for (i = 0; i < 2; i++) {
		ask(C_LIST, NULL, 7, out, sizeof(out), &status);
		assert_string_equal(out, "delivered waiting ");
		assert_states("held held ");
		again();
		assert_idle(&relay);
	}
	tell(C_RELEASE, id, C_OK);
	take_relay(&j, id, "two.test");
	done(&j);
	assert_empty();
}

static void
test_hold_at_worker_killed(void **state)
{
	struct rig_job j;
	char id[17];

	two(&j, id);
	rig_job_clear(&j);
	again();
	assert_idle(&relay);
	assert_states("held held ");
	tell(C_RELEASE, id, C_OK);
	take_relay(&j, id, "one.test");
	done(&j);
	take_relay(&j, id, "two.test");
	done(&j);
	assert_empty();
}

/* A job that comes back from its worker is not given to another one. */
static void
test_held_comes_back(void **state)
{
	struct rig_job j;
	char id[17];

	two(&j, id);
	rig_words(&relay, &j, J_REFUSED, "4.3.0 not now");
	rig_job_clear(&j);
	nap(700);
	assert_idle(&relay);
	/* Nobody tried it: that is no attempt. */
	assert_column(8, "0 0 ");
	tell(C_RELEASE, id, C_OK);
	take_relay(&j, id, "one.test");
	rig_job_clear(&j);
	tell(C_HOLD, id, C_OK);
	chan_clear(&relay);
	rig_wire(&rig, PEER_RELAY, &relay);
	assert_idle(&relay);
	assert_states("held held ");
	tell(C_RELEASE, id, C_OK);
	take_relay(&j, id, "one.test");
	done(&j);
	take_relay(&j, id, "two.test");
	done(&j);
	assert_empty();
}

/* The same of a message that has nothing else: the hold is no attempt. */
static void
test_held_comes_back_alone(void **state)
{
	struct rig_job j;
	char id[17];

	send_to(id, TO("a@one.test"));
	take_relay(&j, id, "one.test");
	tell(C_HOLD, id, C_OK);
	rig_words(&relay, &j, J_REFUSED, "4.3.0 not now");
	rig_job_clear(&j);
	nap(700);
	assert_idle(&relay);
	assert_states("held ");
	assert_column(8, "0 ");
	tell(C_RELEASE, id, C_OK);
	take_relay(&j, id, "one.test");
	tell(C_HOLD, id, C_OK);
	rig_job_clear(&j);
	chan_clear(&relay);
	rig_wire(&rig, PEER_RELAY, &relay);
	assert_idle(&relay);
	assert_column(8, "0 ");
	tell(C_RELEASE, id, C_OK);
	take_relay(&j, id, "one.test");
	done(&j);
	assert_empty();
}

/* Undone while the worker has it: the rest goes without waiting for it. */
static void
test_release_at_worker(void **state)
{
	struct rig_job j, k;
	struct chan other;
	char id[17];

	two(&j, id);
	tell(C_RELEASE, id, C_OK);
	assert_states("active active ");
	rig_wire(&rig, PEER_RELAY, &other);
	take(&other, &k);
	assert_string_equal(k.file, id);
	assert_string_equal(k.dest, "two.test");
	rig_result(&other, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&k);
	done(&j);
	assert_empty();
	assert_idle(&relay);
	assert_idle(&other);
	chan_clear(&other);
}

/* Past its lifetime, and held: it is kept. */
static void
test_held_is_not_given_up(void **state)
{
	struct rig_job j;
	char id[17];

	two(&j, id);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx");
	rig_job_clear(&j);
	assert_idle(&relay);
	assert_states("held held ");
	tell(C_DELETE, id, C_OK);
	assert_empty();
}

static void
test_delete_at_worker(void **state)
{
	char id[17], id2[17];
	struct rig_job j;

	send_to(id, TO("a@one.test", "b@two.test"));
	take_relay(&j, id, "one.test");
	tell(C_DELETE, id, C_OK);
	assert_states("");
	tell(C_SHOW, id, C_REFUSED);
	tell(C_HOLD, id, C_REFUSED);
	/* Its answer is nobody's, and the worker goes on. */
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx");
	rig_job_clear(&j);
	send_to(id2, TO("c@three.test"));
	take_relay(&j, id2, "three.test");
	tell(C_DELETE, id2, C_OK);
	rig_job_clear(&j);
	again();
	assert_idle(&relay);
	assert_states("");
}

/* The number of lines of the log with these words. */
static int
logged(const char *words)
{
	char path[100], line[2000];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", rig.dir);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, words) != NULL;
	fclose(f);
	return n;
}

/* Answers the bounces that come. */
static void
drain(int timeout)
{
	struct rig_job j;

	while (rig_job(&deliver, &j, timeout) == 1) {
		assert_string_equal(j.sender, "");
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0", "");
		rig_job_clear(&j);
	}
}

/* Whatever step its bounce has come to: no record of it is left. */
static void
test_delete_while_reported(void **state)
{
	struct rig_job j;
	char id[17];
	int i;

	for (i = 0; i < 40; i++) {
		assert_int_equal(rig_send(&smtpd, id, "anna@example.test",
		    TO("a@one.test", "b@two.test"), TEXT), 0);
		take_relay(&j, id, "one.test");
		rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx");
		rig_job_clear(&j);
		take_relay(&j, id, "two.test");
		rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx");
		rig_job_clear(&j);
		nap(i % 4);
		tell(i % 3 == 0 ? C_HOLD : C_STATUS, id, C_OK);
		tell(C_DELETE, id, C_OK);
		tell(C_DELETE, id, C_REFUSED);
		drain(0);
	}
	drain(500);
	again();
	drain(500);
	assert_states("");
	assert_true(logged("deleted by the operator") > 0 ||
	    getenv("RIG_LOG") != NULL);
	assert_int_equal(logged("a record without its envelope"), 0);
}

static int
setup_short(void **state)
{
	fixture_conf = "queue_lifetime = 0s\n";
	return setup(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_in_line), T(test_in_line_killed), T(test_all),
		T(test_hold_at_worker), T(test_hold_at_worker_killed),
		T(test_held_comes_back), T(test_held_comes_back_alone),
		T(test_release_at_worker),
		T(test_release_is_kept),
		cmocka_unit_test_setup_teardown(test_held_is_not_given_up,
		    setup_short, teardown),
		T(test_delete_at_worker), T(test_delete_while_reported),
	};

	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
