/* A real queue process, killed at any of its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

static void
test_killed_before_the_word(void **state)
{
	struct rig_job j;
	char id[17];
	int fd;

	/* Blank, written, submitted but not answered: none was promised. */
	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	again();
	close(fd);
	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	rig_write(fd, TEXT);
	again();
	assert_idle(&deliver);
	/* The old name cannot be submitted at the new process. */
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"), TEXT);
	assert_int_equal(rig_answer(&smtpd), 0);
	assert_int_equal(rig_retired(&rig, 2000), rig.instance - 2);
	assert_int_equal(rig_job(&deliver, &j, 300), 0);
}

static void
test_killed_after_the_word(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	again();
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	assert_string_equal(j.body, TEXT);
	rig_job_clear(&j);
	again();			/* under way, not answered */
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_killed_between_results(void **state)
{
	struct rig_job j, k;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test", "a@one.test", "b@two.test"), TEXT), 0);
	take(&deliver, &j);
	take(&relay, &k);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	assert_string_equal(k.dest, "one.test");
	rig_job_clear(&j);
	rig_job_clear(&k);
	take(&relay, &k);		/* so the results were taken */
	assert_string_equal(k.dest, "two.test");
	rig_job_clear(&k);
	again();
	take(&relay, &k);
	assert_string_equal(k.dest, "two.test");
	assert_int_equal(k.n, 1);
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&k);
	assert_idle(&deliver);
	assert_idle(&relay);
	assert_empty();
}

static void
test_bounce_killed(void **state)
{
	struct rig_job j;
	char id[17];
	int i;

	assert_int_equal(rig_send(&smtpd, id, "anna@example.test",
	    TO("a@one.test"), TEXT), 0);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx.one");
	rig_job_clear(&j);
	/* However often it is killed now, anna hears of it. */
	for (i = 0; i < 8; i++) {
		nap(i * 3);
		again();
	}
	/* Relay's word may be lost with queue: then it is asked again. */
	for (i = 0; i < RIG_WAIT / 50 && rig_job(&deliver, &j, 50) != 1; i++) {
		if (rig_job(&relay, &j, 50) == 1)
			rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no",
			    "mx.one");
		rig_job_clear(&j);
	}
	assert_string_equal(j.sender, "");
	assert_string_equal(j.rcpt[0].owner, "anna@example.test");
	assert_non_null(strstr(j.body, "Subject: test"));
	assert_null(strchr(j.body, '\303'));
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	while (rig_job(&deliver, &j, 300) == 1) {
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
		rig_job_clear(&j);
	}
	/* A bounce that was written and not accepted leaves its file, for the
	   sweeper; but no record. */
	assert_status("0 0 0 0 0 0 ");
}

/* Killed after the bounce was accepted: what it told is told. */
static void
test_bounce_once(void **state)
{
	char id[17], bounce[17];
	struct rig_job j;
	int i;

	assert_int_equal(rig_send(&smtpd, id, "anna@example.test",
	    TO("a@one.test", "b@two.test"), TEXT), 0);
	for (i = 0; i < 2; i++) {
		take(&relay, &j);
		if (strcmp(j.dest, "one.test") == 0)
			rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no",
			    "mx.one");
		else
			rig_result(&relay, &j, -1, RESULT_LATER, "4.2.0 not "
			    "now", "mx.two");
		rig_job_clear(&j);
	}
	take(&deliver, &j);
	strcpy(bounce, j.file);
	rig_job_clear(&j);
	again();
	take(&deliver, &j);
	assert_string_equal(j.file, bounce);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	take(&relay, &j);
	assert_string_equal(j.file, id);
	assert_string_equal(j.dest, "two.test");
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.two");
	rig_job_clear(&j);
	assert_empty();
	assert_idle(&deliver);
}

/* What the random kills remember. */
static char acked[4000][17];
static unsigned char came[4000];
static size_t n_acked;

static void
note(const char *id)
{
	size_t i;

	for (i = 0; i < n_acked; i++)
		if (strcmp(acked[i], id) == 0)
			came[i] = 1;
}

static int
all_came(void)
{
	size_t i;

	for (i = 0; i < n_acked && came[i]; i++)
		;
	return i == n_acked;
}

/* Answers what deliver has, as long as something comes. */
static void
drain(int timeout)
{
	struct rig_job j;

	while (rig_job(&deliver, &j, timeout) == 1) {
		note(j.file);
		assert_string_equal(j.body, TEXT);
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0", "");
		rig_job_clear(&j);
	}
}

static void
test_random_kills(void **state)
{
	char id[17];
	struct timespec t;
	size_t i;
	int k, n, fd;

	clock_gettime(CLOCK_REALTIME, &t);
	if (getenv("ROHRPOST_SEED") != NULL)
		t.tv_nsec = strtol(getenv("ROHRPOST_SEED"), NULL, 10);
	print_message("ROHRPOST_SEED=%ld\n", t.tv_nsec);
	srandom((unsigned)t.tv_nsec);
	for (k = 0; k < 25; k++) {
		for (n = 0; n < 40; n++) {
			if (rig_file(&smtpd, id, &fd) == -1)
				break;
			rig_write(fd, TEXT);
			rig_submit(&smtpd, id, "s@far.test",
			    TO("anna@example.test"), TEXT);
			if (random() % 30 == 0)
				break;	/* killed before the answer is read */
			if (rig_answer(&smtpd) == Q_DONE)
				strcpy(acked[n_acked++], id);
			if (random() % 4 == 0)
				drain(0);
		}
		again();
	}
	for (i = 0; i < RIG_WAIT / 50 && !all_came(); i++)
		drain(50);
	for (i = 0; i < n_acked; i++)
		if (!came[i])
			fail_msg("%s was acknowledged and is lost", acked[i]);
	assert_true(n_acked > 100);
	assert_status("0 0 0 0 0 0 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_killed_before_the_word), T(test_killed_after_the_word),
		T(test_killed_between_results), TQ(test_bounce_killed),
		TQ(test_bounce_once),
		T(test_random_kills),
	};

	return cmocka_run_group_tests_name("queue-kill", tests, NULL, NULL);
}
