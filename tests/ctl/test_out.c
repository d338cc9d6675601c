#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/ctl_out.h"

static void
test_json_string(void **state)
{
	static const struct {
		const char *in;
		size_t	 len;
		const char *want;
	} rows[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\n\r\t\x1b\x7f", 5,
		    "\"\\u000a\\u000d\\u0009\\u001b\\u007f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xae", 9,
		    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xae\"" },
		{ "\xff" "a", 2, "\"\\ufffda\"" },
		{ "\xc3", 1, "\"\\ufffd\"" },
		{ "\xe2\x82", 2, "\"\\ufffd\\ufffd\"" },
		{ "\xc0\xaf", 2, "\"\\ufffd\\ufffd\"" },
		{ "\xe0\x80\xaf", 3, "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf4\x90\x80\x80", 4,
		    "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf0\x8f\xbf\xbf", 4,
		    "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		out_json_string(&b, rows[i].in, rows[i].len);
		assert_string_equal(buf_str(&b), rows[i].want);
	}
	buf_clear(&b);
}

/* Prints the same rows in one of the two forms. */
static char *
print(int json, size_t rows)
{
	char *text;
	size_t n, i;
	struct out o;
	FILE *f = open_memstream(&text, &n);

	out_init(&o, f, json);
	out_name(&o, "id", 2);
	out_name(&o, "size", 4);
	out_name(&o, "held", 4);
	out_name(&o, "note", 4);
	for (i = 0; i < rows; i++) {
		out_text(&o, i == 1 ? "longer\x1b[2J" : "a");
		out_number(&o, 17);
		out_bool(&o, i == 0);
		if (i == 0)
			out_null(&o);
		else
			out_value(&o, C_NUMBER, "007", 3);
	}
	assert_int_equal(out_end(&o), 0);
	fclose(f);
	return text;
}

static void
test_forms(void **state)
{
	char *t = print(1, 2);

	assert_string_equal(t, "[\n"
	    " {\"id\": \"a\", \"size\": 17, \"held\": true, \"note\": null},\n"
	    " {\"id\": \"longer\\u001b[2J\", \"size\": 17, \"held\": false, "
	    "\"note\": \"007\"}\n]\n");
	free(t);
	t = print(1, 0);
	assert_string_equal(t, "[]\n");
	free(t);
	t = print(0, 0);
	assert_string_equal(t, "");
	free(t);
	t = print(0, 2);
	assert_string_equal(t,
	    "ID             SIZE  HELD  NOTE\n"
	    "a              17    yes   -\n"
	    "longer\\x1b[2J  17    no    007\n");
	free(t);
}

/* More rows than are held back: each is printed once. */
static void
test_many(void **state)
{
	char *t = print(0, 3 * OUT_HOLD + 1), *p;
	size_t n = 0;

	for (p = t; *p != '\0'; p++)
		n += *p == '\n';
	assert_int_equal(n, 3 * OUT_HOLD + 2);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_string),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
