#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "queue/queue_sched.h"

static void
test_backoff(void **state)
{
	static const struct {
		uint32_t attempts;
		uint64_t wait;
	} row[] = {
		{ 0, 300 }, { 1, 300 }, { 2, 600 }, { 3, 1200 }, { 4, 2400 },
		{ 5, 3600 }, { 6, 3600 }, { 1000, 3600 }, { 0xffffffff, 3600 },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(sched_backoff(row[i].attempts, 300, 3600),
		    row[i].wait);
	assert_int_equal(sched_backoff(3, 100, 50), 50);
}

static void
test_order(void **state)
{
	struct sched s;
	struct entry *e;
	int64_t last = 0;
	uint64_t i;
	int n = 0;

	sched_init(&s);
	srandom(1);
	for (i = 1; i <= 5000; i++) {
		e = sched_add(&s, i * 1000);
		assert_non_null(e);
		assert_null(sched_add(&s, i * 1000));
		sched_wait(&s, e, random() % 1000 + 1);
	}
	/* Some change their minds, some go. */
	for (i = 1; i <= 5000; i += 3)
		sched_wait(&s, sched_find(&s, i * 1000), random() % 1000 + 1);
	for (i = 2; i <= 5000; i += 5)
		sched_remove(&s, sched_find(&s, i * 1000));
	assert_int_equal(s.n, 4000);
	while (sched_next(&s) != -1) {
		assert_true(sched_next(&s) >= last);
		last = sched_next(&s);
		sched_due(&s, last, (size_t)random() % 3 + 1);
		while ((e = sched_first(&s)) != NULL) {
			assert_int_equal(e->next, last);
			sched_set(&s, e, ENTRY_ACTIVE);
			n++;
		}
	}
	assert_int_equal(n, 4000);
	assert_int_equal(s.count[ENTRY_ACTIVE], 4000);
	assert_int_equal(s.count[ENTRY_WAITING], 0);
	sched_clear(&s);
}

/* Who would wait longer waits until then; the order is kept. */
static void
test_clamp(void **state)
{
	int64_t last = 0;
	struct sched s;
	struct entry *e;
	uint64_t i;

	sched_init(&s);
	sched_clamp(&s, 5);
	srandom(2);
	for (i = 1; i <= 2000; i++) {
		e = sched_add(&s, i);
		sched_wait(&s, e, random() % 1000 + 1);
	}
	sched_clamp(&s, 400);
	for (i = 1; i <= 2000; i += 3)
		sched_remove(&s, sched_find(&s, i));
	while ((e = s.n_heap > 0 ? s.heap[0] : NULL) != NULL) {
		assert_true(e->next >= last && e->next <= 400);
		last = e->next;
		sched_set(&s, e, ENTRY_HELD);
	}
	assert_int_equal(last, 400);
	assert_int_equal(s.count[ENTRY_HELD], 1333);
	sched_clear(&s);
}

static void
test_ready_line(void **state)
{
	struct sched s;
	struct entry *e[4];
	int i;

	sched_init(&s);
	for (i = 0; i < 4; i++) {
		e[i] = sched_add(&s, (uint64_t)i + 1);
		sched_set(&s, e[i], ENTRY_READY);
	}
	assert_ptr_equal(sched_first(&s), e[0]);
	sched_remove(&s, e[1]);
	sched_set(&s, e[0], ENTRY_HELD);
	assert_ptr_equal(sched_first(&s), e[2]);
	sched_set(&s, e[3], ENTRY_ASIDE);
	sched_set(&s, e[2], ENTRY_ACTIVE);
	assert_null(sched_first(&s));
	sched_set(&s, e[0], ENTRY_READY);
	assert_ptr_equal(sched_first(&s), e[0]);
	assert_int_equal(s.count[ENTRY_READY], 1);
	sched_clear(&s);
}

/* How many wait for a look-up: each counts once, until it does no more. */
static void
test_lookups(void **state)
{
	struct sched s;
	struct entry *e[2];

	sched_init(&s);
	e[0] = sched_add(&s, 1);
	e[1] = sched_add(&s, 2);
	assert_int_equal(s.lookups, 0);
	sched_lookup(&s, e[0], 1);
	sched_lookup(&s, e[0], 1);
	sched_lookup(&s, e[1], 0);
	assert_int_equal(s.lookups, 1);
	sched_lookup(&s, e[1], 1);
	assert_int_equal(s.lookups, 2);
	sched_lookup(&s, e[0], 0);
	sched_lookup(&s, e[0], 0);
	assert_int_equal(s.lookups, 1);
	sched_remove(&s, e[1]);
	assert_int_equal(s.lookups, 0);
	sched_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff), cmocka_unit_test(test_order),
		cmocka_unit_test(test_clamp),
		cmocka_unit_test(test_ready_line),
		cmocka_unit_test(test_lookups),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
