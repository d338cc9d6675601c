/* The text that has a user's Sieve scripts. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/door.h"
#include "store/file_sieve.h"

static void
test_there_and_back(void **state)
{
	static const char text[] = "Sieve 1\n5 - one\nkeep;\n0 active zwei "
	    "drei\n\n3 - x\n\n.\n\n";
	struct buf out = BUF_INIT(0);
	struct scripts l;

	assert_int_equal(scripts_parse(&l, text, strlen(text)), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(scripts_find(&l, NULL)->name_len, 9);
	assert_int_equal(scripts_find(&l, NULL)->len, 0);
	assert_memory_equal(scripts_find(&l, "one")->text, "keep;", 5);
	assert_int_equal(scripts_find(&l, "x")->len, 3);
	assert_null(scripts_find(&l, "on"));
	scripts_format(&l, &out);
	assert_string_equal(buf_str(&out), text);
	scripts_drop(&l, scripts_find(&l, "zwei drei"));
	assert_null(scripts_find(&l, NULL));
	buf_reset(&out);
	scripts_format(&l, &out);
	assert_string_equal(buf_str(&out), "Sieve 1\n5 - one\nkeep;\n3 - x\n"
	    "\n.\n\n");
	buf_clear(&out);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = { "", "Sieve 1", "Sieve 2\n",
		"Sieve 1\n5 - one\nkeep\n", "Sieve 1\n4 - one\nkeep;\n",
		"Sieve 1\n5 - one\nkeep;", "Sieve 1\n5 - \nkeep;\n",
		"Sieve 1\n5 + one\nkeep;\n", "Sieve 1\n-1 - one\nkeep;\n",
		"Sieve 1\n5 -\nkeep;\n", "Sieve 1\n5\n", "Sieve 1\n\n",
		"Sieve 1\n999999999 - one\nkeep;\n" };
	struct buf many = BUF_INIT(0);
	struct scripts l;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scripts_parse(&l, bad[i], strlen(bad[i])),
		    -1);
	buf_puts(&many, "Sieve 1\n");
	for (i = 0; i <= SCRIPTS_COUNT_MAX; i++) {
		assert_int_equal(scripts_parse(&l, buf_str(&many), many.len),
		    0);
		buf_printf(&many, "0 - n%zu\n\n", i);
	}
	assert_int_equal(scripts_parse(&l, buf_str(&many), many.len), -1);
	buf_clear(&many);
}

static void
test_names(void **state)
{
	char name[DOOR_SCRIPT_NAME + 2];

	assert_true(script_name_ok("a"));
	assert_true(script_name_ok("../x y\xc3\xbc"));
	assert_false(script_name_ok(""));
	assert_false(script_name_ok("a\nb"));
	assert_false(script_name_ok("\x7f"));
	assert_false(script_name_ok("\xff"));
	memset(name, 'x', sizeof(name));
	name[DOOR_SCRIPT_NAME + 1] = '\0';
	assert_false(script_name_ok(name));
	name[DOOR_SCRIPT_NAME] = '\0';
	assert_true(script_name_ok(name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("sieve", tests, NULL, NULL);
}
