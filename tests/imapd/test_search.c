/*
 * SEARCH: what matches, and that the scan of a message goes in steps whose
 * work is bounded in octets times keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"

#include "imapd/imapd_search_scan.h"

static const char mail[] =
    "From: Anna <anna@example.test>\r\n"
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= und\r\n mehr\r\n"
    "Date: Mon, 02 Nov 2026 23:30:00 -0800\r\n"
    "X-Empty:\r\n"
    "X-Twice: one\r\nX-Twice: two\r\n"
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
    "preamble\r\n--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\n"
    "w4RwZmVsIHVuZCBCaXJuZW4=\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: inner\r\nX-Inner: pear\r\n\r\ninner text\r\n"
    "--b\r\nContent-Type: image/png\r\n\r\nhidden\r\n--b--\r\n";

static struct imapd_view view;

static int
file_with(const char *p, size_t len)
{
	char name[] = "/tmp/rohrpost-search-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd != -1);
	unlink(name);
	assert_int_equal(write(fd, p, len), (ssize_t)len);
	return fd;
}

static struct imapd_key *
keys_read(const char *text)
{
	struct imapd_args args = { 0 };
	char *copy = strdup(text);
	struct imapd_key *k;
	const char *why;

	assert_int_equal(imapd_args_parse(&args, copy, strlen(copy), &why),
	    0);
	k = imapd_search_parse(args.a, args.top, &view,
	    mime_charset_find("utf-8", 5), &why);
	if (k == NULL)
		fail_msg("%s: %s", text, why);
	imapd_args_clear(&args);
	free(copy);
	return k;
}

/* Scans the message in steps of that work; how many in *steps_r. */
static int
matches(const char *keys, const char *p, size_t len, size_t work,
    size_t *steps_r)
{
	struct imapd_key *k = keys_read(keys);
	struct door_record r = { .uid = 1, .size = len };
	const char *body = strstr(p, "\r\n\r\n");
	struct imapd_scan sc;
	size_t n = 0;
	int yes;

	r.header_len = (uint32_t)(body + 4 - p);
	yes = imapd_search_match(k, &view, 1, &r);
	if (yes == IMAPD_UNKNOWN) {
		imapd_scan_init(&sc, k);
		imapd_scan_begin(&sc, &view, 1, &r, file_with(p, len));
		for (n = 1; !imapd_scan_step(&sc, work); n++)
			assert_true(sc.work < work + 64 * 1024 + len);
		yes = imapd_scan_end(&sc);
		assert_false(imapd_scan_begun(&sc));
		/* The tree is as before, for the next message. */
		assert_int_equal(imapd_search_match(k, &view, 1, &r),
		    IMAPD_UNKNOWN);
		imapd_scan_clear(&sc);
	}
	imapd_search_free(&k);
	if (steps_r != NULL)
		*steps_r = n;
	return yes;
}

/* The dates are some seconds from the ends of the intervals: the clock runs. */
static void
test_within(void **state)
{
	static const struct {
		const char *keys;
		int64_t	 age;
		int	 yes;
	} row[] = {
		{ " YOUNGER 100", 40, 1 }, { " YOUNGER 100", 160, 0 },
		{ " OLDER 100", 40, 0 }, { " OLDER 100", 160, 1 },
		{ " OLDER 100", 100, 1 }, { " older 4294967295", 100, 0 },
		{ " NOT YOUNGER 4294967295", -100, 0 },
		{ " OLDER 50 YOUNGER 500", 100, 1 },
	};
	static const char *const bad[] = { " OLDER 0", " YOUNGER", " OLDER -1",
		" YOUNGER 4294967296", " YOUNGER \"5\"" };
	struct imapd_args args = { 0 };
	struct door_record r = { .uid = 1 };
	struct imapd_key *k;
	const char *why;
	char text[40];
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		k = keys_read(row[i].keys);
		r.date = clock_now() - row[i].age;
		assert_int_equal(imapd_search_match(k, &view, 1, &r),
		    row[i].yes);
		imapd_search_free(&k);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(text, bad[i]);
		assert_int_equal(imapd_args_parse(&args, text, strlen(text),
		    &why), 0);
		assert_null(imapd_search_parse(args.a, args.top, &view,
		    mime_charset_find("utf-8", 5), &why));
	}
	imapd_args_clear(&args);
}

/* However often it is asked for, "$" is there once. */
static void
test_dollar_is_shared(void **state)
{
	static const char *const keys[] = { " $ not $ uid $ or $ ($ $)",
	    " ($ $) $" };
	uint32_t uids[] = { 10, 30, 40, 60 };
	struct imapd_view was = view;
	struct door_record r = { .uid = 30 };
	struct imapd_key *k, *c;
	size_t i;

	view.uids = uids;
	view.n = 4;
	assert_int_equal(imapd_set_parse(&view.saved, "30", 2, 60), 0);
	for (i = 0; i < 2; i++) {
		k = keys_read(keys[i]);
		for (c = k->first; c != NULL; c = c->next) {
			struct imapd_key *d = c->first != NULL ? c->first : c;

			assert_int_equal(d->set.n, 1);
			assert_int_equal(d->set.lent, d != (i == 0 ? k->first :
			    k->first->first));
		}
		assert_int_equal(imapd_search_match(k, &view, 2, &r), i);
		assert_int_equal(imapd_search_match(k, &view, 1, &r), 0);
		imapd_search_free(&k);
	}
	imapd_set_clear(&view.saved);
	view = was;
}

