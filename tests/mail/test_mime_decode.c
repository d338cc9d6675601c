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

/* What a range begins and ends with, and what stands beside it. */
static void
test_fold_edges(void **state)
{
	static const struct {
		uint32_t in, want;
	} row[] = {
		{ 0xbf, 0xbf }, { 0xc0, 0xe0 }, { 0xd6, 0xf6 }, { 0xd7, 0xd7 },
		{ 0xd8, 0xf8 }, { 0xde, 0xfe }, { 0xdf, 0xdf }, { 0xff, 0xff },
		{ 0x100, 0x101 }, { 0x101, 0x101 }, { 0x12e, 0x12f },
		{ 0x12f, 0x12f }, { 0x130, 0x130 }, { 0x139, 0x13a },
		{ 0x147, 0x148 }, { 0x148, 0x148 }, { 0x178, 0xff },
		{ 0x17d, 0x17e }, { 0x17e, 0x17e }, { 0x1cd, 0x1ce },
		{ 0x232, 0x233 }, { 0x386, 0x3ac }, { 0x387, 0x387 },
		{ 0x388, 0x3ad }, { 0x38a, 0x3af }, { 0x38c, 0x3cc },
		{ 0x38e, 0x3cd }, { 0x38f, 0x3ce }, { 0x390, 0x390 },
		{ 0x391, 0x3b1 }, { 0x3a1, 0x3c1 }, { 0x3a3, 0x3c3 },
		{ 0x3ab, 0x3cb }, { 0x3ac, 0x3ac }, { 0x3c2, 0x3c3 },
		{ 0x400, 0x450 }, { 0x40f, 0x45f }, { 0x410, 0x430 },
		{ 0x42f, 0x44f }, { 0x430, 0x430 }, { 0x4c1, 0x4c2 },
		{ 0x52e, 0x52f }, { 0x531, 0x561 }, { 0x556, 0x586 },
		{ 0x557, 0x557 }, { 0x10a0, 0x2d00 }, { 0x10c5, 0x2d25 },
		{ 0x1e94, 0x1e95 }, { 0x1efe, 0x1eff }, { 0xff21, 0xff41 },
		{ 0xff3a, 0xff5a }, { 0xff3b, 0xff3b }, { 0x10400, 0x10400 },
	};
	struct buf in = BUF_INIT(0), out = BUF_INIT(0), want = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_reset(&want);
		assert_int_equal(mime_put_utf8(&in, row[i].in), 0);
		assert_int_equal(mime_put_utf8(&want, row[i].want), 0);
		mime_fold(in.data, in.len, &out);
		if (strcmp(buf_str(&out), buf_str(&want)) != 0)
			fail_msg("U+%04X", (unsigned)row[i].in);
	}
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&want);
}

/* Each name of a set of one octet, by what its upper half begins with. */
static void
test_names_of_sets(void **state)
{
	static const struct {
		const char *names[4], *in, *want;
	} row[] = {
		{ { "windows-1252", "cp1252", "iso-8859-1", "latin1" },
		    "\x80\xe4", "\xe2\x82\xac\xc3\xa4" },
		{ { "iso-8859-2", "latin2" }, "\xa1", "\xc4\x84" },
		{ { "iso-8859-5" }, "\xa1", "\xd0\x81" },
		{ { "iso-8859-7" }, "\xe1", "\xce\xb1" },
		{ { "iso-8859-9", "latin5", "windows-1254", "cp1254" },
		    "\xf0", "\xc4\x9f" },
		{ { "windows-874", "cp874", "tis-620", "iso-8859-11" },
		    "\xa1", "\xe0\xb8\x81" },
		{ { "iso-8859-13" }, "\xc0", "\xc4\x84" },
		{ { "iso-8859-15", "latin9" }, "\xa4", "\xe2\x82\xac" },
		{ { "windows-1250", "cp1250" }, "\xa5", "\xc4\x84" },
		{ { "windows-1251", "cp1251" }, "\xc0", "\xd0\x90" },
		{ { "windows-1253", "cp1253" }, "\xe1", "\xce\xb1" },
		{ { "windows-1255", "cp1255" }, "\xe0", "\xd7\x90" },
		{ { "windows-1256", "cp1256" }, "\xc7", "\xd8\xa7" },
		{ { "windows-1257", "cp1257" }, "\xc0", "\xc4\x84" },
		{ { "windows-1258", "cp1258" }, "\xfe", "\xe2\x82\xab" },
		{ { "koi8-r" }, "\xc1\xa4", "\xd0\xb0\xe2\x95\x93" },
		{ { "koi8-u" }, "\xc1\xa4", "\xd0\xb0\xd1\x94" },
		{ { "ibm437", "cp437" }, "\x9b", "\xc2\xa2" },
		{ { "ibm850", "cp850" }, "\x9b", "\xc3\xb8" },
		{ { "ibm852", "cp852" }, "\x9b", "\xc5\xa4" },
		{ { "ibm866", "cp866" }, "\x80", "\xd0\x90" },
		{ { "macintosh", "mac-roman" }, "\x80", "\xc3\x84" },
	};
	const struct mime_charset *cs;
	struct buf b = BUF_INIT(0);
	size_t i, j, len;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (j = 0; j < 4 && row[i].names[j] != NULL; j++) {
			cs = mime_charset_find(row[i].names[j],
			    strlen(row[i].names[j]));
			if (cs == NULL)
				fail_msg("%s", row[i].names[j]);
			buf_reset(&b);
			len = strlen(row[i].in);
			assert_int_equal(mime_charset_utf8(cs, 1, 1,
			    row[i].in, len, &b), len);
			if (strcmp(buf_str(&b), row[i].want) != 0)
				fail_msg("%s", row[i].names[j]);
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
		cmocka_unit_test(test_fold_edges),
		cmocka_unit_test(test_names_of_sets),
		cmocka_unit_test(test_charset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
