#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/base/buf.h"
#include "lib/base/crc32c.h"

static void
test_max(void **state)
{
	struct buf b = BUF_INIT(10);

	assert_int_equal(buf_append(&b, "0123456789", 10), 0);
	assert_int_equal(buf_putc(&b, 'x'), -1);
	assert_int_equal(b.len, 10);
	assert_string_equal(buf_str(&b), "0123456789");
	buf_consume(&b, 4);
	assert_string_equal(buf_str(&b), "456789");
	assert_int_equal(buf_printf(&b, "%d", 12345), -1);
	assert_int_equal(buf_printf(&b, "%d", 1234), 0);
	buf_clear(&b);
	assert_string_equal(buf_str(&b), "");
}

static void
test_reserve_overflow(void **state)
{
	struct buf b = BUF_INIT(0);

	assert_int_equal(buf_puts(&b, "abc"), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), -1);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
	assert_string_equal(buf_str(&b), "abc");
	buf_clear(&b);
}

static void
test_number(void **state)
{
	struct buf b = BUF_INIT(30);

	assert_int_equal(buf_put_number(&b, 0), 0);
	buf_putc(&b, ' ');
	assert_int_equal(buf_put_number(&b, 1090), 0);
	buf_putc(&b, ' ');
	assert_int_equal(buf_put_number(&b, UINT64_MAX), 0);
	assert_string_equal(buf_str(&b), "0 1090 18446744073709551615");
	assert_int_equal(buf_put_number(&b, 1000), -1);
	assert_int_equal(b.len, 27);
	buf_clear(&b);
}

static void
test_cursor(void **state)
{
	struct buf b = BUF_INIT(0);
	struct cursor c;
	const char *p;
	size_t n;

	buf_put_u8(&b, 7);
	buf_put_u32(&b, 0xdeadbeef);
	buf_put_u64(&b, UINT64_MAX - 1);
	buf_put_lv(&b, "hello", 5);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(cursor_u8(&c), 7);
	assert_int_equal(cursor_u32(&c), 0xdeadbeef);
	assert_true(cursor_u64(&c) == UINT64_MAX - 1);
	p = cursor_lv(&c, &n, 5);
	assert_int_equal(n, 5);
	assert_memory_equal(p, "hello", 5);
	assert_false(c.bad);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.bad);
	cursor_init(&c, b.data + 13, b.len - 13);
	assert_null(cursor_lv(&c, &n, 4));
	assert_true(c.bad);
	cursor_init(&c, NULL, 5);
	assert_int_equal(cursor_left(&c), 0);
	buf_clear(&b);
}

static void
test_base64(void **state)
{
	static const char *const bad[] = { "A", "AA", "AAA", "A===", "AA=A",
		"AB==", "AAB=", "AA==AAAA", "A A=", "====", "AAA\n" };
	struct buf b = BUF_INIT(100), c = BUF_INIT(100);
	size_t i, n;

	for (n = 0; n < 6; n++) {
		buf_reset(&b);
		buf_reset(&c);
		assert_int_equal(base64_encode(&b, "foobar", n), 0);
		assert_int_equal(base64_decode(&c, b.data, b.len), 0);
		assert_int_equal(c.len, n);
		assert_memory_equal(buf_str(&c), "foobar", n);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(&c, bad[i], strlen(bad[i])),
		    -1);
	assert_int_equal(c.len, 5);
	buf_clear(&b);
	buf_clear(&c);
}

static void
test_crc32c(void **state)
{
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

/* Words for people are better cut than lost. */
static void
test_set(void **state)
{
	struct buf b = BUF_INIT(5), none = BUF_INIT(0);

	buf_set(&b, "%s", "four");
	assert_string_equal(buf_str(&b), "four");
	buf_set(&b, "%s", "five5");
	assert_string_equal(buf_str(&b), "five5");
	buf_set(&b, "%s %d", "longer than that", 7);
	assert_string_equal(buf_str(&b), "longe");
	assert_int_equal(b.len, 5);
	buf_set(&b, "%s", "");
	assert_int_equal(b.len, 0);
	buf_set(&none, "%0*d", 600, 0);
	assert_int_equal(none.len, 600);
	buf_set(NULL, "nobody asks");
	buf_clear(&b);
	buf_clear(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_max),
		cmocka_unit_test(test_reserve_overflow),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_crc32c),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
