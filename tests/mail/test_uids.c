/*
 * Lists of UIDs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/uids.h"

static void
test_find(void **state)
{
	static const uint32_t v[] = { 1, 2, 3, 7, 9, 10, UINT32_MAX };

	assert_int_equal(uids_find(v, 7, 0), 0);
	assert_int_equal(uids_find(v, 7, 1), 0);
	assert_int_equal(uids_find(v, 7, 4), 3);
	assert_int_equal(uids_find(v, 7, 7), 3);
	assert_int_equal(uids_find(v, 7, 11), 6);
	assert_int_equal(uids_find(v, 6, 11), 6);
	assert_int_equal(uids_find(NULL, 0, 1), 0);
}

static void
test_sort(void **state)
{
	static const uint32_t want[] = { 1, 2, 7, UINT32_MAX };
	uint32_t v[] = { 7, UINT32_MAX, 2, 7, 1, 2, UINT32_MAX, 7 };

	assert_int_equal(uids_sort(v, 8), 4);
	assert_memory_equal(v, want, sizeof(want));
	assert_int_equal(uids_sort(v, 4), 4);
	assert_memory_equal(v, want, sizeof(want));
	assert_int_equal(uids_sort(v, 1), 1);
	assert_int_equal(uids_sort(NULL, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
