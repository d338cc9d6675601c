#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* With its sum for processors without the instruction. */
#include "lib/base/crc32c.c"

/* RFC 3720 B.4, with the checksum as a number. */
static void
test_known(void **state)
{
	unsigned char t[32];
	unsigned i;

	memset(t, 0, sizeof(t));
	assert_int_equal(crc32c(0, t, sizeof(t)), 0x8a9136aa);
	memset(t, 0xff, sizeof(t));
	assert_int_equal(crc32c(0, t, sizeof(t)), 0x62a8ab43);
	for (i = 0; i < sizeof(t); i++)
		t[i] = (unsigned char)i;
	assert_int_equal(crc32c(0, t, sizeof(t)), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, NULL, 0), 0);
}

/* A processor that knows it and one that does not come to the same. */
static void
test_soft(void **state)
{
	unsigned char t[100];
	size_t at, len;
	unsigned i;

	for (i = 0; i < sizeof(t); i++)
		t[i] = (unsigned char)(i * 37 ^ i >> 1);
	for (at = 0; at < 9; at++)
		for (len = 0; len <= sizeof(t) - at; len++)
			assert_int_equal(~crc_soft(~(uint32_t)len, t + at,
			    len), crc32c((uint32_t)len, t + at, len));
	assert_int_equal(~crc_soft(~0u, (const void *)"123456789", 9),
	    0xe3069283);
}

static void
test_join(void **state)
{
	enum { N = 5000 };
	static unsigned char t[N];
	uint32_t all, b;
	size_t i;

	for (i = 0; i < N; i++)
		t[i] = (unsigned char)(i * i >> 3);
	all = crc32c(0, t, N);
	for (i = 0; i <= N; i++) {
		b = crc32c(0, t + i, N - i);
		assert_int_equal(crc32c_join(crc32c(0, t, i), b, N - i), all);
		/* And in steps. */
		assert_int_equal(crc32c(crc32c(0, t, i), t + i, N - i), all);
	}
}

/* Lengths that nobody sums in a test: a run of NULs by doubling. */
static void
test_join_far(void **state)
{
	static const unsigned char zero[4096];
	uint32_t run = crc32c(0, zero, sizeof(zero)), a, far;
	uint64_t len = sizeof(zero);
	size_t i;

	/* 4 KiB to 1 GiB */
	for (i = 0; i < 18; i++, len *= 2)
		run = crc32c_join(run, run, len);
	a = crc32c(0, "head", 4);
	far = crc32c_join(a, run, len);
	/* The same in two halves. */
	for (i = 0, a = crc32c(0, "head", 4); i < 2; i++) {
		uint32_t half = crc32c(0, zero, sizeof(zero));
		uint64_t n = sizeof(zero);

		for (; n < len / 2; n *= 2)
			half = crc32c_join(half, half, n);
		a = crc32c_join(a, half, n);
	}
	assert_int_equal(a, far);
	assert_int_not_equal(a, run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_join_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
