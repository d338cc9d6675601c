/*
 * Rebuilds that take much memory: so many at a time, and the next begins in
 * the place of one that ends, in the order in which they came.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* What waits is looked at without 200,000 files for each. */
#include "store/account_rebuild.c"

enum { ALL = LARGE_MAX + 3 };

static struct chore *posted;

void	__wrap_helper_post(enum helper h, struct chore *c);
void
__wrap_helper_post(enum helper h, struct chore *c)
{
	assert_int_equal(h, HELPER_DEMAND);
	assert_null(posted);
	posted = c;
}

static void
ends(struct rebuild *next)
{
	posted = NULL;
	large_end();
	assert_ptr_equal(posted, next == NULL ? NULL : &next->chore);
	if (next == NULL)
		return;
	assert_int_equal(next->large, 1);
	/* It begins anew, without what it had read. */
	assert_true(next->step == step_read);
}

static void
test_some_at_a_time(void **state)
{
	static struct rebuild r[ALL];
	int i;

	for (i = 0; i < LARGE_MAX; i++) {
		assert_int_equal(large_begin(&r[i]), 1);
		assert_int_equal(r[i].large, 1);
	}
	for (; i < ALL - 1; i++) {
		assert_int_equal(large_begin(&r[i]), 0);
		assert_int_equal(r[i].large, 0);
	}
	ends(&r[LARGE_MAX]);
	assert_int_equal(large_begin(&r[i]), 0);
	ends(&r[LARGE_MAX + 1]);
	ends(&r[LARGE_MAX + 2]);
	/* Nobody waits: there is room for one. */
	ends(NULL);
	assert_int_equal(large_begin(&r[0]), 1);
	assert_int_equal(large_begin(&r[1]), 0);
	ends(&r[1]);
	for (i = 0; i < LARGE_MAX; i++)
		ends(NULL);
	assert_int_equal(large.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_some_at_a_time),
	};

	return cmocka_run_group_tests_name("large", tests, NULL, NULL);
}
