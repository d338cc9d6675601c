/*
 * A real queue process: when a message is given up and when not yet, whom the
 * sender is told of, and what is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

enum { HOUR = 3600, LIFETIME = 48 * HOUR };

static int
setup_life(void **state)
{
	fixture_conf = "queue_lifetime = 48h\nqueue_retry_min = 1s\n"
	    "queue_retry_max = 1s\n";
	return setup(state);
}

/* One message of an earlier run, of that age, to two at old.test. */
static void
start_with(uint64_t age, uint32_t attempts)
{
	const struct rig_fill one = { .n = 1, .attempts = attempts,
		.time = (uint64_t)time(NULL) - age, .next = 1,
		.from = "s@far.test", .domain = "old.test", .recipients = 2 };

	rig_clear(&rig);
	rig_init(&rig, fixture_conf);
	rig_fill(&rig, &one);
	rig_start(&rig);
	wire_all();
}

static void
later(const char *dest, const char *words)
{
	struct rig_job j;

	take(&relay, &j);
	assert_string_equal(j.dest, dest);
	rig_result(&relay, &j, -1, RESULT_LATER, words, "mx.old");
	rig_job_clear(&j);
}

/* How often it stands in the text. */
static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

/* What is too old is given up at its second attempt in this run; told of is
   who has not got it. */
static void
test_given_up(void **state)
{
	struct rig_job j;
	char address[400];

	start_with(LIFETIME + 60, 5);
	take(&relay, &j);
	assert_int_equal(j.n, 2);
	snprintf(address, sizeof(address), "rfc822; %s\r\n",
	    j.rcpt[1].address);
	rig_result(&relay, &j, 0, RESULT_DELIVERED, "2.0.0 ok", "mx.old");
	rig_result(&relay, &j, 1, RESULT_LATER, "4.7.1 no", "mx.old");
	rig_job_clear(&j);
	later("old.test", "4.7.2 not now");
	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_string_equal(j.sender, "");
	assert_int_equal(count(j.body, "Final-Recipient: "), 1);
	assert_int_equal(count(j.body, address), 1);
	assert_int_equal(count(j.body, "Status: 4.4.7\r\n"), 1);
	assert_int_equal(count(j.body, "last: 4.7.2 not now"), 2);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.far");
	rig_job_clear(&j);
	assert_empty();
}

/* What is not old enough is tried on, however often it was tried. */
static void
test_not_given_up(void **state)
{
	int i;

	start_with(LIFETIME - HOUR, 50);
	for (i = 0; i < 3; i++)
		later("old.test", "4.7.1 no");
	assert_states("deferred deferred ");
}

/* However old it is, it has three attempts. */
static void
test_three_attempts(void **state)
{
	struct rig_job j;
	int i;

	start_with(10 * LIFETIME, 0);
	for (i = 0; i < 3; i++)
		later("old.test", "4.7.1 no");
	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_int_equal(count(j.body, "Final-Recipient: "), 2);
	rig_job_clear(&j);
}

static void
send_one(const char *to, char id[17])
{
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO(to), TEXT), 0);
}

static void
answer(struct chan *c, const char *to, enum result r, const char *words)
{
	struct rig_job j;

	take(c, &j);
	assert_string_equal(j.rcpt[0].address, to);
	rig_result(c, &j, -1, r, words, "mx");
	rig_job_clear(&j);
}

/* Each row that the operator is told of the whole. */
static void
test_counters(void **state)
{
	char id[17], out[400];
	uint32_t status;

	assert_status("0 0 0 0 0 0 0 0 0 1 1 1 0 0 0 0 0 0 ");
	send_one("anna@example.test", id);
	assert_status("1 1 0 0 0 0 0 1 0 1 1 1 1 0 0 0 0 0 ");
	answer(&deliver, "anna@example.test", RESULT_DELIVERED, "2.0.0 ok");
	send_one("a@one.test", id);
	answer(&relay, "a@one.test", RESULT_NEVER, "5.1.1 no");
	answer(&relay, "s@far.test", RESULT_DELIVERED, "2.0.0 ok");
	send_one("nobody@example.test", id);
	answer(&relay, "s@far.test", RESULT_DELIVERED, "2.0.0 ok");
	send_one("a@two.test", id);
	answer(&relay, "a@two.test", RESULT_LATER, "4.7.1 no");
	assert_states("deferred ");
	send_one("a@three.test", id);
	assert_status("2 1 0 1 0 0 0 1 4 1 1 1 7 3 2 1 2 0 ");
	ask(C_HOLD, NULL, 0, out, sizeof(out), &status);
	answer(&relay, "a@three.test", RESULT_LATER, "4.7.1 no");
	assert_status("2 0 0 0 2 0 0 0 4 1 1 1 7 3 2 2 2 0 ");
	ask(C_STATUS, NULL, 0, out, sizeof(out), &status);
	assert_string_equal(out, "messages active ready deferred held broken "
	    "jobs_waiting jobs_under_way destinations intake_workers "
	    "deliver_workers relay_workers accepted delivered refused "
	    "deferrals bounces lookups ");
}

/* The last of the counters. */
static void
assert_lookups(const char *want)
{
	char out[400], *last = out;
	uint32_t status;
	int i;

	for (i = 0; i < RIG_WAIT / 50; i++) {
		ask(C_STATUS, NULL, 1, out, sizeof(out), &status);
		out[strlen(out) - 1] = '\0';
		last = strrchr(out, ' ') + 1;
		if (strcmp(last, want) == 0)
			return;
		nap(50);
	}
	assert_string_equal(last, want);
}

/* What waits for the DNS is counted, after a restart too, until it goes. */
static void
test_lookups(void **state)
{
	static const char no[] = "4.4.3 look-up of it: no answer";
	char one[17], two[17];
	uint32_t status;
	char out[400];

	assert_lookups("0");
	send_one("a@one.test", one);
	answer(&relay, "a@one.test", RESULT_LATER, no);
	send_one("a@two.test", two);
	answer(&relay, "a@two.test", RESULT_LATER, "4.4.1 refused");
	send_one("a@three.test", two);
	answer(&relay, "a@three.test", RESULT_LATER, no);
	assert_lookups("2");
	again();
	assert_lookups("2");
	ask(C_DELETE, one, 0, out, sizeof(out), &status);
	assert_lookups("1");
	ask(C_RETRY, two, 0, out, sizeof(out), &status);
	answer(&relay, "a@three.test", RESULT_LATER, "4.7.1 no");
	assert_lookups("0");
}

#define TL(f) cmocka_unit_test_setup_teardown(f, setup_life, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TL(test_given_up), TL(test_not_given_up),
		TL(test_three_attempts), T(test_counters),
		T(test_lookups),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
