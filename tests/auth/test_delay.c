#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "auth/auth_cache.h"
#include "auth/auth_delay.h"
#include "auth/remote.h"

enum { BASE = 1000, MINUTE = 60000 };

static const char here[] = "192.0.2.1:4711", there[] = "198.51.100.7:99";

static int64_t
before(struct auth_delay *d, const char *user, const char *remote, int64_t now)
{
	struct auth_try t;

	auth_try_init(&t, d, user, remote);
	return auth_delay_before(d, &t, now);
}

static void
failed(struct auth_delay *d, const char *user, const char *remote, int64_t now)
{
	struct auth_try t;

	auth_try_init(&t, d, user, remote);
	auth_delay_failed(d, &t, now);
}

static void
passed(struct auth_delay *d, const char *user, const char *remote, int64_t now)
{
	struct auth_try t;

	auth_try_init(&t, d, user, remote);
	auth_delay_passed(d, &t, now);
}

static void
test_growth(void **state)
{
	static const int64_t expected[] = { 0, 0, 0, 1000, 2000, 4000, 8000,
		16000, 32000, 32000 };
	struct auth_delay *d;
	size_t i, j;

	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		d = auth_delay_new(BASE, 16);
		for (j = 0; j < i; j++)
			failed(d, "anna@example.test", here, 0);
		assert_int_equal(before(d, "anna@example.test", here, 0),
		    expected[i]);
		auth_delay_free(&d);
	}
}

/* A flood from one address: a line that is refused once it is long. */
static void
test_line(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 16);
	int64_t w, last = 0;
	int i, refused = 0;
	char user[40];

	for (i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "user%d@example.test", i);
		failed(d, user, here, 0);
		w = before(d, user, here, 0);
		if (w == -1) {
			refused++;
			continue;
		}
		assert_true(w >= last && w <= AUTH_DELAY_LINE_MS);
		last = w;
	}
	assert_true(refused > 900);
	/* Elsewhere nobody notices. */
	assert_int_equal(before(d, "anna@example.test", there, 0), 0);
	auth_delay_free(&d);
}

/* A wait as long as the longest line is one, and nobody else gets one. */
static void
test_longest_line(void **state)
{
	struct auth_delay *d;
	int64_t base;
	int i;

	for (base = AUTH_DELAY_LINE_MS; base <= AUTH_DELAY_LINE_MS + 1;
	    base++) {
		d = auth_delay_new(base, 16);
		for (i = 0; i < AUTH_DELAY_FREE; i++) {
			assert_int_equal(before(d, "anna@example.test", here,
			    0), 0);
			failed(d, "anna@example.test", here, 0);
		}
		assert_int_equal(before(d, "anna@example.test", here, 0),
		    base == AUTH_DELAY_LINE_MS ? base : -1);
		assert_int_equal(before(d, "anna@example.test", here, 0), -1);
		auth_delay_free(&d);
	}
}

/* A thousand guesses at one user from many addresses. */
static void
test_user(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 2048);
	char remote[40];
	int i;

	passed(d, "anna@example.test", there, 0);
	for (i = 0; i < 1000; i++) {
		snprintf(remote, sizeof(remote), "10.%d.%d.1:5", i / 250,
		    i % 250);
		failed(d, "anna@example.test", remote, 0);
	}
	/* The right user where she was before: at once; elsewhere: soon. */
	assert_int_equal(before(d, "anna@example.test", there, 0), 0);
	assert_int_equal(before(d, "anna@example.test", here, 0),
	    AUTH_DELAY_USER_MS);
	assert_int_equal(before(d, "berta@example.test", here, 0), 0);
	/* In the same house as the guesser, too. */
	for (i = 0; i < 50; i++)
		failed(d, "berta@example.test", there, 0);
	assert_int_equal(before(d, "anna@example.test", there, 0), 0);
	assert_true(before(d, "berta@example.test", there, 0) > 0);
	auth_delay_free(&d);
}

static void
test_own_account(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 16);
	int i;

	/* One own login between guesses wipes nothing out. */
	for (i = 0; i < 10; i++) {
		failed(d, "anna@example.test", here, 0);
		passed(d, "mallory@example.test", here, 0);
	}
	assert_true(before(d, "anna@example.test", here, 0) > 8000);
	auth_delay_free(&d);
}

static void
test_decay(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 16);
	int i;

	for (i = 0; i < 6; i++)
		failed(d, "anna@example.test", here, 0);
	assert_int_equal(before(d, "anna@example.test", here, 0), 8000);
	assert_int_equal(before(d, "anna@example.test", here, 15 * MINUTE),
	    1000);
	assert_int_equal(before(d, "anna@example.test", here, 17 * MINUTE),
	    0);
	/* Known for 30 days, then like anybody. */
	passed(d, "anna@example.test", here, 0);
	for (i = 0; i < 9; i++)
		failed(d, "x@example.test", here, 0);
	assert_int_equal(before(d, "anna@example.test", here, 0), 0);
	for (i = 0; i < 9; i++)
		failed(d, "x@example.test", here, AUTH_DELAY_GOOD_MS);
	assert_true(before(d, "anna@example.test", here,
	    AUTH_DELAY_GOOD_MS) > 0);
	auth_delay_free(&d);
}

