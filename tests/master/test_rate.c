/*
 * One source does not make the log forget the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "master/logger_rate.h"

static unsigned long long told;
static char last[200];
static unsigned n_told;

static void
say(const char *words)
{
	char *end;

	told += strtoull(words, &end, 10);
	snprintf(last, sizeof(last), "%s", end);
	n_told++;
}

static int
allow(enum peer p, uint32_t pid, const char *line, int64_t now)
{
	return rate_allow(p, pid, line, strlen(line), now);
}

static void
reset(void)
{
	rate_tick(0, 1, say);
	told = n_told = 0;
}

/* Four million lines of one address; another's are all there. */
static void
test_flood(void **state)
{
	static const char flood[] = "i client 192.0.2.1:4711: <a> to <b> "
	    "refused: 5.1.1 no such mailbox";
	static const char other[] = "i client x [198.51.100.7]: lost within "
	    "the message: eof";
	unsigned long i, passed = 0, others = 0;
	int64_t now = 1000000;

	reset();
	for (i = 0; i < 4000000; i++) {
		now += i % 10 == 0;
		passed += (unsigned long)allow(PEER_SMTPD, 10, flood, now);
		if (i % 4000 == 0)
			others += (unsigned long)allow(PEER_SMTPD, 11, other,
			    now);
		if (i % 10000 == 0)
			rate_tick(now, 0, say);
	}
	assert_int_equal(others, 1000);
	assert_in_range(passed, RATE_BURST, RATE_BURST + 401 *
	    RATE_PER_SECOND);
	rate_tick(now, 1, say);
	assert_int_equal(told + passed, 4000000);
	assert_non_null(strstr(last, " lines about 192.0.2.1 were left out"));
	/* A word now and then, not one for each. */
	assert_in_range(n_told, 10, 60);
	/* After a while it may speak again. */
	assert_int_equal(allow(PEER_SMTPD, 10, flood, now + 5000), 1);
}

static void
empty(enum peer p, uint32_t pid, const char *line, int64_t now, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		assert_int_equal(allow(p, pid, line, now), 1);
	assert_int_equal(allow(p, pid, line, now), 0);
}

/* Which lines are of one source. */
static void
test_sources(void **state)
{
	int64_t now = 500000000;

	reset();
	empty(PEER_SMTPD, 1, "i client 203.0.113.5:1: too many errors", now,
	    RATE_BURST);
	/* Another port, process and form; the name that it gave itself. */
	assert_int_equal(allow(PEER_SMTPD, 2, "i client 203.0.113.5:22 talked "
	    "before the greeting", now), 0);
	assert_int_equal(allow(PEER_SMTPD, 3, "w client 9.9.9.9 [203.0.113.5]: "
	    "no file", now), 0);
	assert_int_equal(allow(PEER_SMTPD, 3, "i client 9.9.9.9: "
	    "[203.0.113.5]: from=<> to=<> refused: no", now), 0);
	assert_int_equal(allow(PEER_AUTH, 4, "i login failed: a@x from 9.9.9.9 "
	    "from 203.0.113.5:3 (imaps): no such account", now), 0);
	assert_int_equal(allow(PEER_SMTPD, 2, "i client 203.0.113.6:22 talked "
	    "before the greeting", now), 1);
	/* A network of IPv6. */
	empty(PEER_SMTPD, 1, "i client [2001:db8:1:2:3::4]:25: x", now,
	    RATE_BURST);
	assert_int_equal(allow(PEER_SMTPD, 1, "i client "
	    "[2001:db8:1:2:ffff::9]:1: x", now), 0);
	assert_int_equal(allow(PEER_SMTPD, 1, "i client [2001:db8:1:3::4]:2: x",
	    now), 1);
	/* A user's process. */
	empty(PEER_IMAPD, 70, "i no progress", now, RATE_BURST);
	assert_int_equal(allow(PEER_IMAPD, 71, "i no progress", now), 1);
	/* Mail is not a flood, and nobody's debug lines or last words are. */
	empty(PEER_QUEUE, 5, "i 0123456789abcdef: from=<> client=x "
	    "[203.0.113.5]", now, RATE_MAIL_BURST);
	assert_int_equal(allow(PEER_QUEUE, 5, "p broken", now), 1);
	assert_int_equal(allow(PEER_IMAPD, 70, "f no memory", now), 1);
	assert_int_equal(allow(PEER_IMAPD, 70, "d word", now), 1);
	assert_int_equal(allow(PEER_IMAPD, 70, "", now), 0);
}

/* Of which programs a client may write any number of lines. */
static void
test_classes(void **state)
{
	static const enum peer loud[] = { PEER_SMTPD, PEER_LOGIN, PEER_AUTH,
		PEER_IMAPD, PEER_POP3D };
	static const enum peer mail[] = { PEER_MASTER, PEER_QUEUE,
		PEER_DELIVER, PEER_RELAY, PEER_RESOLVE, PEER_STORE };
	int64_t now = 600000000;
	size_t i;

	for (i = 0; i < sizeof(loud) / sizeof(loud[0]); i++) {
		reset();
		empty(loud[i], 3, "i word", now, RATE_BURST);
		/* As many as the time brings, and in a while all again. */
		empty(loud[i], 3, "i word", now + 1000, RATE_PER_SECOND);
		empty(loud[i], 3, "i word", now + 2000000, RATE_BURST);
	}
	for (i = 0; i < sizeof(mail) / sizeof(mail[0]); i++) {
		reset();
		empty(mail[i], 3, "i word", now, RATE_MAIL_BURST);
		empty(mail[i], 3, "i word", now + 1, RATE_MAIL_PER_SECOND /
		    1000);
	}
}

/* Very many sources have a bound together, and the table one of its own. */
static void
test_many(void **state)
{
	unsigned long i, passed = 0;
	int64_t now = 900000000;
	char line[80];

	reset();
	for (i = 0; i < 300000; i++) {
		snprintf(line, sizeof(line), "i client 10.%lu.%lu.%lu:1: x",
		    i >> 16 & 255, i >> 8 & 255, i & 255);
		passed += (unsigned long)allow(PEER_SMTPD, 1, line, now);
	}
	assert_int_equal(passed, RATE_ALL_BURST);
	rate_tick(now, 1, say);
	assert_int_equal(told, 300000 - RATE_ALL_BURST);
	assert_non_null(strstr(last, " lines about clients in all "));
	/* The counts of who lost his place in the table are told then. */
	reset();
	now += 1000000;
	for (i = 0; i < RATE_BURST + 10; i++)
		(void)allow(PEER_SMTPD, 1, "i client 192.0.2.99:1: x", now);
	for (i = 0; i < 30000; i++) {
		snprintf(line, sizeof(line), "i client 10.9.%lu.%lu:1: x",
		    i >> 8 & 255, i & 255);
		(void)allow(PEER_SMTPD, 1, line, now + 1);
	}
	assert_int_equal(told, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
