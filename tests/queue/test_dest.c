/*
 * Destinations: the key keeps them apart, and what one has come to (back-off,
 * connections) is none of another's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "queue/queue_dest.h"

enum { MANY = 100000 };

static int64_t clock_ms = 1000000;
int64_t	__wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return clock_ms;
}

static struct dest *
get(const char *route, const char *credential, enum dest_tls tls)
{
	struct dest_key k;

	assert_int_equal(dest_key_set(&k, route, credential, tls), 0);
	return dest_get(&k);
}

static void
test_keys(void **state)
{
	struct dest *plain = get("far.test", "", DEST_TLS_ROUTE);

	assert_ptr_equal(get("Far.TEST", "", DEST_TLS_ROUTE), plain);
	assert_ptr_not_equal(get("far.test", "anna@far.test", DEST_TLS_ROUTE),
	    plain);
	assert_ptr_not_equal(get("far.test", "", DEST_TLS_VERIFIED), plain);
	assert_ptr_not_equal(get("", "", DEST_TLS_ROUTE), plain);
	assert_int_equal(dest_count(), 4);
	dest_tidy();
	assert_int_equal(dest_count(), 0);
}

/* As many as there may be of bounces to ever new places: each is found. */
static void
test_many(void **state)
{
	static struct dest *d[MANY];
	size_t before = dest_count();
	char route[40];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(route, sizeof(route), "h%d.test", i);
		d[i] = get(route, "", DEST_TLS_ROUTE);
	}
	assert_int_equal(dest_count(), before + MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(route, sizeof(route), "H%d.test", i);
		assert_ptr_equal(get(route, "", DEST_TLS_ROUTE), d[i]);
	}
	assert_int_equal(dest_count(), before + MANY);
	dest_tidy();
	assert_true(dest_count() <= before);
}

static void
test_down(void **state)
{
	struct dest *anna = get("smart.test", "anna", DEST_TLS_ROUTE);
	struct dest *bert = get("smart.test", "bert", DEST_TLS_ROUTE);
	int i;

	for (i = 0; i < DOWN_AFTER; i++) {
		assert_false(dest_is_down(anna));
		dest_unreached(anna, "4.4.1 no answer");
	}
	assert_true(dest_is_down(anna));
	assert_false(dest_is_down(bert));
	dest_tidy();
	/* What is down is remembered; the other had nothing. */
	assert_int_equal(dest_count(), 1);
	dest_forget_down();
	assert_false(dest_is_down(anna));
	dest_tidy();
	assert_int_equal(dest_count(), 0);
}

static void
test_connections(void **state)
{
	struct dest *anna = get("smart.test", "anna", DEST_TLS_ROUTE);
	struct dest *bert = get("smart.test", "bert", DEST_TLS_ROUTE);
	struct queue_job *j, job[3] = { { .id = 1 }, { .id = 2 }, { .id = 3 } };

	queue.conf.per_destination = 1;
	dest_add(anna, &job[0]);
	dest_add(anna, &job[1]);
	dest_add(bert, &job[2]);
	assert_int_equal(dest_ring(SHARE_UNKNOWN), 2);
	dest_drop(anna, &job[0]);
	dest_took(anna);
	/* One at a time of each, whatever the route. */
	assert_int_equal(dest_ring(SHARE_UNKNOWN), 1);
	assert_ptr_equal(dest_next(SHARE_UNKNOWN, &j), bert);
	assert_ptr_equal(j, &job[2]);
	dest_left(anna);
	assert_int_equal(dest_ring(SHARE_UNKNOWN), 2);
	/* Who was reached has another share, until it fails. */
	dest_reached(anna);
	assert_int_equal(dest_ring(SHARE_UNKNOWN), 1);
	assert_ptr_equal(dest_next(SHARE_KNOWN, &j), anna);
	assert_ptr_equal(j, &job[1]);
	dest_unreached(anna, "4.4.1 no answer");
	assert_int_equal(dest_ring(SHARE_KNOWN), 0);
	assert_null(dest_down());
	dest_unreached(anna, "4.4.1 no answer");
	assert_int_equal(dest_ring(SHARE_UNKNOWN), 1);
	assert_ptr_equal(dest_down(), anna);
	assert_ptr_equal(dest_first(anna), &job[1]);
	dest_forget_down();
	assert_null(dest_down());
	dest_drop(anna, &job[1]);
	dest_drop(bert, &job[2]);
	assert_int_equal(dest_waiting(), 0);
	dest_tidy();
}

