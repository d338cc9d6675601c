#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/mime_charset.h"
#include "lib/mail/mime_decode.h"

static const struct {
	enum mime_encoding encoding;
	const char *in, *want;
} encodings[] = {
	{ MIME_E_PLAIN, "a=b", "a=b" },
	{ MIME_E_BASE64, "aGVsbG8=", "hello" },
	{ MIME_E_BASE64, "aGVs\r\nbG8", "hello" },
	{ MIME_E_BASE64, "a-G*V!sbG8=", "hello" },
	{ MIME_E_BASE64, "aGk=aGk=", "hihi" },
	{ MIME_E_BASE64, "====", "" }, { MIME_E_BASE64, "a", "" },
	{ MIME_E_QUOTED, "a=3Db=\r\nc", "a=bc" },
	{ MIME_E_QUOTED, "a= \t\r\nb", "ab" }, { MIME_E_QUOTED, "a=\nb", "ab" },
	{ MIME_E_QUOTED, "=XY=4", "=XY" }, { MIME_E_QUOTED, "=", "" },
	{ MIME_E_QUOTED, "=e4=E4", "\xe4\xe4" },
};

static void
test_decode(void **state)
{
	struct buf b = BUF_INIT(0);
	struct mime_decoder d;
	size_t i, j, n, len, step;

	for (i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		for (step = 1; step < 10; step++) {
			memset(&d, 0, sizeof(d));
			d.encoding = encodings[i].encoding;
			buf_reset(&b);
			len = strlen(encodings[i].in);
			for (j = 0; j < len; j += n) {
				n = len - j < step ? len - j : step;
				mime_decode(&d, encodings[i].in + j, n, &b);
			}
			assert_string_equal(buf_str(&b), encodings[i].want);
		}
	buf_clear(&b);
}

static const struct {
	const char *in, *want;
} words[] = {
	{ "plain", "plain" }, { " a\r\n b", " a b" },
	{ "=?utf-8?q?a_b=C3=A4?=", "a b\xc3\xa4" },
	{ "=?ISO-8859-1?B?5A==?= x", "\xc3\xa4 x" },
	{ "=?utf-8?q?a?= =?utf-8?q?b?=\r\n =?utf-8?q?c?= d", "abc d" },
	{ "a =?utf-8*en?q?b?= c", "a b c" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?nope?q?a=C3?=", "a\xef\xbf\xbd" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" }, { "=?", "=?" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" }, { "a==?b", "a==?b" },
	{ "=?koi8-r?q?=C1?=", "\xd0\xb0" },
};

static void
test_words(void **state)
{
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		buf_reset(&b);
		mime_words(words[i].in, strlen(words[i].in), &b);
		assert_string_equal(buf_str(&b), words[i].want);
	}
	buf_clear(&b);
}

static void
test_fold(void **state)
{
	static const struct {
		const char *in, *want;
	} row[] = {
		{ "AbZ[", "abz[" }, { "\xc3\x84\xc3\x9f", "\xc3\xa4\xc3\x9f" },
		{ "\xce\xa9", "\xcf\x89" }, { "\xd0\x96", "\xd0\xb6" },
		{ "\xd0\x81", "\xd1\x91" }, { "\xc5\x81", "\xc5\x82" },
		{ "\xe1\xba\xa0", "\xe1\xba\xa1" }, { "\xff\xc3", "\xff\xc3" },
		{ "\xe6\x97\xa5", "\xe6\x97\xa5" },
	};
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&b);
		mime_fold(row[i].in, strlen(row[i].in), &b);
		assert_string_equal(buf_str(&b), row[i].want);
	}
	buf_clear(&b);
}

static void
test_charset(void **state)
{
	const struct mime_charset *cs;
	struct buf b = BUF_INIT(0);

	assert_null(mime_charset_find("x-none", 6));
	assert_null(mime_charset_find("", 0));
	assert_null(mime_charset_find("utf-16//x", 9));
	assert_non_null(mime_charset_find("Latin1", 6));
	assert_non_null(mime_charset_find("ISO_8859-15", 11));
	cs = mime_charset_find("GB18030", 7);
	assert_non_null(cs);
	/* A character that is cut waits for its rest. */
	assert_int_equal(mime_charset_utf8(cs, 1, 0, "a\xd6", 2, &b), 1);
	assert_int_equal(mime_charset_utf8(cs, 0, 1, "\xd6\xd0\xd6", 3, &b),
	    3);
	assert_string_equal(buf_str(&b), "a\xe4\xb8\xad\xef\xbf\xbd");
	mime_charset_seal();
	assert_null(mime_charset_find("EUC-KR", 6));
	assert_non_null(mime_charset_find("gb18030", 7));
	buf_reset(&b);
	mime_charset_list(&b);
	assert_non_null(strstr(buf_str(&b), "gb18030"));
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_charset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
