#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

static void
test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t	 len, n;
	} row[] = {
		{ "", 0, 0 }, { "a", 1, 1 }, { "\0", 1, 1 }, { "\x7f", 1, 1 },
		{ "\x80", 1, 0 }, { "\xc2\x80", 2, 2 }, { "\xc2", 1, 0 },
		{ "\xc1\xbf", 2, 0 }, { "\xdf\xbf", 2, 2 },
		{ "\xc3\x28", 2, 0 },
		{ "\xe0\xa0\x80", 3, 3 }, { "\xe0\x9f\xbf", 3, 0 },
		{ "\xed\x9f\xbf", 3, 3 }, { "\xed\xa0\x80", 3, 0 },
		{ "\xef\xbf\xbf", 3, 3 }, { "\xe2\x82", 2, 0 },
		{ "\xf0\x90\x80\x80", 4, 4 }, { "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 }, { "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 }, { "\xf0\x9f\x98", 3, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(str_utf8(row[i].text, row[i].len), row[i].n);
}

static void
test_log_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{ "plain", "plain" },
		{ "a\r\nb\tc", "a\\x0d\\x0ab\\x09c" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f" },
		{ "\xc2\x9b" "1m", "\\xc2\\x9b1m" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "cut \xe2\x82", "cut \\xe2\\x82" },
		{ "\x7f", "\\x7f" },
	};
	char out[100];
	size_t i, n;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		n = log_clean(out, sizeof(out), row[i].in, strlen(row[i].in));
		assert_int_equal(n, strlen(row[i].out));
		assert_memory_equal(out, row[i].out, n);
	}
	/* Never past max, and no character is cut. */
	for (i = 5; i < 12; i++)
		assert_true(log_clean(out, i, "\xc3\xbc\xc3\xbc\xc3\xbc\r\r",
		    8) < i);
}

static void
test_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int	 r;
		uint64_t v;
	} row[] = {
		{ "0", 0, 0, 0 }, { "007", 7, 0, 7 }, { "8", 7, -1, 99 },
		{ "", 7, -1, 99 }, { "-1", 7, -1, 99 }, { "+1", 7, -1, 99 },
		{ " 1", 7, -1, 99 }, { "1 ", 7, -1, 99 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -1, 99 },
		{ "99999999999999999999999", UINT64_MAX, -1, 99 },
	};
	uint64_t v;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		v = 99;
		assert_int_equal(str_number(row[i].text, strlen(row[i].text),
		    row[i].max, &v), row[i].r);
		assert_true(v == row[i].v);
	}
}

static void
test_lines(void **state)
{
	static const char text[] = "one\n\ntwo words\nlast";
	static const char *const want[] = { "one", "", "two words", "last" };
	const char *p = text, *line;
	size_t i, len;

	for (i = 0; i < 4; i++) {
		assert_non_null(line = str_line(&p, &len));
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(line, want[i], len);
	}
	assert_null(str_line(&p, &len));
	assert_null(str_line(&p, &len));
	p = "one\n";
	assert_non_null(str_line(&p, &len));
	assert_null(str_line(&p, &len));
}

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789-bcdefghijklmnopqrstuvwxyz0"

static void
test_host(void **state)
{
	static const struct {
		const char *text;
		enum str_host r;
	} t[] = {
		{ "a", STR_HOST_OK },
		{ "Mail-1.Example.TEST", STR_HOST_OK },
		{ "1.2", STR_HOST_OK },
		{ L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789-"
		  "bcdefghijklmnopqrstuvwxy", STR_HOST_OK },
		{ L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789-"
		  "bcdefghijklmnopqrstuvwxyz", STR_HOST_LONG },
		{ L63 "a.x", STR_HOST_LONG },
		{ "", STR_HOST_SYNTAX },
		{ ".", STR_HOST_SYNTAX },
		{ "a.", STR_HOST_SYNTAX },
		{ ".a", STR_HOST_SYNTAX },
		{ "a..b", STR_HOST_SYNTAX },
		{ "-a", STR_HOST_SYNTAX },
		{ "a-.b", STR_HOST_SYNTAX },
		{ "a_b", STR_HOST_SYNTAX },
		{ "a b", STR_HOST_SYNTAX },
		{ "\303\274.test", STR_HOST_SYNTAX },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(str_host(t[i].text, strlen(t[i].text)),
		    t[i].r);
		assert_int_equal(str_is_host(t[i].text, strlen(t[i].text)),
		    t[i].r == STR_HOST_OK);
	}
}

static void
test_mark(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int r;
		size_t skipped;
	} t[] = {
		{ "\xef\xbb\xbf" "a", 4, 0, 3 },
		{ "\xef\xbb\xbf", 3, 0, 3 },
		{ "\xef\xbb", 2, 0, 0 },
		{ "\xef\xbb\xbf\xef\xbb\xbf" "a", 7, 0, 6 },
		{ "a\xef\xbb\xbf", 4, 0, 0 },
		{ "", 0, 0, 0 },
		{ "\xff\xfe" "a\0", 4, -1, 0 },
		{ "\xfe\xff\0a", 4, -1, 0 },
		{ "\xff", 1, 0, 0 },
	};
	const char *p;
	size_t i, len;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		p = t[i].text;
		len = t[i].len;
		assert_int_equal(str_mark(&p, &len), t[i].r);
		assert_int_equal(p - t[i].text, t[i].skipped);
		assert_int_equal(len, t[i].len - t[i].skipped);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_log_clean),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
