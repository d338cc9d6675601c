/* What probe and its askers say to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/probe_ask.h"

static void
test_question(void **state)
{
	static const struct { const char *line; int n; } rows[] = {
		{ "PROBE 25", 1 }, { "PROBE 25 465 993", 3 },
		{ "PROBE 1 2 3 4 5 6 7 8", 8 },
		{ "PROBE 1 2 3 4 5 6 7 8 9", -1 },
		{ "PROBE", -1 }, { "PROBE ", -1 }, { "PROBE  25", -1 },
		{ "PROBE 25 ", -1 }, { "PROBE 65536", -1 },
		{ "PROBE -1", -1 }, { "probe 25", -1 }, { "PROBE25", -1 },
		{ "EHLO x", -1 }, { "", -1 },
		{ "PROBE 0000000000000000000000000000000000000000000000000000"
		    "00000000000000000000000000000000000000000000000000000025",
		    -1 },
	};
	unsigned port[PROBE_PORTS_MAX];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (probe_parse(rows[i].line, strlen(rows[i].line), port) !=
		    rows[i].n)
			fail_msg("%s", rows[i].line);
	assert_int_equal(probe_parse("PROBE 25 993", 12, port), 2);
	assert_int_equal(port[0], 25);
	assert_int_equal(port[1], 993);
	assert_true(probe_port(25) && probe_port(995));
	assert_false(probe_port(22) || probe_port(0) || probe_port(80));
}

static void
test_answer(void **state)
{
	enum probe_state s;
	unsigned port;

	assert_int_equal(probe_parse_answer("25 open", 7, &port, &s), 1);
	assert_true(port == 25 && s == PROBE_OPEN);
	assert_int_equal(probe_parse_answer("993 silent", 10, &port, &s), 1);
	assert_true(port == 993 && s == PROBE_SILENT);
	assert_int_equal(probe_parse_answer("END", 3, &port, &s), 0);
	assert_int_equal(probe_parse_answer("BUSY", 4, &port, &s), -1);
	assert_int_equal(probe_parse_answer("25 opened", 9, &port, &s), -1);
	assert_int_equal(probe_parse_answer("25  open", 8, &port, &s), -1);
	assert_int_equal(probe_parse_answer("", 0, &port, &s), -1);
}

static void
test_tricks(void **state)
{
	static const struct { const char *line; int r; } rows[] = {
		{ "TRICKS 25 example.org mail.example.org", 1 },
		{ "TRICKS 65535 a b", 1 }, { "PROBE 25", 0 }, { "", 0 },
		{ "TRICKS", -1 }, { "TRICKS 25", -1 }, { "TRICKS 25 a", -1 },
		{ "TRICKS 0 a b", -1 }, { "TRICKS 65536 a b", -1 },
		{ "TRICKS 25 a b c", -1 }, { "TRICKS 25  b", -1 },
		{ "TRICKS 25 a b> ORCPT", -1 }, { "TRICKS 25 a> b", -1 },
		{ "TRICKS 25 a\rRSET b", -1 }, { "TRICKS 25 [::1] b", -1 },
	};
	char domain[DOMAIN_MAX + 1], host[DOMAIN_MAX + 1], line[600];
	enum trick_verdict v;
	const char *said;
	unsigned port;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (trick_parse_question(rows[i].line, strlen(rows[i].line),
		    &port, domain, host) != rows[i].r)
			fail_msg("%s", rows[i].line);
	assert_int_equal(trick_parse_question(rows[0].line,
	    strlen(rows[0].line), &port, domain, host), 1);
	assert_int_equal(port, 25);
	assert_string_equal(domain, "example.org");
	assert_string_equal(host, "mail.example.org");
	for (i = 0; tricks[i].name != NULL; i++) {
		snprintf(line, sizeof(line), "%s later 451 4.3.2 not now",
		    tricks[i].name);
		assert_int_equal(trick_parse(line, strlen(line), &v, &said),
		    i);
		assert_int_equal(v, TRICK_LATER);
		assert_string_equal(said, "451 4.3.2 not now");
	}
	assert_true(i > TRICK_FIRST);
	assert_int_equal(trick_parse("plain perhaps", 13, &v, &said), -1);
	assert_int_equal(trick_parse("plane held x", 12, &v, &said), -1);
	assert_int_equal(trick_parse("plain", 5, &v, &said), -1);
	assert_int_equal(trick_parse("", 0, &v, &said), -1);
}

static void
test_trick_text(void **state)
{
	const struct trick_server s = { .domain = "example.org",
		.host = "mx.example.org" };
	struct buf b = BUF_INIT(0);

	trick_text(&b, "<@%l:a%%b@%d> %h [%s] %", &s, "192.0.2.7",
	    "2001:db8::1");
	assert_string_equal(buf_str(&b), "<@[IPv6:2001:db8::1]:a%b@example.org>"
	    " mx.example.org [192.0.2.7] %");
	buf_clear(&b);
}

static void
test_where(void **state)
{
	static const struct { const char *where, *host; unsigned port; }
	    rows[] = {
		{ "a.example:4690", "a.example", 4690 },
		{ "192.0.2.1:1", "192.0.2.1", 1 },
		{ "[2001:db8::1]:65535", "2001:db8::1", 65535 },
		{ "a.example", NULL, 0 }, { ":25", NULL, 0 },
		{ "a:0", NULL, 0 }, { "a:65536", NULL, 0 }, { "a:", NULL, 0 },
	};
	struct buf why = BUF_INIT(200);
	char host[DOMAIN_MAX + 1];
	unsigned port;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (probe_where(rows[i].where, host, &port, &why) !=
		    (rows[i].host != NULL ? 0 : -1))
			fail_msg("%s", rows[i].where);
		if (rows[i].host == NULL)
			continue;
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_tricks),
		cmocka_unit_test(test_trick_text),
		cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
