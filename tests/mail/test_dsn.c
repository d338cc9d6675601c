/* The parameters of DSN as text: what is taken, said and shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/dsn.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"

static void
test_xtext(void **state)
{
	static const struct {
		const char *in, *out;	/* out NULL: it is none */
	} t[] = {
		{ "a", "a" }, { "a+2Bb+3D", "a+b=" }, { "a+20b", "a b" },
		{ "!~", "!~" }, { "+7E", "~" },
		{ "", NULL }, { "+", NULL }, { "a+2", NULL }, { "a+2b", NULL },
		{ "+GG", NULL }, { "a=b", NULL }, { "a b", NULL },
		{ "+00", NULL }, { "+0A", NULL }, { "+0D", NULL },
		{ "+09", NULL }, { "+7F", NULL }, { "+80", NULL },
		{ "+FF", NULL }, { "a\xc3\xa4", NULL }, { "a\tb", NULL },
	};
	struct buf b = BUF_INIT(0);
	size_t i, len;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		len = strlen(t[i].in);
		if (xtext_is(t[i].in, len) != (t[i].out != NULL))
			fail_msg("\"%s\"", t[i].in);
		if (t[i].out == NULL)
			continue;
		buf_reset(&b);
		xtext_decode(t[i].in, len, &b);
		assert_string_equal(buf_str(&b), t[i].out);
		/* There and back. */
		buf_reset(&b);
		assert_int_equal(xtext_put(&b, t[i].out,
		    strlen(t[i].out)), 0);
		assert_int_equal(xtext_is(b.data, b.len), 1);
	}
	assert_int_equal(xtext_is("a\0b", 3), 0);
	buf_reset(&b);
	buf_puts(&b, "x");
	assert_int_equal(xtext_put(&b, "a\xc3\xa4", 3), -1);
	assert_int_equal(xtext_put(&b, "a\nb", 3), -1);
	assert_int_equal(xtext_put(&b, "", 0), -1);
	assert_string_equal(buf_str(&b), "x");
	b.max = 5;
	assert_int_equal(xtext_put(&b, "a++", 3), -1);
	assert_string_equal(buf_str(&b), "x");
	buf_clear(&b);
}

static void
test_notify(void **state)
{
	static const struct {
		const char *in, *out;
		uint32_t bits;
	} t[] = {
		{ "NEVER", "NEVER", Q_NOTIFY_NEVER },
		{ "never", "NEVER", Q_NOTIFY_NEVER },
		{ "Success", "SUCCESS", Q_NOTIFY_SUCCESS },
		{ "DELAY,FAILURE", "FAILURE,DELAY", Q_NOTIFY_FAILURE |
		  Q_NOTIFY_DELAY },
		{ "failure,SUCCESS,delay", "SUCCESS,FAILURE,DELAY",
		  Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY | Q_NOTIFY_SUCCESS },
	};
	static const char *const bad[] = {
		"", ",", "SUCCESS,", ",SUCCESS", "SUCCESS,,DELAY", "ALWAYS",
		"NEVER,SUCCESS", "SUCCESS,NEVER", "NEVER,NEVER",
		"SUCCESS,SUCCESS", "DELAY,FAILURE,DELAY", "SUCCES", "SUCCESSS",
		"SUCCESS DELAY", "SUCCESS;DELAY",
	};
	char words[DSN_NOTIFY_MAX];
	uint32_t got = 99;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(dsn_notify(t[i].in, strlen(t[i].in), &got),
		    0);
		assert_int_equal(got, t[i].bits);
		assert_string_equal(dsn_notify_words(got, words), t[i].out);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (dsn_notify(bad[i], strlen(bad[i]), &got) == 0)
			fail_msg("\"%s\"", bad[i]);
	assert_string_equal(dsn_notify_words(0, words), "");
	assert_string_equal(dsn_notify_words(15, words), "NEVER");
	assert_string_equal(dsn_notify_words(UINT32_MAX - 1, words),
	    "SUCCESS,FAILURE,DELAY");
}

