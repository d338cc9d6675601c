/* Jumps of the wall clock: what they make older, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/queue_jump.h"

static void
test_steady(void **state)
{
	struct jump j = { 0 };
	int64_t i;

	/* A minute each, and a clock that is put right bit by bit. */
	for (i = 0; i < 1000; i++)
		assert_int_equal(jump_watch(&j, 1000000 + i * (60 + 55),
		    1 + i * 60000), 0);
	assert_int_equal(j.by, 0);
	assert_int_equal(jump_age(&j, (uint64_t)j.wall - 500), 500);
	assert_int_equal(jump_age(&j, (uint64_t)j.wall + 500), 0);
}

static void
test_ahead_and_back(void **state)
{
	struct jump j = { 0 };

	jump_watch(&j, 1000000, 1);
	assert_int_equal(jump_watch(&j, 1000000 + 864000 + 10, 10001), 0);
	/* What came a minute before is a minute and ten seconds old, */
	assert_int_equal(jump_age(&j, 1000000 - 60), 70);
	assert_int_equal(jump_age(&j, 1000000 + 864000 + 5), 5);
	/* and grows older as time goes by, through a second jump too. */
	assert_int_equal(jump_watch(&j, 1000000 + 864000 + 70, 70001), 0);
	assert_int_equal(jump_age(&j, 1000000 - 60), 130);
	assert_int_equal(jump_watch(&j, 1000000 + 2 * 864000 + 80, 80001), 0);
	assert_int_equal(jump_age(&j, 1000000 - 60), 140);
	/* Put right. */
	assert_int_equal(jump_watch(&j, 1000000 + 90, 90001), 1);
	assert_int_equal(j.by, 0);
	assert_int_equal(jump_age(&j, 1000000 - 60), 150);
}

static void
test_back(void **state)
{
	struct jump j = { 0 };

	jump_watch(&j, 1000000, 1);
	assert_int_equal(jump_watch(&j, 999999, 2), 1);
	assert_int_equal(jump_watch(&j, 900000, 1001), 1);
	assert_int_equal(j.by, 0);
	assert_int_equal(jump_age(&j, 999990), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_ahead_and_back),
		cmocka_unit_test(test_back),
	};

	return cmocka_run_group_tests_name("jump", tests, NULL, NULL);
}
