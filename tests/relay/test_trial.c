/* A trial of a provider's server: how long all its addresses may take. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/trial.h"

static int64_t now;		/* ms */
static int64_t takes;		/* a connection that comes to nothing; at most
				   what it may */
static unsigned calls;

int64_t	__wrap_clock_mono_ms(void);
int	__wrap_connect_address(const struct addr *a, int64_t ms);

int64_t
__wrap_clock_mono_ms(void)
{
	return now;
}

int
__wrap_connect_address(const struct addr *a, int64_t ms)
{
	calls++;
	assert_true(ms > 0 && ms <= TRIAL_CONNECT_MS);
	now += takes < ms ? takes : ms;
	errno = takes < ms ? ECONNREFUSED : ETIMEDOUT;
	return -1;
}

/* How many of eight addresses are tried. */
static unsigned
tried(int64_t each, struct buf *words)
{
	struct trial_question q = { .host = "mx.test", .port = 587,
		.n = TRIAL_ADDRESSES_MAX };
	unsigned i;

	for (i = 0; i < q.n; i++)
		snprintf(q.ip[i], sizeof(q.ip[i]), "192.0.2.%u", i + 1);
	now = 1000;
	takes = each;
	calls = 0;
	assert_int_equal(trial_run(&q, NULL, words), TRIAL_NO_ANSWER);
	return calls;
}

static void
test_silent_addresses(void **state)
{
	struct buf words = BUF_INIT(600);

	assert_int_equal(tried(10, &words), TRIAL_ADDRESSES_MAX);
	assert_string_equal(buf_str(&words), strerror(ECONNREFUSED));
	assert_int_equal(tried(INT32_MAX, &words), 2);
	assert_int_equal(now - 1000, TRIAL_CONNECT_ALL_MS);
	assert_string_equal(buf_str(&words), strerror(ETIMEDOUT));
	/* The last one has what is left. */
	assert_int_equal(tried(TRIAL_CONNECT_MS - 1, &words), 3);
	assert_int_equal(now - 1000, TRIAL_CONNECT_ALL_MS);
	buf_clear(&words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