/* A bounce waits behind all mail, in a ring of its own. */
static void
test_bounces(void **state)
{
	struct dest *d = get("far.test", "", DEST_TLS_ROUTE);
	struct queue_job *j, mail = { .class = JOB_MAIL },
	    bounce = { .class = JOB_BOUNCE };

	queue.conf.per_destination = 1;
	dest_add(d, &bounce);
	dest_add(d, &mail);
	assert_ptr_equal(dest_next(SHARE_UNKNOWN, &j), d);
	assert_ptr_equal(j, &mail);
	assert_ptr_equal(dest_next(SHARE_BOUNCE, &j), d);
	assert_ptr_equal(j, &bounce);
	dest_reached(d);
	assert_int_equal(dest_ring(SHARE_BOUNCE), 1);
	dest_drop(d, &mail);
	assert_null(dest_next(SHARE_KNOWN, &j));
	assert_ptr_equal(dest_first(d), &bounce);
	dest_drop(d, &bounce);
	assert_null(dest_next(SHARE_BOUNCE, &j));
	assert_null(dest_first(d));
}

/* Who has none comes first, each in turn, however often it is asked. */
static void
test_parked(void **state)
{
	struct entry e[4] = { { .id = 1 }, { .id = 2 }, { .id = 3 },
		{ .id = 4 } };
	struct dest *d[3];
	size_t before = dest_count();
	static struct sched s;
	int i;

	sched_init(&s);
	queue.conf.active_max = 10;
	d[0] = get("one.test", "", DEST_TLS_ROUTE);
	d[1] = get("two.test", "", DEST_TLS_ROUTE);
	d[2] = get("three.test", "", DEST_TLS_ROUTE);
	for (i = 0; i < 3; i++) {
		dest_made(d[i]);
		sched_line(&s, &e[i], dest_park(d[i]));
	}
	assert_null(dest_parked(1));
	dest_freed(d[2]);
	dest_freed(d[1]);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(dest_parked(1), &e[2]);
	sched_set(&s, &e[2], ENTRY_ACTIVE);
	dest_made(d[2]);
	sched_line(&s, &e[3], dest_park(d[2]));
	dest_freed(d[2]);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(dest_parked(i & 1), &e[1]);
	sched_set(&s, &e[1], ENTRY_ACTIVE);
	dest_made(d[1]);
	assert_ptr_equal(dest_parked(1), &e[3]);
	sched_set(&s, &e[3], ENTRY_ACTIVE);
	dest_made(d[2]);
	assert_null(dest_parked(1));
	assert_ptr_equal(dest_parked(0), &e[0]);
	sched_set(&s, &e[0], ENTRY_ACTIVE);
	assert_null(dest_parked(0));
	for (i = 0; i < 3; i++)
		dest_freed(d[i]);
	dest_tidy();
	assert_int_equal(dest_count(), before);
}

/* What a line still leads to is not forgotten, with no job and not known. */
static void
test_tidy_keeps_lines(void **state)
{
	struct dest *d = get("line.test", "", DEST_TLS_ROUTE);
	size_t before = dest_count();
	struct entry e = { .id = 1 };
	struct sched s;

	sched_init(&s);
	sched_line(&s, sched_add(&s, e.id), dest_park(d));
	dest_tidy();
	assert_int_equal(dest_count(), before);
	assert_ptr_equal(dest_parked(1), sched_find(&s, e.id));
	sched_remove(&s, sched_find(&s, e.id));
	dest_tidy();
	assert_int_equal(dest_count(), before - 1);
	assert_null(dest_parked(0));
	sched_clear(&s);
}

/* Down for a minute, known for ten; the second failure counts, not one. */
static void
test_times(void **state)
{
	struct dest *d = get("far.test", "", DEST_TLS_ROUTE);

	dest_reached(d);
	clock_ms += KNOWN_TIME * 1000 - 1;
	assert_true(dest_known(d));
	clock_ms++;
	assert_false(dest_known(d));
	dest_reached(d);
	assert_true(dest_known(d));
	dest_unreached(d, "4.4.1 a");
	assert_false(dest_known(d));
	assert_false(dest_is_down(d));
	dest_unreached(d, "4.4.1 b");
	assert_true(dest_is_down(d));
	assert_string_equal(d->why, "4.4.1 b");
	clock_ms += DOWN_TIME * 1000 - 1;
	assert_true(dest_is_down(d));
	clock_ms++;
	assert_false(dest_is_down(d));
	/* One try; where it fails, down at once. */
	dest_unreached(d, "4.4.1 c");
	assert_true(dest_is_down(d));
	/* One success, and a failure is the first again. */
	dest_reached(d);
	dest_unreached(d, "4.4.1 d");
	assert_false(dest_is_down(d));
	dest_tidy();
}

