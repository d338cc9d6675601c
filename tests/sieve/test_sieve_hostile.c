/*
 * Sieve scripts that want more than there is: depth, length, steps, text. Each
 * ends, and with an error that keeps the message.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/sieve/decide.h"

static const char plain[] = "Subject: x\r\n\r\nbody\r\n";
static const struct decide d = { plain, 0, "", "" };

static struct buf script;

static const char *
run(const struct decide *of)
{
	return decide_after(NULL, buf_str(&script), script.len, of);
}

static void
repeat(const char *s, unsigned n)
{
	while (n-- > 0)
		buf_puts(&script, s);
}

static void
test_nesting(void **state)
{
	unsigned n;

	for (n = 15; n <= 20000; n += n < 40 ? 1 : 19960) {
		buf_reset(&script);
		repeat("if true {", n);
		buf_puts(&script, "discard;");
		repeat("}", n);
		if (n <= SIEVE_NESTING_MAX)
			assert_string_equal(run(&d), "-");
		else if (script.len <= SIEVE_SCRIPT_MAX)
			assert_non_null(strstr(run(&d),
			    "nested deeper than 32 levels"));
		else
			assert_non_null(strstr(run(&d), "longer than"));
		buf_reset(&script);
		buf_puts(&script, "if ");
		repeat("not ", n);
		buf_puts(&script, "false { discard; }");
		if (n <= SIEVE_NESTING_MAX)
			assert_string_equal(run(&d), n % 2 ? "-" : "keep");
		else
			assert_non_null(strstr(run(&d),
			    "nested deeper than 32 levels"));
		buf_reset(&script);
		buf_puts(&script, "if ");
		repeat("anyof(", n);
		assert_non_null(strstr(run(&d), "refused: "));
	}
}

static void
test_long(void **state)
{
	buf_reset(&script);
	repeat("#234567\n", SIEVE_SCRIPT_MAX / 8);
	assert_string_equal(run(&d), "keep");
	buf_puts(&script, "#");
	assert_non_null(strstr(run(&d), "longer than"));
	/* A long string, a long list, a long name. */
	buf_reset(&script);
	buf_puts(&script, "if header \"");
	repeat("a", 60000);
	buf_puts(&script, "\" [\"x\"");
	repeat(",\"\"", 20000);
	buf_puts(&script, "] {discard;}");
	assert_string_equal(run(&d), "keep");
	buf_reset(&script);
	repeat("a", 100000);
	buf_puts(&script, ";");
	assert_non_null(strstr(run(&d), "no command aaa"));
}

static void
test_actions(void **state)
{
	unsigned i;

	buf_reset(&script);
	buf_puts(&script, "require \"fileinto\";");
	for (i = 0; i < SIEVE_ACTIONS_MAX; i++)
		buf_printf(&script, "fileinto \"m%u\";", i);
	assert_non_null(strstr(run(&d), "file:m31"));
	buf_puts(&script, "fileinto \"more\";");
	assert_string_equal(run(&d), "error: line 1: more than 32 actions");
	buf_reset(&script);
	for (i = 0; i <= SIEVE_REDIRECTS_MAX; i++)
		buf_printf(&script, "redirect \"a%u@b.test\";\n", i);
	assert_string_equal(run(&d),
	    "error: line 6: more than 5 addresses to redirect to");
}

/* Stars are looked for one behind the other. */
static void
test_stars(void **state)
{
	struct decide big = { NULL, 0, "", "" };
	struct buf m = BUF_INIT(0);
	unsigned i;

	buf_puts(&m, "Subject: ");
	for (i = 0; i < 20000; i++)
		buf_puts(&m, "aaaaaaaaaa");
	buf_puts(&m, "\r\n\r\n");
	big.message = buf_str(&m);
	big.len = m.len;
	buf_reset(&script);
	buf_puts(&script, "if header :matches \"subject\" \"");
	repeat("*a", 30000);
	buf_puts(&script, "b\" { discard; } else { keep; }");
	assert_string_equal(run(&big), "keep");
	buf_reset(&script);
	buf_puts(&script, "if header :matches \"subject\" \"");
	repeat("*a", 30000);
	buf_puts(&script, "\" { discard; }");
	assert_string_equal(run(&big), "-");
	/* With "?" each octet is a step. */
	buf_reset(&script);
	buf_puts(&script, "if header :matches \"subject\" \"*");
	repeat("?a", 30000);
	buf_puts(&script, "b*\" { discard; }");
	assert_string_equal(run(&big),
	    "error: line 1: the script takes too long");
	buf_reset(&script);
	buf_puts(&script, "if header :contains \"subject\" [\"x\"");
	for (i = 0; i < 9000; i++)
		buf_printf(&script, ",\"aaa%u\"", i);
	buf_puts(&script, "] { discard; }");
	assert_string_equal(run(&big),
	    "error: line 1: the script takes too long");
	buf_clear(&m);
}

