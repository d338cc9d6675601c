/*
 * A real queue process with many messages that wait: what comes in meanwhile
 * is served between them, and all of them come to their end.
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

enum { MANY = 3000, DAYS = 86400 };

/* As many messages as that wait for a destination; all are due. */
static void
start_with(uint64_t age)
{
	const struct rig_fill many = { .n = MANY, .attempts = 5,
		.time = (uint64_t)time(NULL) - age, .next = 1,
		.from = "anna@example.test", .domain = "dead.test" };

	rig_clear(&rig);
	rig_init(&rig, fixture_conf);
	rig_fill(&rig, &many);
	rig_start(&rig);
	wire_all();
}

/* Two attempts in a row find nobody: the destination is down. */
static void
nobody_there(void)
{
	struct rig_job j;
	int i;

	for (i = 0; i < 2; i++) {
		take(&relay, &j);
		assert_string_equal(j.dest, "dead.test");
		rig_result(&relay, &j, -1, RESULT_LATER, "4.4.1 nobody", "");
		rig_job_clear(&j);
	}
}

/* The next delivery is done. Was it a bounce? */
static int
deliver_one(void)
{
	struct rig_job j;
	int bounce;

	take(&deliver, &j);
	bounce = j.sender[0] == '\0';
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	return bounce;
}

/*
 * All expire at once. What comes in meanwhile gets its blank files, and is
 * delivered long before the last of them was told of.
 */
static void
test_expired(void **state)
{
	unsigned bounces = 0, mails = 0;
	char id[17];

	start_with(10 * DAYS);
	nobody_there();
	while (bounces < 10)
		bounces += (unsigned)deliver_one();
	while (mails < 5) {
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("anna@example.test"), TEXT), 0);
		while (deliver_one())
			bounces++;
		mails++;
	}
	assert_in_range(bounces, 10, MANY - 1);
	while (bounces < MANY)
		bounces += (unsigned)deliver_one();
	assert_empty();
	assert_idle(&deliver);
}

/* The bounce about each message, and how many there are. */
static char told[MANY + 1][17];
static unsigned n_told;

/* The next delivery is done; one about the same message is the same bounce. */
static void
note_one(void)
{
	static const char about[] = "The message is known here as ";
	struct rig_job j;
	unsigned long id;
	const char *p;

	take(&deliver, &j);
	p = strstr(j.body, about);
	assert_non_null(p);
	id = strtoul(p + sizeof(about) - 1, NULL, 16);
	assert_in_range(id, 1, MANY);
	n_told += told[id][0] == '\0';
	if (told[id][0] == '\0')
		memcpy(told[id], j.file, sizeof(told[id]));
	assert_string_equal(told[id], j.file);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
}

/* Each is told of once, also where queue is killed amid them. */
static void
test_expired_killed(void **state)
{
	start_with(10 * DAYS);
	nobody_there();
	while (n_told < 200)
		note_one();
	again();
	nobody_there();
	while (n_told < MANY)
		note_one();
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

/* How many were deferred, as the operator is told. */
static unsigned long
deferrals(void)
{
	char out[400], *p = out;
	uint32_t status;
	int i;

	ask(C_STATUS, NULL, 1, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	for (i = 0; i < 15 && p != NULL; i++)
		p = strchr(p + (i > 0), ' ');
	assert_non_null(p);
	return strtoul(p, NULL, 10);
}

/*
 * Those that nobody tried have no line each, but for the first attempt of a
 * message: then trace tells where it is.
 */
static void
test_dead_destination(void **state)
{
	char id[17], line[100];
	int i;

	start_with(1);
	nobody_there();
	for (i = 0; i < RIG_WAIT / 50 && deferrals() < MANY; i++)
		nap(50);
	assert_int_equal(deferrals(), MANY);
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("last@dead.test"), TEXT), 0);
	for (i = 0; i < RIG_WAIT / 50 && deferrals() <= MANY; i++)
		nap(50);
	assert_int_equal(deferrals(), MANY + 1);
	if (getenv("RIG_LOG") != NULL)
		return;
	assert_int_equal(logged("@dead.test> deferred"), 3);
	snprintf(line, sizeof(line), "%s: to=<last@dead.test> deferred", id);
	assert_int_equal(logged(line), 1);
	assert_in_range(logged("dead.test is down: "), 1, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TQ(test_expired), TQ(test_expired_killed),
		T(test_dead_destination),
	};

	return cmocka_run_group_tests_name("masses", tests, NULL, NULL);
}
