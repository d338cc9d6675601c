#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/mark.h"

static const char block[] =
    "Received: from a\r\n\tby b\r\n"
    "received : x\r\n"
    "Subject:  folded\r\n words \r\n"
    "no field here\r\n"
    "Date: now\r\n"
    "\r\n"
    "From: body@x\r\n";

static void
test_fields(void **state)
{
	struct buf v = BUF_INIT(0);
	struct header_field f;
	struct header h;

	header_init(&h, block, strlen(block));
	assert_int_equal(header_next(&h, &f), 1);
	assert_true(header_is(&f, "received"));
	assert_int_equal(f.len, 25);
	assert_int_equal(header_value(&f, &v), 0);
	assert_string_equal(buf_str(&v), "from a\tby b");
	assert_int_equal(header_next(&h, &f), 1);
	assert_true(header_is(&f, "Received"));
	assert_int_equal(header_next(&h, &f), 1);
	buf_reset(&v);
	assert_int_equal(header_value(&f, &v), 0);
	assert_string_equal(buf_str(&v), "folded words");
	assert_int_equal(header_next(&h, &f), 1);
	assert_int_equal(f.name_len, 0);
	assert_int_equal(header_next(&h, &f), 1);
	assert_true(header_is(&f, "Date"));
	assert_int_equal(header_next(&h, &f), 0);
	assert_int_equal(header_next(&h, &f), 0);
	assert_int_equal(header_find(block, strlen(block), "subject", &f), 1);
	assert_int_equal(header_find(block, strlen(block), "From", &f), 0);
	buf_clear(&v);
}

static void
test_count(void **state)
{
	static const struct {
		const char *in;
		size_t len, fields, malformed;
		int complete;
	} t[] = {
		{ "", 0, 0, 0, 0 },
		{ "\r\n", 2, 0, 0, 1 },
		{ "\n", 1, 0, 0, 1 },
		{ "\r\nbody", 2, 0, 0, 1 },
		{ "A: b", 4, 1, 0, 0 },
		{ "A: b\r\n", 6, 1, 0, 0 },
		{ "A: b\r\n\r\n", 8, 1, 0, 1 },
		{ "A: b\n\nx", 6, 1, 0, 1 },
		{ " A: b\r\n\r\n", 9, 1, 1, 1 },
		{ ": b\r\n\r\n", 7, 1, 1, 1 },
		{ "A\r\n\r\n", 5, 1, 1, 1 },
	};
	struct header_counts c;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		header_count(t[i].in, strlen(t[i].in), &c);
		assert_int_equal(c.len, t[i].len);
		assert_int_equal(c.fields, t[i].fields);
		assert_int_equal(c.malformed, t[i].malformed);
		assert_int_equal(c.complete, t[i].complete);
	}
	header_count(block, strlen(block), &c);
	assert_int_equal(c.received, 2);
	assert_true(c.has_date);
	assert_false(c.has_from);
}

static void
test_date_print(void **state)
{
	static const struct {
		int64_t t;
		int zone;
		const char *out;
	} t[] = {
		{ 0, 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ 951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ 1000000000, 120, "Sun, 9 Sep 2001 03:46:40 +0200" },
		{ 1000000000, -210, "Sat, 8 Sep 2001 22:16:40 -0330" },
		{ INT64_MAX, 0, "Thu, 30 Dec 9999 23:59:59 +0000" },
		{ INT64_MIN, 0, "Tue, 2 Jan 1900 00:00:00 +0000" },
	};
	char out[DATE_TEXT];
	int64_t back;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		date_print(t[i].t, t[i].zone, out);
		assert_string_equal(out, t[i].out);
		assert_int_equal(date_parse(out, strlen(out), &back, NULL), 0);
		if (i < 5)
			assert_true(back == t[i].t);
	}
	for (back = -2000000000; back < 4000000000; back += 86399 * 7) {
		struct date d;

		date_split(back, 345, &d);
		assert_true(date_seconds(&d) == back);
	}
}

