/*
 * Comma-separated values: rows and their fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/ctl_csv.h"

/* The rows as "a|b" lines, or "!" and why. */
static const struct {
	const char *text, *rows;
} t[] = {
	{ "", "" }, { "\n\r\n\n", "" },
	{ "a,b\n", "a|b\n" }, { "a,b", "a|b\n" }, { "a,b\r\nc\r\n", "a|b\nc\n" },
	{ ",\n", "|\n" }, { "a,\n", "a|\n" }, { "\"\"\n", "\n" },
	{ "\"a,\"\"b\"\"\",c", "a,\"b\"|c\n" },
	{ "\"a\r\nb\",c\nd", "a\r\nb|c\nd\n" },
	{ "\xef\xbb\xbfx,y\n", "x|y\n" },
	{ "a\rb,c\n", "a\rb|c\n" },
	{ "a;\"b,,,c\"\n1,2;3\n", "a|b,,,c\n1,2|3\n" },
	{ "a,b;c\n", "a|b;c\n" },
	{ "a\n\n\"b", "a\n!line 3: a quote is not ended" },
	{ "\"a\"b\n", "!line 1: something stands behind a quote" },
	{ "a\"b\n", "!line 1: a field that makes no sense" },
	{ "\"x\ny\"\nb\"\n", "x\ny\n!line 3: a field that makes no sense" },
	{ "\xff\xfe" "a", "!line 1: " },
};

static void
print(const struct buf *fields, size_t n, struct buf *out)
{
	struct cursor c;
	const char *p;
	size_t i, len;

	cursor_init(&c, fields->data, fields->len);
	for (i = 0; i < n; i++) {
		p = cursor_lv(&c, &len, 1000);
		assert_non_null(p);
		buf_printf(out, "%s%.*s", i > 0 ? "|" : "", (int)len, p);
	}
	assert_int_equal(cursor_left(&c), 0);
	buf_puts(out, "\n");
}

static void
test_rows(void **state)
{
	struct buf fields = BUF_INIT(1000), out = BUF_INIT(0);
	struct buf why = BUF_INIT(300);
	struct csv c;
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&out);
		csv_init(&c, t[i].text, strlen(t[i].text));
		while ((r = csv_row(&c, &fields, &n, &why)) == 1)
			print(&fields, n, &out);
		if (r == -1)
			buf_printf(&out, "!%s", buf_str(&why));
		if (strncmp(buf_str(&out), t[i].rows,
		    strlen(t[i].rows)) != 0 || (r == 0 &&
		    strcmp(buf_str(&out), t[i].rows) != 0))
			fail_msg("row %zu: %s", i, buf_str(&out));
	}
	/* A NUL is nothing that a field may hold; nor more than fits. */
	csv_init(&c, "a\0b", 3);
	assert_int_equal(csv_row(&c, &fields, &n, &why), -1);
	fields.max = 10;
	csv_init(&c, "abc,def", 7);
	assert_int_equal(csv_row(&c, &fields, &n, &why), -1);
	buf_clear(&fields);
	buf_clear(&out);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
