/* Sets of keywords, and those beyond the first 64 as octets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/keyword_set.h"

static void
test_bits(void **state)
{
	struct keyword_set s = { .word = { 0 } }, other = { .word = { 0 } };
	int bit, n = 0;

	assert_int_equal(keyword_set_end(&s), 0);
	assert_int_equal(keyword_set_next(&s, 0), -1);
	keyword_set_put(&s, 0);
	keyword_set_put(&s, 63);
	keyword_set_put(&s, 64);
	keyword_set_put(&s, KEYWORDS_MAX - 1);
	for (bit = -1; (bit = keyword_set_next(&s, (unsigned)bit + 1)) != -1;
	    n++)
		assert_true(keyword_set_has(&s, (unsigned)bit));
	assert_int_equal(n, 4);
	assert_int_equal(keyword_set_next(&s, KEYWORDS_MAX), -1);
	assert_int_equal(keyword_set_end(&s), KEYWORDS_MAX);
	assert_false(keyword_set_has(&s, 1));
	keyword_set_put(&other, 64);
	assert_true(keyword_set_meet(&s, &other));
	keyword_set_remove(&s, &other);
	assert_false(keyword_set_meet(&s, &other));
	keyword_set_add(&s, &other);
	assert_true(keyword_set_has(&s, 64));
	keyword_set_drop(&s, KEYWORDS_MAX - 1);
	assert_int_equal(keyword_set_end(&s), 65);
	keyword_set_keep(&s, 64);
	assert_int_equal(keyword_set_end(&s), 64);
	keyword_set_keep(&s, 63);
	assert_int_equal(keyword_set_end(&s), 1);
	keyword_set_keep(&s, 0);
	assert_int_equal(keyword_set_end(&s), 0);
	keyword_set_invert(&s);
	assert_true(keyword_set_is_full(&s));
	keyword_set_keep(&s, KEYWORDS_MAX);
	assert_true(keyword_set_is_full(&s));
	keyword_set_drop(&s, 700);
	assert_false(keyword_set_is_full(&s));
	assert_false(keyword_set_same(&s, &other));
	other = s;
	assert_true(keyword_set_same(&s, &other));
}

/* Any two of them and any one come back as they were; the first 64 are not
   packed, and not touched. */
static void
test_packed(void **state)
{
	unsigned char p[KEYWORD_PACKED];
	struct keyword_set s, back;
	unsigned a, b;
	size_t n;

	for (a = 0; a < KEYWORDS_MAX; a += 7)
		for (b = a; b < KEYWORDS_MAX; b += 5) {
			memset(&s, 0, sizeof(s));
			keyword_set_put(&s, a);
			keyword_set_put(&s, b);
			n = keyword_set_pack(&s, p);
			assert_int_equal(n == 0, b < 64);
			if (a >= 64)
				assert_int_equal(n, 2 + b / 8 - a / 8);
			memset(&back, 0xff, sizeof(back));
			back.word[0] = s.word[0];
			assert_int_equal(keyword_set_unpack(&back, p, n), 0);
			assert_true(keyword_set_same(&s, &back));
		}
	memset(&s, 0, sizeof(s));
	keyword_set_invert(&s);
	assert_int_equal(keyword_set_pack(&s, p), KEYWORD_PACKED);
	memset(&back, 0xff, sizeof(back));
	assert_int_equal(keyword_set_unpack(&back, p, KEYWORD_PACKED), 0);
	assert_true(keyword_set_is_full(&back));
}

static void
test_broken(void **state)
{
	static const struct {
		const char *p;
		size_t	 len;
	} row[] = {
		{ "\0", 1 }, { "\0\0", 2 }, { "\1\1\0", 3 }, { "\0\0\1", 3 },
		{ "\170\1", 2 }, { "\377\1", 2 }, { "\167\1\1", 3 },
	};
	struct keyword_set s;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		memset(&s, 0xff, sizeof(s));
		assert_int_equal(keyword_set_unpack(&s, row[i].p,
		    row[i].len), -1);
		assert_int_equal(keyword_set_end(&s), 64);
	}
	assert_int_equal(keyword_set_unpack(&s, "\167\200", 2), 0);
	assert_int_equal(keyword_set_end(&s), KEYWORDS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits), cmocka_unit_test(test_packed),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