/* The day it was saved; where that is not known, the internal date. */
static void
test_saved(void **state)
{
	static const struct {
		const char *keys;
		int	 saved, yes;
	} row[] = {
		{ " SAVEDON 3-Jan-1970", 1, 1 }, { " SAVEDON 2-Jan-1970", 1, 0 },
		{ " SAVEDON 2-Jan-1970", 0, 1 },
		{ " SAVEDSINCE 3-Jan-1970", 1, 1 },
		{ " SAVEDSINCE 3-Jan-1970", 0, 0 },
		{ " SAVEDBEFORE 3-Jan-1970", 1, 0 },
		{ " SAVEDBEFORE 3-Jan-1970", 0, 1 },
		{ " savedatesupported", 0, 1 },
	};
	struct door_record r = { .uid = 1, .date = 86400 + 5 };
	struct imapd_key *k;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		k = keys_read(row[i].keys);
		r.save_date = row[i].saved ? 2 * 86400 + 5 : 0;
		assert_int_equal(imapd_search_match(k, &view, 1, &r),
		    row[i].yes);
		imapd_search_free(&k);
	}
}

static const struct {
	const char *keys;
	int	 yes;
} rows[] = {
	{ " SUBJECT \"gr\303\234\303\237e UND MEHR\"", 1 },
	{ " SUBJECT gruesse", 0 },
	{ " SUBJECT inner", 0 },
	{ " SUBJECT subject", 0 },
	{ " HEADER X-EMPTY \"\"", 1 },
	{ " HEADER x-none \"\"", 0 },
	{ " HEADER x-twice TWO", 1 },
	{ " HEADER x-twice onetwo", 0 },
	{ " HEADER x-inner pear", 0 },
	{ " FROM anna@ TO anna", 0 },
	{ " TEXT \"from: anna\"", 1 },
	{ " TEXT \"subject: inner\"", 1 },
	{ " BODY \"subject: inner\"", 1 },
	{ " BODY \"from: anna\"", 0 },
	{ " BODY \"\303\244pfel und birn\"", 1 },
	{ " BODY \"pear\"", 1 },
	{ " BODY \"inner text\"", 1 },
	{ " BODY preamble", 0 },
	{ " BODY hidden", 0 },
	{ " BODY \"\"", 1 },
	{ " TEXT \"\"", 1 },
	{ " TEXT \"birneninner\"", 0 },
	{ " SENTON 2-Nov-2026", 1 },
	{ " SENTBEFORE 2-Nov-2026", 0 },
	{ " SENTSINCE 3-Nov-2026", 0 },
	{ " NOT BODY nowhere", 1 },
	{ " NOT BODY pear", 0 },
	{ " OR BODY nowhere BODY pear", 1 },
	{ " OR BODY nowhere NOT BODY pear", 0 },
	{ " NOT (BODY pear BODY nowhere)", 1 },
	{ " OR (FROM anna BODY nowhere) (TEXT birnen NOT TEXT nowhere)", 1 },
	{ " SEEN BODY pear", 0 },
	{ " UNSEEN BODY pear BODY \"inner text\" TEXT anna", 1 },
};

/* What ENVELOPE lists of a field, its names decoded (RFC 3501 6.4.4). */
static void
test_addresses(void **state)
{
	static const char in[] =
	    "From: \"Anna \\\"Nan\\\" B\" (not said) <anna @ example.test>,\r\n"
	    " =?utf-8?Q?J=C3=BCr?=\r\n =?utf-8?B?Z2Vu?= <jw@one.test>\r\n"
	    "From: carl@two.test (Carl C)\r\n"
	    "To: Friends: bert@b.test, dora@b.test;\r\n"
	    "To: \"gone@away.test\" <real@here.test>\r\n"
	    "Cc: undisclosed-recipients:;\r\n"
	    "Bcc: <@route.test:late@far.test>\r\n\r\nbody\r\n";
	static const struct {
		const char *keys;
		int	 yes;
	} row[] = {
		{ " FROM anna@example.test", 1 },
		{ " FROM \"anna @\"", 0 },
		{ " HEADER FROM \"anna @\"", 1 },
		{ " HEADER FROM anna@example.test", 0 },
		{ " FROM \"anna \\\"nan\\\" b\"", 1 },
		{ " FROM \"not said\"", 0 },
		{ " HEADER FROM \"not said\"", 1 },
		{ " TEXT \"not said\"", 1 },
		{ " TEXT anna@example.test", 0 },
		{ " FROM \"j\303\234rgen <jw@ONE\"", 1 },
		{ " FROM utf-8", 0 },
		{ " FROM \"carl c <carl@two.test>\"", 1 },
		{ " FROM \"\"", 1 }, { " TO friends", 1 },
		{ " TO dora@b.test TO bert@b.test", 1 },
		{ " TO gone@away.test", 1 }, { " TO real@here.test", 1 },
		{ " CC undisclosed", 1 }, { " BCC late@far.test", 1 },
		{ " BCC route.test", 0 }, { " HEADER BCC route.test", 1 },
		{ " NOT FROM bert", 1 }, { " FROM anna NOT TO anna", 1 },
		{ " OR CC anna HEADER TO bert TEXT bert@ FROM carl", 1 },
	};
	size_t i, j;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (j = 0; j < 2; j++)
			if (matches(row[i].keys, in, sizeof(in) - 1,
			    j == 0 ? SIZE_MAX : 1, NULL) != row[i].yes)
				fail_msg("%s (%zu)", row[i].keys, j);
}

