/* Ages by time that ran: whatever the clock does, nothing is old too early. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "store/age.h"
#include "store/body.h"
#include "store/shard_chores.h"
#include "store/text.h"

/* The folders of the mail are open to the end (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/tmp/test-age-", NULL };

enum { DAY = 86400, YEAR = 365 * DAY };

static const int64_t t0 = 1800000000;
static int64_t wall, mono;	/* seconds */
static char dir[64];

int64_t	__wrap_clock_now(void);
int64_t
__wrap_clock_now(void)
{
	return wall;
}

int64_t	__wrap_clock_mono_ms(void);
int64_t
__wrap_clock_mono_ms(void)
{
	return mono * 1000;
}

/* The helper is this thread. */
void	__wrap_helper_post(enum helper h, struct chore *c);
void
__wrap_helper_post(enum helper h, struct chore *c)
{
	c->run(c);
}

static int
setup(void **state)
{
	struct buf why = BUF_INIT(300);
	char mail[100];

	strcpy(dir, "/tmp/test-age-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(mail, sizeof(mail), "%s/mail", dir);
	wall = t0;
	mono = 1000;
	if (body_start(mail, dir, &why) == -1)
		return -1;
	buf_clear(&why);
	age_start();
	return 0;
}

static int
teardown(void **state)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

/* So much time runs, the clock with it. */
static void
run(int64_t seconds)
{
	wall += seconds;
	mono += seconds;
	age_tick();
}

/* Nothing runs, the machine is another boot's. */
static void
restart(int64_t down)
{
	wall += down;
	mono = 5;
	age_start();
}

static int
is_old(int64_t since, uint64_t keep)
{
	return since < age_cutoff(keep);
}

static void
test_time_that_runs(void **state)
{
	int64_t since;

	run(DAY);
	since = wall;
	run(7 * DAY);
	assert_false(is_old(since, 7 * DAY));
	run(1);
	assert_true(is_old(since, 7 * DAY));
	assert_false(is_old(wall, 0));
	assert_true(is_old(wall - 1, 0));
}

static void
test_jump_forward(void **state)
{
	int64_t before, after;

	run(8 * DAY);
	before = wall;
	run(DAY);
	wall += YEAR;
	run(DAY);
	assert_false(is_old(before, 7 * DAY));
	after = wall;
	run(6 * DAY);
	assert_true(is_old(before, 7 * DAY));
	assert_false(is_old(after, 7 * DAY));
	run(DAY + 1);
	assert_true(is_old(after, 7 * DAY));
}

/* What came while the clock was ahead is not younger than it is for ever. */
static void
test_jump_and_back(void **state)
{
	int64_t before, ahead, behind;

	run(8 * DAY);
	before = wall;
	wall += 30 * DAY;
	run(DAY);
	ahead = wall;
	run(DAY);
	wall -= 30 * DAY;
	run(DAY);
	behind = wall;
	assert_false(is_old(before, 7 * DAY));
	run(5 * DAY);
	assert_true(is_old(before, 7 * DAY));
	assert_false(is_old(ahead, 7 * DAY));
	run(2 * DAY + 1);
	assert_true(is_old(behind, 7 * DAY));
	run(40 * DAY);
	assert_true(is_old(ahead, 7 * DAY));
}

/* The clock was decades behind and is put right. */
static void
test_clock_behind(void **state)
{
	int64_t then;

	wall = 1000;
	age_tick();
	run(DAY);
	then = wall;
	run(60);
	wall = t0 + DAY;
	run(DAY);
	assert_false(is_old(then, 7 * DAY));
	run(6 * DAY);
	assert_true(is_old(then, 7 * DAY));
}

static void
test_restarts(void **state)
{
	int64_t since;

	run(8 * DAY);
	since = wall;
	run(DAY);
	restart(YEAR);			/* or the clock jumped meanwhile */
	assert_false(is_old(since, 7 * DAY));
	run(3 * DAY);
	age_save();
	restart(1);
	run(2 * DAY);
	assert_false(is_old(since, 7 * DAY));
	run(2 * DAY);
	assert_true(is_old(since, 7 * DAY));
	/* Between two starts: not before the second. */
	since = wall + 10;
	restart(20);
	run(7 * DAY);
	assert_false(is_old(since, 7 * DAY));
	run(1);
	assert_true(is_old(since, 7 * DAY));
}

/* What was there before there was a .clock is as old as that. */
static void
test_first_start(void **state)
{
	assert_false(is_old(t0 - YEAR, 7 * DAY));
	run(7 * DAY);
	assert_false(is_old(t0 - YEAR, 7 * DAY));
	run(1);
	assert_true(is_old(t0 - YEAR, 7 * DAY));
}

static void
test_broken_file(void **state)
{
	static const char *const texts[] = { "", "nonsense\n", "1 2\n3 ",
		"-1 5\n", "99999999999999999999 1\n" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(text_replace("", 0, ".clock", texts[i],
		    strlen(texts[i])), 0);
		restart(0);
		assert_false(is_old(wall - YEAR, 7 * DAY));
	}
}

/* However often it jumps, what is kept is bounded. */
static void
test_many_jumps(void **state)
{
	int64_t since;
	int i;

	run(8 * DAY);
	since = wall;
	for (i = 0; i < 3000; i++) {
		wall += 100;
		age_tick();
	}
	assert_false(is_old(since, 7 * DAY));
	restart(1);
	assert_false(is_old(since, 7 * DAY));
	run(8 * DAY);
	assert_true(is_old(since, 7 * DAY));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_time_that_runs), T(test_jump_forward),
		T(test_jump_and_back), T(test_clock_behind),
		T(test_restarts), T(test_first_start), T(test_broken_file),
		T(test_many_jumps),
	};

	return cmocka_run_group_tests_name("age", tests, NULL, NULL);
}
