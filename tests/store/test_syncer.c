/*
 * What a syncer takes for a round: what is quick first, and so much of what is
 * slow that neither waits for ever.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* Its queue is looked at without the threads around it. */
#include "store/shard_syncer.c"

enum { ITEMS = 1000 };

static struct numbered {
	struct item item;	/* first */
	int	 slow;
	unsigned n;
} items[ITEMS];
static unsigned used, quick_next, slow_next, quick_taken, slow_taken;

static int
setup(void **state)
{
	used = quick_next = slow_next = quick_taken = slow_taken = 0;
	syncers = mem_zalloc(1, sizeof(*syncers));
	pthread_mutex_init(&syncers->lock, NULL);
	pthread_cond_init(&syncers->more, NULL);
	return 0;
}

static int
teardown(void **state)
{
	free(syncers);
	return 0;
}

static void
add(unsigned n, int slow)
{
	struct item_list l = { NULL, NULL };

	for (; n > 0; n--) {
		assert_true(used < ITEMS);
		items[used].slow = slow;
		items[used].n = slow ? slow_next++ : quick_next++;
		item_list_add(&l, &items[used++].item);
	}
	syncer_add(0, l.head, l.tail, slow);
}

/* The next round has so many of each, those that came first in front. */
static void
takes(unsigned quick, unsigned slow)
{
	struct item *i = NULL;
	struct numbered *k;
	unsigned n_quick = 0, n_slow = 0;

	assert_int_equal(syncer_take(syncers, &i), 1);
	for (; i != NULL; i = i->next) {
		k = (struct numbered *)i;
		assert_int_equal(k->n, k->slow ? slow_taken++ : quick_taken++);
		assert_true(k->slow || n_slow == 0);
		n_quick += !k->slow;
		n_slow += k->slow;
	}
	assert_int_equal(n_quick, quick);
	assert_int_equal(n_slow, slow);
}

static void
test_quick_alone(void **state)
{
	add(1, 0);
	takes(1, 0);
	add(ROUND - 1, 0);
	add(2, 0);
	takes(ROUND, 0);
	takes(1, 0);
	assert_true(idle(syncers));
}

static void
test_slow_alone(void **state)
{
	add(SLOW + 4, 1);
	takes(0, SLOW);
	add(3, 1);
	takes(0, 7);
	assert_true(idle(syncers));
	assert_int_equal(syncers->n_slow, 0);
}

/* One, and an eighth of those that wait, at most sixteen. */
static void
test_slow_beside_quick(void **state)
{
	add(1, 0);
	add(7, 1);
	takes(1, 1);
	add(1, 0);
	add(2, 1);
	takes(1, 2);		/* of 8 */
	add(5, 0);
	add(113, 1);
	takes(5, 15);		/* of 119 */
	add(1, 0);
	add(16, 1);
	takes(1, 16);		/* of 120 */
	add(1, 0);
	add(200, 1);
	takes(1, 16);		/* of 304 */
	takes(0, 16);
}

/* No work, but what is committed is to be made durable. */
static void
test_flush(void **state)
{
	syncer_add(0, NULL, NULL, 0);
	assert_false(idle(syncers));
	takes(0, 0);
	assert_true(idle(syncers));
	syncer_add(0, NULL, NULL, 0);
	add(2, 0);
	takes(2, 0);
	assert_true(idle(syncers));
}

/* The end comes behind all work. */
static void
test_end(void **state)
{
	struct item *i;

	add(1, 0);
	add(SLOW + 1, 1);
	syncers->end = 1;
	takes(1, 1 + (SLOW + 1) / SLOW_PART);
	takes(0, SLOW - (SLOW + 1) / SLOW_PART);
	assert_int_equal(syncer_take(syncers, &i), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_quick_alone), T(test_slow_alone),
		T(test_slow_beside_quick), T(test_flush), T(test_end),
	};

	return cmocka_run_group_tests_name("syncer", tests, NULL, NULL);
}
