/* What a box keeps of the keywords that few messages have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/door_proto.h"

#include "imapd/imapd_wide.h"

enum { MANY = 1000 };

static unsigned
one_of(const struct imapd_wide *w, uint32_t uid, uint32_t mark)
{
	struct door_record r = { .uid = uid, .flags = mark, .keywords = 1 };
	struct keyword_set s;

	imapd_wide_get(w, &r, &s);
	assert_int_equal(s.word[0], 1);
	return keyword_set_end(&s);
}

static void
put(struct imapd_wide *w, uint32_t uid, unsigned bit)
{
	struct keyword_set s = { .word = { 0 } };
	unsigned char p[KEYWORD_PACKED];

	keyword_set_put(&s, bit);
	imapd_wide_put(w, uid, p, keyword_set_pack(&s, p));
}

static int
is_even(const void *arg, uint32_t uid)
{
	return uid % 2 == 0;
}

static void
test_in_any_order(void **state)
{
	struct imapd_wide w = { .n = 0 };
	uint32_t uid;
	unsigned i;

	assert_int_equal(one_of(&w, 5, MARK_WIDE), 1);
	for (i = 0; i < MANY; i++)
		put(&w, 1 + i * 7 % MANY, 64 + i * 7 % MANY % 900);
	assert_int_equal(w.n, MANY);
	for (uid = 1; uid <= MANY; uid++) {
		assert_int_equal(one_of(&w, uid, MARK_WIDE),
		    65 + (uid - 1) % 900);
		/* the record says whether it has any */
		assert_int_equal(one_of(&w, uid, 0), 1);
	}
	put(&w, 500, 1000);
	assert_int_equal(w.n, MANY);
	assert_int_equal(one_of(&w, 500, MARK_WIDE), 1001);
	assert_int_equal(one_of(&w, MANY + 1, MARK_WIDE), 1);
	imapd_wide_sweep(&w, is_even, NULL);
	assert_int_equal(w.n, MANY / 2);
	assert_int_equal(one_of(&w, 500, MARK_WIDE), 1001);
	assert_int_equal(one_of(&w, 501, MARK_WIDE), 1);
	imapd_wide_clear(&w);
	assert_int_equal(w.n, 0);
}

static int
is_there(const void *arg, uint32_t uid)
{
	return ((const unsigned char *)arg)[uid];
}

/* In runs that rise, as records come, beside a table. */
static void
test_in_runs(void **state)
{
	unsigned char bits[MANY] = { 0 }, there[MANY] = { 0 };
	struct imapd_wide w = { .n = 0 };
	uint32_t uid, step;
	unsigned i, k;

	srandom(7);
	for (i = 0; i < 300; i++) {
		uid = (uint32_t)random() % MANY;
		step = 1 + (uint32_t)random() % 9;
		for (k = random() % 60; k > 0 && uid < MANY; k--) {
			bits[uid] = (unsigned char)(1 + random() % 200);
			there[uid] = 1;
			put(&w, uid, 63U + bits[uid]);
			uid += step;
		}
		if (i % 50 == 49) {
			for (uid = 0; uid < MANY; uid += 3)
				there[uid] = bits[uid] = 0;
			imapd_wide_sweep(&w, is_there, there);
		}
		for (uid = 0; uid < MANY; uid++)
			assert_int_equal(one_of(&w, uid, MARK_WIDE),
			    bits[uid] > 0 ? 64 + bits[uid] : 1);
	}
	imapd_wide_clear(&w);
}

/* Beside the records that have some; what does not fit them is none. */
static void
test_next(void **state)
{
	struct door_record r[] = { { .uid = 1 }, { .uid = 2,
		.flags = MARK_WIDE }, { .uid = 3, .flags = MARK_WIDE },
		{ .uid = 4, .flags = MARK_WIDE } };
	struct buf b = BUF_INIT(0);
	struct cursor c;
	const void *p;
	size_t len;

	door_pack_wide(&b, 2, "\0\1", 2);
	door_pack_wide(&b, 9, "", 0);
	door_pack_wide(&b, 9, "\0\1", 2);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(imapd_wide_next(&c, &r[0], &p, &len), 0);
	assert_int_equal(imapd_wide_next(&c, &r[1], &p, &len), 1);
	assert_int_equal(len, 2);
	assert_memory_equal(p, "\0\1", 2);
	assert_int_equal(imapd_wide_next(&c, &r[2], &p, &len), 0);
	assert_int_equal(imapd_wide_next(&c, &r[3], &p, &len), 0);
	cursor_init(&c, NULL, 0);
	assert_int_equal(imapd_wide_next(&c, &r[1], &p, &len), 0);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_any_order),
		cmocka_unit_test(test_in_runs),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