/* Each command doubles it: cut, and the texts of a command are bounded. */
static void
test_growth(void **state)
{
	unsigned i;

	buf_reset(&script);
	buf_puts(&script, "require [\"variables\",\"fileinto\"];"
	    "set \"a\" \"0123456789\";\n");
	for (i = 0; i < 40; i++)
		buf_puts(&script, "set \"a\" \"${a}${a}\";");
	buf_puts(&script, "set :length \"n\" \"${a}\"; "
	    "fileinto \"${n}\";\n");
	assert_string_equal(run(&d), "file:16384");
	buf_truncate(&script, script.len - 1);
	buf_puts(&script, "if string \"x\" [\"${a}\"");
	for (i = 0; i < 400; i++)
		buf_puts(&script, ",\"${a}\"");
	buf_puts(&script, "] { discard; }");
	assert_string_equal(run(&d), "error: line 2: the texts of this "
	    "command are too long");
	buf_reset(&script);
	buf_puts(&script, "require \"variables\";");
	for (i = 0; i <= SIEVE_VARIABLES_MAX; i++)
		buf_printf(&script, "set \"v%u\" \"x\";", i);
	assert_non_null(strstr(run(&d), "more than 128 variables"));
	buf_reset(&script);
	buf_puts(&script, "require \"imap4flags\";");
	for (i = 0; i <= SIEVE_FLAGS_MAX; i++)
		buf_printf(&script, "addflag \"f%u\";", i);
	assert_string_equal(run(&d), "error: line 1: more than 64 flags");
}

/* UTF-8 is not cut within a character. */
static void
test_cut(void **state)
{
	buf_reset(&script);
	buf_puts(&script, "require [\"variables\",\"fileinto\"];"
	    "set \"a\" \"\xe2\x82\xac\";");
	repeat("set \"a\" \"${a}${a}\";", 14);
	buf_puts(&script, "if string :matches \"${a}\" "
	    "\"*\xe2\x82\xac\" { set :length \"n\" \"${a}\"; "
	    "fileinto \"${n}\"; }");
	assert_string_equal(run(&d), "file:5461");
}

/* Many fields, many body tests of a large message. */
static void
test_costly(void **state)
{
	struct decide big = { NULL, 0, "", "" };
	struct buf m = BUF_INIT(0);
	unsigned i;

	for (i = 0; i < 50000; i++)
		buf_printf(&m, "A%u: b\r\n", i % 7);
	buf_puts(&m, "Content-Transfer-Encoding: base64\r\n\r\n");
	for (i = 0; i < 50000; i++)
		buf_puts(&m, "YWJjZGVmZ2hp\r\n");
	big.message = buf_str(&m);
	big.len = m.len;
	buf_reset(&script);
	buf_puts(&script, "require \"body\";");
	repeat("if body :contains \"zz\" { keep; }\n", 100);
	assert_non_null(strstr(run(&big), "the script takes too long"));
	buf_reset(&script);
	repeat("if header [\"a9\",\"a8\"] \"\" {}\n", 4000);
	assert_non_null(strstr(run(&big), "the script takes too long"));
	buf_clear(&m);
}

/* Each key looks at the whole value, or is looked at whole, for each value. */
static void
test_many_keys(void **state)
{
	struct decide big = { NULL, 0, "", "" };
	struct buf m = BUF_INIT(0);
	unsigned i;

	for (i = 0; i < 1000; i++)
		buf_puts(&m, "Subject: 1111111111\r\n");
	buf_puts(&m, "Long: ");
	for (i = 0; i < 10000; i++)
		buf_puts(&m, "1111111111");
	buf_puts(&m, "\r\n\r\n");
	big.message = buf_str(&m);
	big.len = m.len;
	buf_reset(&script);
	buf_puts(&script, "require [\"relational\","
	    "\"comparator-i;ascii-numeric\"];\nif header :value \"lt\" "
	    ":comparator \"i;ascii-numeric\" \"long\" [\"1\"");
	repeat(",\"1\"", 1000);
	buf_puts(&script, "] { discard; }");
	assert_string_equal(run(&big),
	    "error: line 2: the script takes too long");
	buf_reset(&script);
	buf_puts(&script, "if header :matches \"subject\" \"");
	repeat("a", 100000);
	buf_puts(&script, "\" { discard; }");
	assert_string_equal(run(&big),
	    "error: line 1: the script takes too long");
	/* What differs at once costs nothing. */
	buf_reset(&script);
	buf_puts(&script, "if header \"subject\" \"");
	repeat("a", 100000);
	buf_puts(&script, "\" { discard; }");
	assert_string_equal(run(&big), "keep");
	buf_reset(&script);
	buf_puts(&script, "require [\"relational\",\"variables\"];"
	    "set \"a\" \"1111111111\";");
	repeat("set \"a\" \"${a}${a}\";", 11);
	buf_puts(&script, "\nif header :value \"lt\" \"long\" [\"0\"");
	repeat(",\"${a}\"", 120);
	buf_puts(&script, "] { discard; }");
	assert_string_equal(run(&big), "keep");
	/* There may be many mailboxes. */
	buf_reset(&script);
	buf_puts(&script, "require \"mailbox\"; if mailboxexists "
	    "[\"Archive\"");
	repeat(",\"Archive\"", 12000);
	buf_puts(&script, "] { discard; }");
	assert_string_equal(run(&d), "error: line 1: the script takes too long");
	buf_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_stars),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_costly),
		cmocka_unit_test(test_many_keys),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	buf_clear(&script);
	return r;
}
