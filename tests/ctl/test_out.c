#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/ctl_out.h"
#include "ctl/ctl_record.h"

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

/* What steers a terminal is shown, whatever its length in UTF-8. */
static void
test_no_control_reaches_a_terminal(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "a\x1b[2J", "a\\x1b[2J" }, { "a\x7f", "a\\x7f" },
		{ "a\xc2\x9b" "2J", "a\\x9b2J" }, { "\xc2\x80", "\\x80" },
		{ "\xc2\x9f", "\\x9f" }, { "\xc2\xa0", "\xc2\xa0" },
		{ "\xc3\xa4", "\xc3\xa4" }, { "\xff", "\\xff" },
		{ "\x9b", "\\x9b" }, { "a\nb", "a\\x0ab" },
	};
	struct out o;
	char *text;
	size_t i, n;
	FILE *f;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = open_memstream(&text, &n);
		out_init(&o, f, 0);
		out_name(&o, "x", 1);
		out_text(&o, rows[i].in);
		assert_int_equal(out_end(&o), 0);
		fclose(f);
		assert_memory_equal(text, "X\n", 2);
		text[strlen(text) - 1] = '\0';
		assert_string_equal(text + 2, rows[i].want);
		free(text);
	}
}

/* Seconds to a machine, dates and units to people. */
static void
test_times(void **state)
{
	static const struct {
		enum c_value type;
		const char *in, *json, *table;
	} rows[] = {
		{ C_TIME, "1795320871", "1795320871", "2026-11-22 04:14:31" },
		{ C_TIME, "x", "\"x\"", "x" },
		{ C_TIME, "1795320871.007", "1795320871.007",
		    "2026-11-22 04:14:31" },
		{ C_TIME, "1795320871.", "\"1795320871.\"", "1795320871." },
		{ C_TIME, "1.5e3", "\"1.5e3\"", "1.5e3" },
		{ C_SPAN, "0", "0", "0s" }, { C_SPAN, "59", "59", "59s" },
		{ C_SPAN, "3599", "3599", "59m" },
		{ C_SPAN, "172799", "172799", "47h" },
		{ C_SPAN, "172800", "172800", "2d" },
	};
	struct out o;
	char *text, want[100];
	size_t i, n;
	int json;
	FILE *f;

	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		json = (int)(i % 2);
		f = open_memstream(&text, &n);
		out_init(&o, f, json);
		out_name(&o, "a", 1);
		out_value(&o, rows[i / 2].type, rows[i / 2].in,
		    strlen(rows[i / 2].in));
		assert_int_equal(out_end(&o), 0);
		fclose(f);
		snprintf(want, sizeof(want), json ? "[\n {\"a\": %s}\n]\n" :
		    "A\n%s\n", json ? rows[i / 2].json : rows[i / 2].table);
		assert_string_equal(text, want);
		free(text);
	}
}

/* An array to a machine, commas to people. */
static void
test_lists(void **state)
{
	static const struct {
		const char *in[3], *json, *table;
	} rows[] = {
		{ { NULL }, "[]", "" },
		{ { "imap" }, "[\"imap\"]", "imap" },
		{ { "a", "", "b\"c" }, "[\"a\", \"\", \"b\\\"c\"]",
		    "a, , b\"c" },
	};
	struct buf packed = BUF_INIT(0);
	char *text, want[100];
	struct out o;
	size_t i, k, n;
	FILE *f;

	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&packed);
		for (k = 0; k < 3 && rows[i / 2].in[k] != NULL; k++)
			buf_put_lv(&packed, rows[i / 2].in[k],
			    strlen(rows[i / 2].in[k]));
		f = open_memstream(&text, &n);
		out_init(&o, f, (int)(i % 2));
		out_name(&o, "a", 1);
		out_texts(&o, &packed);
		assert_int_equal(out_end(&o), 0);
		fclose(f);
		snprintf(want, sizeof(want), i % 2 ? "[\n {\"a\": %s}\n]\n" :
		    "A\n%s\n", i % 2 ? rows[i / 2].json : rows[i / 2].table);
		assert_string_equal(text, want);
		free(text);
	}
	buf_clear(&packed);
}

/* A row of record_field. */
static void
put(struct record *r, const char *name, enum c_value type, const char *value)
{
	record_field(r, name, strlen(name), type, value, strlen(value));
}

static char *
print_record(int json, int recipients, int more)
{
	struct record r;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	record_init(&r, f, json);
	put(&r, "id", C_TEXT, "1");
	put(&r, "login", C_NULL, "");
	put(&r, "flags", C_TEXTS, "");
	put(&r, "size", C_NUMBER, "17");
	for (; recipients > 0; recipients--) {
		put(&r, "recipient", C_TEXT, "a");
		put(&r, "orcpt", C_NULL, "");
		if (recipients == 2)
			continue;
		put(&r, "target", C_TEXT, "b");
		put(&r, "result", C_TEXT, "x");
		put(&r, "target", C_TEXT, "c");
	}
	if (more)
		put(&r, "more", C_TEXT, "m");
	assert_int_equal(record_end(&r), 0);
	fclose(f);
	return text;
}

/* Recipients and their targets are arrays, that are there if empty too. */
static void
test_record(void **state)
{
	static const char head[] = "[\n {\"id\": \"1\", \"login\": null, "
	    "\"flags\": [], \"size\": 17, \"recipients\": [";
	static const char whole[] = "\n   {\"address\": \"a\", "
	    "\"orcpt\": null, \"targets\": ["
	    "\n     {\"address\": \"b\", \"result\": \"x\"},"
	    "\n     {\"address\": \"c\"}]}";
	static const char empty[] = "\n   {\"address\": \"a\", "
	    "\"orcpt\": null, \"targets\": []}";
	static const struct {
		int	 recipients, more;
		const char *first, *second, *tail;
	} rows[] = {
		{ 0, 0, "", "", "]}\n]\n" },
		{ 0, 1, "", "", "], \"more\": \"m\"}\n]\n" },
		{ 1, 0, whole, "", "]}\n]\n" },
		{ 2, 1, empty, ",", "], \"more\": \"m\"}\n]\n" },
	};
	char want[1000], *text;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = print_record(1, rows[i].recipients, rows[i].more);
		snprintf(want, sizeof(want), "%s%s%s%s%s", head, rows[i].first,
		    rows[i].second, rows[i].second[0] != '\0' ? whole : "",
		    rows[i].tail);
		assert_string_equal(text, want);
		free(text);
	}
	text = print_record(0, 1, 0);
	assert_string_equal(text, "FIELD      VALUE\nid         1\n"
	    "size       17\nrecipient  a\ntarget     b\nresult     x\n"
	    "target     c\n");
	free(text);
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

static void
test_clean(void **state)
{
	struct buf b = BUF_INIT(0);

	buf_puts(&b, "said: \033[2J\r\xc3\xbc");
	out_clean(&b);
	assert_string_equal(buf_str(&b), "said: \\x1b[2J\\x0d\xc3\xbc");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_json_string),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_no_control_reaches_a_terminal),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
