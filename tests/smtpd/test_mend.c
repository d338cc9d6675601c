/* What a submission's header gets, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/header.h"
#include "smtpd/smtpd_mend.h"

static void
test_top(void **state)
{
	static const struct {
		const char *in;
		size_t want;
	} t[] = {
		{ "", 0 },
		{ "From: a\r\n", 0 },
		{ "From : a\r\n", 0 },
		{ "From a@b Mon Jan 1\r\nSubject: x\r\n", 20 },
		{ ">From a@b Mon Jan 1\r\nFrom b\r\nSubject: x\r\n", 29 },
		{ "From a@b\r\n more\r\n", 0 },
		{ "From here on it is quiet.\r\nSecond line", 0 },
		{ ">From here on it is quiet.\r\n\r\nSecond: part", 0 },
		{ "From here on it is quiet.\r\n", 0 },
		{ "From a@b\r\nFrom here on\r\nit is quiet\r\n", 0 },
		{ "From a@b", 0 },
		{ "Subject: x\r\nFrom a@b\r\n", 0 },
		{ "\r\nFrom a@b\r\n", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(mend_top(t[i].in, strlen(t[i].in)),
		    t[i].want);
}

static const struct row {
	const char *in, *out;	/* NULL: stays */
} rows[] = {
	{ "From: anna", "From: anna@x.test" },
	{ "From:anna", "From:anna@x.test" },
	{ "To: anna, bob@far.test,carl", "To: anna@x.test, bob@far.test,"
	    "carl@x.test" },
	{ "Cc: <anna>", "Cc: <anna@x.test>" },
	{ "Cc: Anna <anna >", "Cc: Anna <anna@x.test >" },
	{ "Reply-To: \"Anna B.\" <anna>, b", "Reply-To: \"Anna B.\" "
	    "<anna@x.test>, b@x.test" },
	{ "From: root (Cron Daemon)", "From: root@x.test (Cron Daemon)" },
	{ "From: (Cron, (of <here>)) root", "From: (Cron, (of <here>)) "
	    "root@x.test" },
	/* A quote that is escaped is none's end. */
	{ "From: \"A \\\" b\" <anna>", "From: \"A \\\" b\" "
	    "<anna@x.test>" },
	{ "From: root (a \\) b)", "From: root@x.test (a \\) b)" },
	{ "To: anna.b", "To: anna.b@x.test" },
	{ "To: <\"anna b\">", "To: <\"anna b\"@x.test>" },
	{ "To: \"Anna\"", NULL },
	{ "To: \"anna b\"", NULL },
	{ "To: undisclosed-recipients", NULL },
	{ "To: Undisclosed-Recipients", NULL },
	{ "Reply-To: mailto:anna", NULL },
	{ "To: us: anna, bob", NULL },
	{ "To: .", NULL },
	{ "To: ..", NULL },
	{ "To: a..b", NULL },
	{ "To: .a", NULL },
	{ "To: a.", NULL },
	{ "To: us: anna, bob@far.test; , carl", "To: us: anna@x.test, "
	    "bob@far.test; , carl@x.test" },
	{ "To: anna,\r\n bob", "To: anna@x.test,\r\n bob@x.test" },
	{ "TO: anna", "TO: anna@x.test" },
	{ "Sender: anna", "Sender: anna@x.test" },
	{ "To: undisclosed-recipients:;", NULL },
	{ "To: anna@far.test", NULL },
	{ "To: Anna B <a@far.test>", NULL },
	{ "To: Anna", "To: Anna@x.test" },
	{ "To: Anna Bee", NULL },
	{ "To: <@a.test:b>", NULL },
	{ "To: <>", NULL },
	{ "To:", NULL },
	{ "To: a@[192.0.2.1]", NULL },
	{ "To: a@b, \"never ends", NULL },
	{ "To: a, (never ends", NULL },
	{ "To: a, <b", NULL },
	{ "To: J\xc3\xb6rg", NULL },
	{ "To: =?utf-8?q?J=C3=B6rg?=", NULL },
	{ "Subject: anna", NULL },
	{ "X-To: anna", NULL },
	{ "no field", NULL },
};

static void
test_addresses(void **state)
{
	char in[300], want[300];
	struct buf out = BUF_INIT(0);
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(in, sizeof(in), "A: b\r\n%s\r\n\r\n", rows[i].in);
		snprintf(want, sizeof(want), "A: b\r\n%s\r\n\r\n",
		    rows[i].out != NULL ? rows[i].out : rows[i].in);
		buf_reset(&out);
		r = mend_header(in, strlen(in), "x.test", &out);
		if (r != (rows[i].out != NULL) ||
		    strcmp(buf_str(&out), want) != 0)
			fail_msg("%s: %d %s", rows[i].in, r, buf_str(&out));
	}
	/* Where the block has no end it has none after it. */
	buf_reset(&out);
	assert_int_equal(mend_header("To: a\r\n", 7, "x.test", &out), 1);
	assert_string_equal(buf_str(&out), "To: a@x.test\r\n");
	/* Growth has a bound. */
	buf_reset(&out);
	buf_puts(&out, "To: a");
	for (i = 0; i < 20000; i++)
		buf_puts(&out, ",a");
	buf_puts(&out, "\r\n\r\n");
	{
		struct buf much = BUF_INIT(0);

		assert_int_equal(mend_header(out.data, out.len, "x.test",
		    &much), 0);
		buf_clear(&much);
	}
	buf_clear(&out);
}

/* The longest line, and the octets without what folds. */
static size_t
longest(const char *p, struct buf *plain)
{
	size_t n, most = 0;

	while (*p != '\0') {
		n = strcspn(p, "\r\n");
		most = n > most ? n : most;
		assert_true(n == 0 || strspn(p, " \t") < n);
		buf_append(plain, p, n);
		p += n + strspn(p + n, "\r\n");
	}
	return most;
}

static void
test_fold(void **state)
{
	static const struct {
		const char *name, *word;
		unsigned n;
		size_t most;	/* 0: it stays */
	} t[] = {
		{ "Subject:", " word", 300, HEADER_FOLD },
		{ "Subject:", " a  b", 198, 0 },
		{ "Subject:", "\ttab  two", 200, HEADER_FOLD },
		{ "Subject: ", "without", 300, 0 },
		{ "References:", " <some-long-name@example.test>", 100,
		    HEADER_FOLD },
		{ "To: a@b", ",someone@example.test", 100, HEADER_FOLD },
	};
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	struct buf was = BUF_INIT(0), is = BUF_INIT(0);
	size_t i, k, most;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_reset(&was);
		buf_reset(&is);
		buf_puts(&in, t[i].name);
		for (k = 0; k < t[i].n; k++)
			buf_puts(&in, t[i].word);
		buf_puts(&in, "\r\n\r\n");
		assert_int_equal(mend_header(in.data, in.len, "x.test", &out),
		    t[i].most != 0);
		most = longest(buf_str(&out), &is);
		longest(buf_str(&in), &was);
		if (t[i].most != 0)
			assert_true(most <= t[i].most);
		if (*t[i].word != ',')
			assert_string_equal(buf_str(&is), buf_str(&was));
	}
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&was);
	buf_clear(&is);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