/* A quarter of the jobs there may be where it is known, else a sixteenth, and
   eight in any case; none where all are taken, but one always. */
static void
test_room(void **state)
{
	static const struct {
		unsigned most, known, jobs;
	} row[] = {
		{ 320, 0, 20 }, { 320, 1, 80 }, { 100, 0, 8 }, { 100, 1, 25 },
		{ 10, 0, 8 }, { 10, 1, 8 },
	};
	struct dest *d = get("far.test", "", DEST_TLS_ROUTE);
	size_t i;
	unsigned n;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		queue.conf.active_max = row[i].most;
		if (row[i].known)
			dest_reached(d);
		else
			dest_unreached(d, "4.4.1 no");
		assert_true(dest_room(d, 1));
		for (n = 0; dest_room(d, 0) && n < 1000; n++) {
			dest_made(d);
			assert_false(dest_room(d, 1));
		}
		assert_int_equal(n, row[i].jobs);
		while (n-- > 0)
			dest_freed(d);
	}
	dest_reached(d);
	clock_ms += 1000 * KNOWN_TIME;
	dest_tidy();
}

/* What is known is kept, while there are no more than KNOWN_MAX. */
static void
test_tidy_known(void **state)
{
	size_t before = dest_count();
	char route[40];
	int i;

	for (i = 0; i < KNOWN_MAX; i++) {
		snprintf(route, sizeof(route), "k%d.test", i);
		dest_reached(get(route, "", DEST_TLS_ROUTE));
	}
	assert_int_equal(before, 0);
	dest_tidy();
	assert_int_equal(dest_count(), KNOWN_MAX);
	dest_made(get("busy.test", "", DEST_TLS_ROUTE));
	dest_tidy();
	assert_int_equal(dest_count(), 1);
	dest_freed(get("busy.test", "", DEST_TLS_ROUTE));
	dest_tidy();
	assert_int_equal(dest_count(), 0);
}

/* Each in turn, and with more sessions where it is known. */
static void
test_turns(void **state)
{
	struct dest *d[3], *known = get("known.test", "", DEST_TLS_ROUTE);
	struct queue_job *j, job[6] = { { .id = 1 } };
	char route[40];
	int i;

	queue.conf.per_destination = 2;
	for (i = 0; i < 3; i++) {
		snprintf(route, sizeof(route), "t%d.test", i);
		d[i] = get(route, "", DEST_TLS_ROUTE);
		dest_add(d[i], &job[i]);
	}
	for (i = 0; i < 6; i++)
		assert_ptr_equal(dest_next(SHARE_UNKNOWN, &j), d[i % 3]);
	dest_reached(known);
	dest_add(known, &job[3]);
	dest_push(known, &job[4]);
	for (i = 0; i < 2; i++) {
		assert_ptr_equal(dest_next(SHARE_KNOWN, &j), known);
		assert_ptr_equal(j, &job[4]);
		dest_took(known);
	}
	assert_null(dest_next(SHARE_KNOWN, &j));
	dest_left(known);
	assert_ptr_equal(dest_next(SHARE_KNOWN, &j), known);
	dest_left(known);
	for (i = 0; i < 3; i++)
		dest_drop(d[i], &job[i]);
	dest_drop(known, &job[3]);
	dest_drop(known, &job[4]);
	clock_ms += 1000 * KNOWN_TIME;
	dest_tidy();
	assert_int_equal(dest_count(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys), cmocka_unit_test(test_down),
		cmocka_unit_test(test_connections), cmocka_unit_test(test_bounces),
		cmocka_unit_test(test_parked), cmocka_unit_test(test_many),
		cmocka_unit_test(test_tidy_keeps_lines),
		cmocka_unit_test(test_times), cmocka_unit_test(test_room),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_tidy_known),
	};

	return cmocka_run_group_tests_name("dest", tests, NULL, NULL);
}