static void
test_date_parse(void **state)
{
	static const struct {
		const char *in;
		int64_t t;
		int ok;
	} t[] = {
		{ "Thu, 01 Jan 1970 00:00:10 +0000", 10, 1 },
		{ "1 Jan 1970 00:00 GMT", 0, 1 },
		{ "1 jan 70 01:00 +0100 (CET)", 0, 1 },
		{ " (c) Sun , 9 Sep 2001\r\n 03:46:40 +0200", 1000000000, 1 },
		{ "9-Sep-2001 01:46:40 +0000", 1000000000, 1 },
		{ "8 Sep 2001 20:46:40 EST", 1000000000, 1 },
		{ "9 Sep 101 01:46:40 Z", 1000000000, 1 },
		{ "9 Sep 2001 01:46:40", 1000000000, 1 },
		{ "31 Dec 2016 23:59:60 +0000", 1483228800, 1 },
		{ "31 Dec 2016 23:59:61 +0000", 0, 0 },
		{ "31 Dec 1999 23:59:59 +0000", 946684799, 1 },
		{ "1 Jan 49 00:00:00 +0000", 2493072000, 1 },
		{ "1 Jan 50 00:00:00 +0000", -631152000, 1 },
		{ "1 Jan 1900 00:00:00 +0000", -2208988800, 1 },
		{ "1 Jan 1899 00:00:00 +0000", 0, 0 },
		{ "1 Jan 2001 23:59:00 +2359", 978307200, 1 },
		{ "1 Jan 2001 00:00:00 +2400", 0, 0 },
		{ "1 Jan 2001 00:00:00 +0060", 0, 0 },
		{ "1 Jan 2001 00:00:00 -0100", 978310800, 1 },
		{ "29 Feb 2000 00:00:00 +0000", 951782400, 1 },
		{ "29 Feb 2100 00:00:00 +0000", 0, 0 },
		{ "31 Apr 2001 00:00:00 +0000", 0, 0 },
		{ "29 Feb 2001 00:00:00 +0000", 0, 0 },
		{ "0 Jan 2001 00:00:00 +0000", 0, 0 },
		{ "32 Jan 2001 00:00:00 +0000", 0, 0 },
		{ "1 Jan 2001 24:00:00 +0000", 0, 0 },
		{ "1 Jan 2001 00:60:00 +0000", 0, 0 },
		{ "1 Jan 2001 00:00:00 +9999", 0, 0 },
		{ "1 Foo 2001 00:00:00 +0000", 0, 0 },
		{ "1  2001 00:00:00 +0000", 0, 0 },
		{ "1 Jan 0 00:00:00 +0000", 0, 0 },
		{ "1 Jan 20011 00:00:00 +0000", 0, 0 },
		{ "1 Jan 20011:00:00 +0000", 0, 0 },
		{ "1 Jan 2001 00:00:00 +00000", 0, 0 },
		{ "1 Jan", 0, 0 },
		{ "", 0, 0 },
		{ "(((((((((", 0, 0 },
		{ "(\\", 0, 0 },
	};
	int64_t r;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (date_parse(t[i].in, strlen(t[i].in), &r, NULL) !=
		    (t[i].ok ? 0 : -1))
			fail_msg("%s", t[i].in);
		if (t[i].ok)
			assert_true(r == t[i].t);
	}
}

/* A Delivered-To is ours where our Received stands directly below it. */
static void
test_marks(void **state)
{
#define TO	"Delivered-To: Anna@x.test\r\n"
#define BY	"Received: from a ([192.0.2.1])\r\n\tby mx.x.test (Rohrpost)" \
		" with SMTP id 1\r\n"
	static const struct { const char *text, *marks; } row[] = {
		{ TO BY, "Anna@x.test;" },
		{ "Return-Path: <a@b>\r\n" TO BY "To: c\r\n",
		    "Anna@x.test;" },
		{ TO BY TO BY, "Anna@x.test;Anna@x.test;" },
		{ "Received: z\r\n" TO BY "Received: y\r\n"
		    "Delivered-To:\r\n b@x.test\r\n" BY,
		    "Anna@x.test;b@x.test;" },
		{ TO "Received: by MX.x.TEST (rohrpost) id 1\r\n",
		    "Anna@x.test;" },
		{ TO "received: from by by\r\n mx.x.test\r\n\t(Rohrpost)\r\n",
		    "Anna@x.test;" },
		{ TO BY "\r\n" TO BY, "Anna@x.test;" },
		{ TO, "" },
		{ BY, "" },
		{ BY TO, "" },
		{ TO "X: y\r\n" BY, "" },
		{ TO "no field\r\n" BY, "" },
		{ "X-" TO BY, "" },
		{ TO "X-" BY, "" },
		{ TO "Received: by mx.x.test\r\n", "" },
		{ TO "Received: by mx.x.test with (Rohrpost)\r\n", "" },
		{ TO "Received: from mx.x.test (Rohrpost)\r\n", "" },
		{ TO "Received: by mx.x.tes (Rohrpost)\r\n", "" },
		{ TO "Received: by mx.x.test.y (Rohrpost)\r\n", "" },
		{ TO "Received: by other.test (Rohrpost)\r\n", "" },
		{ TO "Received: by mx.x.test (Postfix)\r\n", "" },
		{ TO "Received:\r\n", "" },
		{ TO "\r\n" BY, "" },
	};
#undef TO
#undef BY
	struct buf got = BUF_INIT(0), value = BUF_INIT(100);
	struct header_field f;
	struct header h;
	struct mark m;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&got);
		mark_init(&m, "mx.x.test");
		header_init(&h, row[i].text, strlen(row[i].text));
		while (header_next(&h, &f))
			if (mark_field(&m, &f, &value))
				buf_printf(&got, "%s;", buf_str(&value));
		if (strcmp(buf_str(&got), row[i].marks) != 0)
			fail_msg("%s: %s", row[i].text, buf_str(&got));
	}
	/* What is longer than any address is nobody's. */
	value.max = 10;
	mark_init(&m, "mx.x.test");
	header_init(&h, row[0].text, strlen(row[0].text));
	while (header_next(&h, &f))
		assert_int_equal(mark_field(&m, &f, &value), 0);
	buf_clear(&got);
	buf_clear(&value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_date_print),
		cmocka_unit_test(test_date_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