static void
test_ret(void **state)
{
	uint32_t got = 99;

	assert_int_equal(dsn_ret("FULL", 4, &got), 0);
	assert_int_equal(got, Q_RET_FULL);
	assert_int_equal(dsn_ret("hdrs", 4, &got), 0);
	assert_int_equal(got, Q_RET_HDRS);
	assert_int_equal(dsn_ret("", 0, &got), -1);
	assert_int_equal(dsn_ret("FUL", 3, &got), -1);
	assert_int_equal(dsn_ret("HDRSS", 5, &got), -1);
	assert_string_equal(dsn_ret_word(Q_RET_FULL), "FULL");
	assert_string_equal(dsn_ret_word(Q_RET_HDRS), "HDRS");
	assert_null(dsn_ret_word(0));
	assert_null(dsn_ret_word(3));
}

static void
test_envid(void **state)
{
	char text[ENVID_MAX + 1];

	memset(text, 'x', sizeof(text));
	assert_int_equal(dsn_envid_is(text, ENVID_MAX), 1);
	assert_int_equal(dsn_envid_is(text, ENVID_MAX + 1), 0);
	assert_int_equal(dsn_envid_is("", 0), 0);
	assert_int_equal(dsn_envid_is("a+0Ab", 5), 0);
}

static void
test_orcpt(void **state)
{
	static const struct {
		const char *in, *shown;	/* NULL: it is none */
	} t[] = {
		{ "rfc822;anna@example.test", "rfc822;anna@example.test" },
		{ "RFC822;a+2Bb@x", "RFC822;a+b@x" },
		{ "x-mine;a;b", "x-mine;a;b" },
		{ "rfc822;a+20b", "rfc822;a b" },
		{ "utf-8;us\\x{E9}r@x", "utf-8;us\\x{E9}r@x" },
		{ "UTF-8;\\x{10FFFF}", "UTF-8;\\x{10FFFF}" },
		{ "", NULL }, { "rfc822", NULL }, { "rfc822;", NULL },
		{ ";a@x", NULL }, { "a b;c", NULL }, { "a@b;c", NULL },
		{ "a(b;c", NULL }, { "a.b;c", NULL }, { "rfc822;a+0Ab", NULL },
		{ "rfc822;a=b", NULL }, { "rfc822;\xc3\xa4", NULL },
		{ "rf+63822;a", NULL },
		/* RFC 6533 3 */
		{ "utf-8;a+2Bb", NULL }, { "utf-8;a\\b", NULL },
		{ "utf-8;\\x{}", NULL }, { "utf-8;\\x{E9", NULL },
		{ "utf-8;\\x{e9}", NULL }, { "utf-8;\\x{D800}", NULL },
		{ "utf-8;\\x{110000}", NULL }, { "utf-8;\\x{0000041}", NULL },
		{ "utf-8;\\x{00}", NULL }, { "utf-8;\\x", NULL },
		{ "utf-8;", NULL }, { "utf-8;\xc3\xa4@x", NULL },
	};
	char text[ORCPT_MAX + 1];
	struct buf b = BUF_INIT(0);
	size_t i, len;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		len = strlen(t[i].in);
		if (dsn_orcpt_is(t[i].in, len) != (t[i].shown != NULL))
			fail_msg("\"%s\"", t[i].in);
		buf_reset(&b);
		dsn_orcpt_show(t[i].in, len, &b);
		assert_string_equal(buf_str(&b), t[i].shown != NULL ?
		    t[i].shown : "");
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, "rfc822;", 7);
	assert_int_equal(dsn_orcpt_is(text, ORCPT_MAX), 1);
	assert_int_equal(dsn_orcpt_is(text, ORCPT_MAX + 1), 0);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xtext), cmocka_unit_test(test_notify),
		cmocka_unit_test(test_ret), cmocka_unit_test(test_envid),
		cmocka_unit_test(test_orcpt),
	};

	return cmocka_run_group_tests_name("dsn", tests, NULL, NULL);
}