/* In one step, and in as many as can be. */
static void
test_what_matches(void **state)
{
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (j = 0; j < 2; j++)
			if (matches(rows[i].keys, mail, sizeof(mail) - 1,
			    j == 0 ? SIZE_MAX : 1, NULL) != rows[i].yes)
				fail_msg("%s (%zu)", rows[i].keys, j);
}

/* Where a text decides, a number of the message has its part in it. */
static void
test_number_beside_text(void **state)
{
	uint32_t uids[3] = { 7, 8, 9 }, seq;
	struct imapd_view of_three = { .uids = uids, .n = 3 }, none = view;
	struct door_record r = { .size = sizeof(mail) - 1 };
	struct imapd_scan sc;
	struct imapd_key *k;

	view = of_three;
	k = keys_read(" OR 2 TEXT nowhere OR NOT 3 SUBJECT nothing");
	r.header_len = (uint32_t)(strstr(mail, "\r\n\r\n") + 4 - mail);
	for (seq = 1; seq <= 3; seq++) {
		r.uid = uids[seq - 1];
		imapd_scan_init(&sc, k);
		imapd_scan_begin(&sc, &view, seq, &r,
		    file_with(mail, sizeof(mail) - 1));
		while (!imapd_scan_step(&sc, SIZE_MAX))
			;
		assert_int_equal(imapd_scan_end(&sc), seq == 2);
		imapd_scan_clear(&sc);
	}
	imapd_search_free(&k);
	view = none;
}

/* A program has so many keys, and not one more. */
static void
test_keys_are_bounded(void **state)
{
	enum { MOST = 10000 - 1 };	/* and the whole, which is one */
	struct imapd_args args = { 0 };
	struct buf b = BUF_INIT(0);
	struct imapd_key *k;
	const char *why;
	int more, i;

	for (more = 0; more < 2; more++) {
		buf_reset(&b);
		for (i = 0; i < MOST + more; i++)
			buf_puts(&b, " ALL");
		assert_int_equal(imapd_args_parse(&args, b.data, b.len, &why),
		    0);
		k = imapd_search_parse(args.a, args.top, &view,
		    mime_charset_find("utf-8", 5), &why);
		assert_int_equal(k == NULL, more);
		imapd_search_free(&k);
		imapd_args_clear(&args);
		memset(&args, 0, sizeof(args));
	}
	buf_clear(&b);
}

/* Every text is held against every key, a piece a step. */
static void
test_steps_are_bounded(void **state)
{
	enum { LEN = 1 << 20, KEYS = 200, WORK = 256 * 1024 };
	static const char head[] = "Subject: x\r\n\r\n";
	char *p = malloc(LEN + 1), key[40];
	struct buf keys = BUF_INIT(0);
	size_t steps, i;

	assert_non_null(p);
	for (i = 0; i < LEN; i++)
		p[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 7);
	p[LEN] = '\0';
	memcpy(p, head, sizeof(head) - 1);
	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), " NOT TEXT never%zu", i);
		buf_puts(&keys, key);
	}
	assert_int_equal(matches(keys.data, p, LEN, WORK, &steps), 1);
	assert_true(steps >= (size_t)LEN / WORK * KEYS);
	assert_true(steps < (size_t)LEN / WORK * KEYS * 2);
	/* What decides ends it. */
	buf_puts(&keys, " SUBJECT y");
	assert_int_equal(matches(keys.data, p, LEN, WORK, &steps), 0);
	assert_int_equal(steps, 1);
	buf_clear(&keys);
	free(p);
}

/* A file that cannot be read has no text. */
static void
test_unreadable(void **state)
{
	struct imapd_key *k = keys_read(" TEXT x");
	struct door_record r = { .uid = 1, .size = 100, .header_len = 10 };
	struct imapd_scan sc;

	imapd_scan_init(&sc, k);
	imapd_scan_begin(&sc, &view, 1, &r, file_with("x", 1));
	assert_true(imapd_scan_step(&sc, 1));
	assert_false(imapd_scan_end(&sc));
	imapd_scan_clear(&sc);
	imapd_search_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_dollar_is_shared),
		cmocka_unit_test(test_what_matches),
		cmocka_unit_test(test_number_beside_text),
		cmocka_unit_test(test_keys_are_bounded),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_steps_are_bounded),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