static void
test_addresses(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 16);
	int i;

	for (i = 0; i < 5; i++)
		failed(d, "a@example.test", "[2001:db8::1:2]:5", 0);
	assert_true(before(d, "b@example.test",
	    "[2001:db8::ffff:9]:77", 0) > 0);
	assert_int_equal(before(d, "b@example.test",
	    "[2001:db8:0:1::1]:77", 0), 0);
	assert_int_equal(before(d, "b@example.test", "", 0), 0);
	assert_int_equal(before(d, "b@example.test", "[[[:::", 0), 0);
	auth_delay_free(&d);
}

/* What failures and connections are counted by. */
static void
test_remote_key(void **state)
{
	static const struct { const char *a, *b; int same; } rows[] = {
		{ "[2001:db8::1:2]:5", "[2001:db8::ffff:9]:65000", 1 },
		{ "[2001:db8::1]:5", "[2001:db8:0:1::1]:5", 0 },
		{ "192.0.2.1:5", "192.0.2.1:65000", 1 },
		{ "192.0.2.1:5", "192.0.2.2:5", 0 },
		{ "local", "local", 1 }, { "local", "locals", 0 },
		{ "", "local", 0 },
	};
	unsigned char a[REMOTE_KEY_MAX], b[REMOTE_KEY_MAX];
	size_t i, n, m;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = remote_key(rows[i].a, a);
		m = remote_key(rows[i].b, b);
		if ((n == m && memcmp(a, b, n) == 0) != rows[i].same)
			fail_msg("%s %s", rows[i].a, rows[i].b);
	}
}

static void
test_off(void **state)
{
	struct auth_delay *d = auth_delay_new(0, 16);
	int i;

	for (i = 0; i < 100; i++)
		failed(d, "a@example.test", here, 0);
	assert_int_equal(before(d, "a@example.test", here, 0), 0);
	assert_int_equal(auth_delay_late(d, 5), 5);
	auth_delay_free(&d);
}

/* Whoever guesses in a place cannot make it forget who belongs there. */
static void
test_known_stays(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 1);
	char name[40];
	int i;

	passed(d, "anna@example.test", here, 0);
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "user%d@example.test", i);
		failed(d, name, here, i);
	}
	assert_int_equal(before(d, "anna@example.test", here, 50), 0);
	assert_true(before(d, "bert@example.test", here, 50) != 0);
	auth_delay_free(&d);
}

static void
test_cache(void **state)
{
	struct auth_cache *c = auth_cache_new(1000);
	int i;
	char name[40];

	assert_int_equal(auth_cache_has(c, "a", "hash", "pw", 0), 0);
	auth_cache_add(c, "a", "hash", "pw", 0);
	assert_int_equal(auth_cache_has(c, "a", "hash", "pw", 999), 1);
	assert_int_equal(auth_cache_has(c, "a", "hash", "pw", 1000), 0);
	/* Every input counts, and so do its borders. */
	assert_int_equal(auth_cache_has(c, "b", "hash", "pw", 0), 0);
	assert_int_equal(auth_cache_has(c, "a", "hash2", "pw", 0), 0);
	assert_int_equal(auth_cache_has(c, "a", "hash", "pw2", 0), 0);
	assert_int_equal(auth_cache_has(c, "ah", "ash", "pw", 0), 0);
	assert_int_equal(auth_cache_has(c, "a", "hashp", "w", 0), 0);
	/* More than fit: the table keeps its size and stays right. */
	for (i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		auth_cache_add(c, name, "hash", "pw", 0);
	}
	assert_int_equal(auth_cache_has(c, "user19999", "hash", "pw", 0), 1);
	assert_int_equal(auth_cache_has(c, "user19999", "hash", "pq", 0), 0);
	auth_cache_free(&c);
	c = auth_cache_new(0);
	auth_cache_add(c, "a", "hash", "pw", 0);
	assert_int_equal(auth_cache_has(c, "a", "hash", "pw", 0), 0);
	auth_cache_free(&c);
}

/* Of a full set, who came last stays and who came first goes. */
static void
test_cache_forgets_the_oldest(void **state)
{
	enum { ALL = 20000, LAST = 1000, KEPT = 900 };
	struct auth_cache *c = auth_cache_new(2 * ALL);
	int i, first = 0, last = 0;
	char name[40];

	for (i = 0; i < ALL; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		auth_cache_add(c, name, "hash", "pw", i);
	}
	for (i = 0; i < ALL; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		if (i < LAST)
			first += auth_cache_has(c, name, "hash", "pw", ALL);
		else if (i >= ALL - LAST)
			last += auth_cache_has(c, name, "hash", "pw", ALL);
	}
	assert_int_equal(first, 0);
	/* Five of them in one set are rare: four in all, of a thousand. */
	assert_true(last > KEPT);
	auth_cache_free(&c);
}

/* However many guesses there were, they are forgotten in the same time. */
static void
test_score_is_bounded(void **state)
{
	struct auth_delay *d = auth_delay_new(BASE, 16);
	int i;

	for (i = 0; i < 5000; i++)
		failed(d, "anna@example.test", here, 0);
	assert_true(before(d, "anna@example.test", here,
	    4 * AUTH_DELAY_HALF_MS) > 0);
	assert_int_equal(before(d, "anna@example.test", here,
	    6 * AUTH_DELAY_HALF_MS), 0);
	auth_delay_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_own_account),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_score_is_bounded),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_remote_key),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_known_stays),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
