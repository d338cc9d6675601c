/*
 * The parsers of imapd: names, sets, patterns, arguments, input, dates,
 * FETCH items.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/mail/utf7.h"

#include "imapd/imapd_args.h"
#include "imapd/imapd_date.h"
#include "imapd/imapd_fetch_items.h"
#include "imapd/imapd_flags.h"
#include "imapd/imapd_input.h"
#include "lib/mail/pattern.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_set.h"

/* Modified UTF-7 and its UTF-8; NULL: refused. */
static const struct {
	const char *wire, *utf8;
} names[] = {
	{ "INBOX", "INBOX" }, { "a b", "a b" }, { "&-", "&" },
	{ "a&-b", "a&b" }, { "&AOQ-", "\xc3\xa4" },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	    "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
	    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&2D3cqQ-", "\xf0\x9f\x92\xa9" },
	{ "&", NULL }, { "&AOQ", NULL }, { "&AAA-", NULL },
	{ "&2D3-", NULL }, { "&2D0-", NULL }, { "&3Kk-", NULL },
	{ "&AGE-", NULL }, { "&AOQ-&APw-", NULL }, { "&AOR-", NULL },
	{ "&AOQA-", NULL }, { "&A-", NULL }, { "&AO*-", NULL },
	{ "&AAo-", NULL }, { "a\tb", NULL }, { "\xc3\xa4", NULL },
	{ "&AC8-", NULL }, { "&AAD-", NULL },
};

static void
test_utf7(void **state)
{
	struct buf b = BUF_INIT(0);
	size_t i;
	int r;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_reset(&b);
		r = utf7_decode(names[i].wire, strlen(names[i].wire),
		    &b);
		assert_int_equal(r, names[i].utf8 != NULL ? 0 : -1);
		if (r == -1)
			continue;
		assert_string_equal(buf_str(&b), names[i].utf8);
		buf_reset(&b);
		assert_int_equal(utf7_encode(names[i].utf8,
		    strlen(names[i].utf8), &b), 0);
		assert_string_equal(buf_str(&b), names[i].wire);
	}
	buf_clear(&b);
}

static void
test_names(void **state)
{
	static const struct {
		const char *in, *want;
	} row[] = {
		{ "inbox", "INBOX" }, { "InBoX/a", "INBOX/a" },
		{ "inboxes", "inboxes" }, { "a/inbox", "a/inbox" },
	};
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(imapd_names_read(row[i].in,
		    strlen(row[i].in), &b), 0);
		assert_string_equal(buf_str(&b), row[i].want);
	}
	buf_reset(&b);
	imapd_names_put(&b, "a\"b\\\xc3\xa4", 6);
	assert_string_equal(buf_str(&b), "\"a\\\"b\\\\&AOQ-\"");
	buf_clear(&b);
}

/* Set, largest, and its ranges as text; NULL: refused. */
static const struct {
	const char *in;
	uint32_t largest;
	const char *want;
} sets[] = {
	{ "1", 5, "1" }, { "1:3", 5, "1:3" }, { "3:1", 5, "1:3" },
	{ "5,1,3:4", 9, "1,3:5" }, { "1:*", 4, "1:4" }, { "*", 4, "4" },
	{ "*:2", 4, "2:4" }, { "7:*", 4, "4:7" }, { "*:*", 3, "3" },
	{ "1:2,2:3,3:4", 9, "1:4" }, { "1:*", 0, "" }, { "*", 0, "" },
	{ "4294967295", 1, "4294967295" }, { "4294967296", 1, NULL },
	{ "0", 5, NULL }, { "", 5, NULL }, { "1,", 5, NULL },
	{ ",1", 5, NULL }, { "1:", 5, NULL }, { ":1", 5, NULL },
	{ "1:2:3", 5, NULL }, { "-1", 5, NULL }, { "1 2", 5, NULL },
	{ "*:4294967296", 5, NULL }, { "$", 5, NULL },
	{ "1:4294967295", 3, "1:4294967295" },
	{ "5:4294967295,7", 9, "5:4294967295" },
	{ "4294967295,4294967294:4294967295,1", 9,
	  "1,4294967294:4294967295" },
};

static void
test_set(void **state)
{
	struct buf b = BUF_INIT(0);
	struct imapd_set set;
	size_t i, j;
	int r;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		r = imapd_set_parse(&set, sets[i].in, strlen(sets[i].in),
		    sets[i].largest);
		assert_int_equal(r, sets[i].want != NULL ? 0 : -1);
		if (r == -1)
			continue;
		buf_reset(&b);
		for (j = 0; j < set.n; j++) {
			buf_printf(&b, j > 0 ? ",%u" : "%u", set.r[j].lo);
			if (set.r[j].hi != set.r[j].lo)
				buf_printf(&b, ":%u", set.r[j].hi);
			assert_true(imapd_set_has(&set, set.r[j].lo));
			assert_true(imapd_set_has(&set, set.r[j].hi));
		}
		assert_string_equal(buf_str(&b), sets[i].want);
		assert_false(imapd_set_has(&set, 0));
		imapd_set_clear(&set);
	}
	buf_reset(&b);
	for (i = 0; i < 100000; i++)
		buf_puts(&b, "1:*,");
	buf_puts(&b, "1");
	assert_int_equal(imapd_set_parse(&set, b.data, b.len, 5), -1);
	buf_clear(&b);
}

static void
test_set_put(void **state)
{
	static const uint32_t v[] = { 1, 2, 3, 7, 9, 10, UINT32_MAX };
	struct buf b = BUF_INIT(0);

	imapd_set_put(&b, v, 7);
	assert_string_equal(buf_str(&b), "1:3,7,9:10,4294967295");
	buf_clear(&b);
}

static const struct {
	const char *pattern, *name;
	int	 want;
} matches[] = {
	{ "*", "a/b", 1 }, { "%", "a/b", 0 }, { "%", "ab", 1 },
	{ "a", "a", 1 }, { "a", "ab", 0 }, { "a*", "a/b/c", 1 },
	{ "a%", "a/b", 0 }, { "a%", "abc", 1 }, { "%/%", "a/b", 1 },
	{ "%/%", "a/b/c", 0 }, { "*/b", "a/x/b", 1 }, { "*b*", "abc", 1 },
	{ "%b%", "abc", 1 }, { "a%c*e", "abcd/e", 1 },
	{ "a%c%e", "abcd/e", 0 }, { "", "", 1 }, { "", "a", 0 },
	{ "*%", "a/b", 1 }, { "%*", "a/b", 1 }, { "a*b*c*d", "a1b2c3", 0 },
	{ "a*", "a", 1 }, { "*a", "a", 1 }, { "ab", "a", 0 },
};

static void
test_pattern(void **state)
{
	char pattern[PATTERN_MAX], name[1000];
	size_t i, n;

	for (i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		n = strlen(matches[i].pattern);
		memcpy(pattern, matches[i].pattern, n);
		n = pattern_fold(pattern, n);
		assert_int_equal(pattern_match(pattern, n,
		    matches[i].name, strlen(matches[i].name)),
		    matches[i].want);
	}
	/* What stands behind it is none of it. */
	for (n = 1; n < 3; n++) {
		memcpy(pattern, n == 1 ? "a*b" : "aa%", 3);
		assert_true(pattern_match(pattern, n, "aa", n));
		assert_false(pattern_match(pattern, n, "aab", n + 1));
	}
	/* To try every way takes longer than anybody waits. */
	for (i = 0; i < PATTERN_MAX; i++)
		pattern[i] = i % 2 ? 'a' : i % 4 ? '%' : '*';
	memset(name, 'a', sizeof(name));
	name[999] = 'b';
	for (i = 0; i < 20; i++)
		assert_false(pattern_match(pattern, PATTERN_MAX,
		    name, 1000));
}

/* Arguments, written back in one form; NULL: refused. */
static const struct {
	const char *in, *want;
} arguments[] = {
	{ "", "" }, { " a", "a" }, { " a b", "a b" }, { " \"a b\"", "'a b'" },
	{ " \"a\\\"\\\\b\"", "'a\"\\b'" }, { " ()", "()" },
	{ " (a (b c) ())", "(a (b c) ())" }, { " ((a)(b))", "((a) (b))" },
	{ " {3}\r\na b c", "'a b' c" }, { " {3+}\r\na b", "'a b'" },
	{ " {0}\r\n", "''" },
	{ " BODY[HEADER.FIELDS (A B)]<0.9> x",
	    "BODY[HEADER.FIELDS (A B)]<0.9> x" },
	{ " BODY[HEADER.FIELDS (\"A]\" {1}\r\nB)]",
	    "BODY[HEADER.FIELDS (\"A]\" {1}\r\nB)]" },
	{ " a[b c", "a[b c" }, { " \\Seen *", "\\Seen *" },
	{ "a", NULL }, { "  a", NULL }, { " a  b", NULL }, { " a ", NULL },
	{ " (a", NULL }, { " a)", NULL }, { " )", NULL }, { " (a )", NULL },
	{ " \"a", NULL }, { " \"a\\", NULL }, { " \"a\\b\"", NULL },
	{ " {3}\r\na", NULL }, { " {x}\r\na", NULL }, { " {-1}", NULL },
	{ " {18446744073709551616}\r\n", NULL }, { " a\"b\"", NULL },
	{ " \x01", NULL }, { " a{1}\r\nb", NULL },
};

static void
show(struct buf *b, const struct imapd_arg *a, size_t n)
{
	for (; n > 0; n--, a = imapd_arg_next(a)) {
		if (a->type == IMAPD_LIST) {
			buf_putc(b, '(');
			show(b, a + 1, a->len);
			buf_putc(b, ')');
		} else if (a->type == IMAPD_ATOM)
			buf_append(b, a->p, a->len);
		else {
			buf_putc(b, '\'');
			buf_append(b, a->p, a->len);
			buf_putc(b, '\'');
		}
		if (n > 1)
			buf_putc(b, ' ');
	}
}

static void
test_args(void **state)
{
	struct imapd_args args = { 0 };
	struct buf b = BUF_INIT(0);
	const char *why;
	char *copy;
	size_t i, j;
	int r;

	for (i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		copy = mem_strdup(arguments[i].in);
		r = imapd_args_parse(&args, copy, strlen(copy), &why);
		assert_int_equal(r, arguments[i].want != NULL ? 0 : -1);
		if (r == 0) {
			buf_reset(&b);
			show(&b, args.a, args.top);
			assert_string_equal(buf_str(&b), arguments[i].want);
		}
		free(copy);
	}
	for (i = IMAPD_NEST_MAX; i <= IMAPD_NEST_MAX + 1; i++) {
		buf_reset(&b);
		buf_putc(&b, ' ');
		for (j = 0; j < i; j++)
			buf_putc(&b, '(');
		for (j = 0; j < i; j++)
			buf_putc(&b, ')');
		assert_int_equal(imapd_args_parse(&args, b.data, b.len, &why),
		    i == IMAPD_NEST_MAX ? 0 : -1);
	}
	imapd_args_clear(&args);
	buf_clear(&b);
}

enum { REFUSED = 7 };		/* a literal of that size */

/* Feeds text in pieces of step octets; collects what next says. */
static void
feed(const char *text, size_t len, size_t step, struct buf *log)
{
	struct imapd_input in;
	struct imapd_line l;
	size_t i, n;
	char *room;

	imapd_input_init(&in);
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		room = imapd_input_room(&in);
		assert_non_null(room);
		memcpy(room, text + i, n);
		imapd_input_got(&in, n);
		for (;;) {
			switch (imapd_input_next(&in, &l)) {
			case IMAPD_INPUT_MORE:
				goto more;
			case IMAPD_INPUT_COMMAND:
				buf_printf(log, "C%zu:%.*s;", l.len,
				    l.len > 30 ? 30 : (int)l.len, l.p);
				imapd_input_done(&in);
				break;
			case IMAPD_INPUT_TOO_LONG:
				buf_puts(log, "LONG;");
				imapd_input_done(&in);
				break;
			case IMAPD_INPUT_LITERAL:
				buf_printf(log, "L%llu%s;",
				    (unsigned long long)l.literal,
				    l.sync ? "" : "+");
				if (l.literal == REFUSED ||
				    imapd_input_take(&in, &l) == -1) {
					buf_puts(log, "refused;");
					imapd_input_refuse(&in, &l);
				}
				break;
			case IMAPD_INPUT_DROPPED:
				buf_printf(log, "D%llu;",
				    (unsigned long long)l.literal);
				imapd_input_refuse(&in, &l);
				break;
			}
		}
more:
		assert_true(in.buf.len <= IMAPD_HELD_MAX);
	}
	imapd_input_clear(&in);
}

static void
put_run(struct buf *b, char c, size_t n)
{
	while (n-- > 0)
		buf_putc(b, c);
}

static void
test_input(void **state)
{
	static const struct {
		const char *in, *want;
	} row[] = {
		{ "a NOOP\r\nb NOOP\n", "C6:a NOOP;C6:b NOOP;" },
		{ "\r\n", "C0:;" },
		{ "a LOGIN {3}\r\nabc {2+}\r\nde\r\nb\r\n",
		    "L3;L2+;C25:a LOGIN {3}\r\nabc {2+}\r\nde;C1:b;" },
		{ "a {-1}\r\n", "C6:a {-1};" }, { "a {}\r\n", "C4:a {};" },
		{ "a {18446744073709551616}\r\n",
		    "L18446744073709551615;refused;" },
		{ "a {00000000000000005}\r\nabcde\r\n",
		    "L5;C28:a {00000000000000005}\r\nabcde;" },
		{ "a {0}\r\n\r\nb\r\n", "L0;C7:a {0}\r\n;C1:b;" },
		{ "a {999999+}\r\n", "L999999+;refused;" },
		{ "a {300000}\r\nb\r\n", "L300000;refused;C1:b;" },
		{ "a {7}\r\nb\r\n", "L7;refused;C1:b;" },
		{ "a {7+}\r\n123\r\n56 c\r\nb\r\n", "L7+;refused;C1:b;" },
		/* Further literals of what is dropped. */
		{ "a {7+}\r\n1234567 {3+}\r\nx\r\n {7+}\n\r\n34567\r\nb\r\n",
		    "L7+;refused;D3;D7;C1:b;" },
		{ "a {7+}\r\n1234567{0+}\r\n{7+}\r\nb\r\n\r\n\r\n\r\nc\r\n",
		    "L7+;refused;D0;D7;C1:c;" },
		{ "a {7+}\r\n1234567 {3}\r\nb\r\n", "L7+;refused;C1:b;" },
		{ "a {7+}\r\n1234{3+} {3+} \r\nb\r\n", "L7+;refused;C1:b;" },
		{ "a {7+}\r\n12345{3+}\r\nb\r\n", "L7+;refused;C1:b;" },
		{ "a {7+}\r\n1234567 {x+}\r\nb\r\n", "L7+;refused;C1:b;" },
		{ "a {7+}\r\n1234567 0123456789012345678901234567890123456789"
		    "01234567890123456789 {00000000000000000000000000002+}\r\n"
		    "xx\r\nb\r\n", "L7+;refused;D2;C1:b;" },
		{ "a {7+}\r\n1234567 {18446744073709551616+}\r\nb\r\n",
		    "L7+;refused;D18446744073709551615;" },
	};
	struct buf log = BUF_INIT(0), big = BUF_INIT(0);
	size_t i, step;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (step = 1; step < 40; step += 3) {
			buf_reset(&log);
			feed(row[i].in, strlen(row[i].in), step, &log);
			assert_string_equal(buf_str(&log), row[i].want);
		}
	/* A refused LITERAL+ and a line without end are dropped. */
	buf_puts(&big, "a {300000+}\r\n");
	for (i = 0; i < 300000; i++)
		buf_putc(&big, i % 70 == 0 ? '\n' : 'x');
	buf_puts(&big, "rest\r\nb\r\n");
	for (i = 0; i < 200000; i++)
		buf_putc(&big, 'y');
	buf_puts(&big, "\r\nc\r\n");
	buf_reset(&log);
	feed(big.data, big.len, 4000, &log);
	assert_string_equal(buf_str(&log),
	    "L300000+;refused;C1:b;LONG;C1:c;");
	/* Also where the line was too long, whole or not when that shows. */
	for (step = 1; step < IMAPD_READ_SIZE; step += 1001) {
		buf_reset(&big);
		buf_reset(&log);
		put_run(&big, 'y', IMAPD_LINE_MAX);
		buf_puts(&big, " {3+}\r\nb\r\n\r\nc\r\n");
		feed(big.data, big.len, step, &log);
		assert_string_equal(buf_str(&log), "LONG;D3;C1:c;");
	}
	buf_reset(&big);
	buf_reset(&log);
	buf_puts(&big, "a");
	for (i = 0; i < 1200; i++)
		buf_puts(&big, " {1+}\r\nx");
	buf_puts(&big, "\r\nb\r\n");
	feed(big.data, big.len, 100, &log);
	assert_non_null(strstr(buf_str(&log), "refused;"));
	assert_string_equal(log.data + log.len - 5, "C1:b;");
	buf_clear(&log);
	buf_clear(&big);
}

/* The most that literals may bring, and the most text behind them. */
static void
test_input_largest(void **state)
{
	enum { FIRST = IMAPD_COMMAND_MAX - IMAPD_LINE_MAX, HEADS = 24 };
	static const size_t steps[] = { 1000, IMAPD_READ_SIZE - 1,
		IMAPD_READ_SIZE };
	const size_t second = IMAPD_COMMAND_MAX - FIRST - HEADS;
	struct buf log = BUF_INIT(0), big = BUF_INIT(0);
	char want[200];
	size_t i, more;

	for (more = 0; more < 2; more++) {
		buf_reset(&big);
		buf_printf(&big, "z {%d+}\r\n", (int)FIRST);
		put_run(&big, 'x', FIRST);
		buf_printf(&big, " {%zu+}\r\n", second);
		assert_int_equal(big.len + second, IMAPD_COMMAND_MAX);
		put_run(&big, 'y', second);
		put_run(&big, 'z', IMAPD_LINE_MAX - HEADS - 2 + more);
		buf_puts(&big, "\r\nb\r\n");
		snprintf(want, sizeof(want), "L%d+;L%zu+;", (int)FIRST,
		    second);
		for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			buf_reset(&log);
			feed(big.data, big.len, steps[i], &log);
			assert_memory_equal(buf_str(&log), want,
			    strlen(want));
			assert_string_equal(log.data + log.len - 5, "C1:b;");
			assert_int_equal(strstr(buf_str(&log), "LONG") !=
			    NULL, more);
		}
	}
	buf_clear(&log);
	buf_clear(&big);
}

static void
test_date(void **state)
{
	static const struct {
		const char *in;
		long long want;		/* -1: refused */
	} row[] = {
		{ " 1-Jan-1970 00:00:01 +0000", 1 },
		{ "01-Jan-1970 01:00:00 +0100", 0 },
		{ "17-Jul-1996 02:44:25 -0700", 837596665 },
		{ "29-Feb-2024 12:00:00 +0000", 1709208000 },
		{ "29-Feb-2023 12:00:00 +0000", -1 },
		{ "32-Jan-2024 12:00:00 +0000", -1 },
		{ "01-Foo-2024 12:00:00 +0000", -1 },
		{ "01-Jan-0000 12:00:00 +0000", -1 },
		{ "01-Jan-2024 24:00:00 +0000", -1 },
		{ "01-Jan-2024 12:00:00 +9999", -1 },
		{ "01-Jan-2024 12:00:00", -1 }, { "", -1 },
		/* As clients write them. */
		{ "1-Jan-1970 00:00:02 +0000", 2 },
		{ "3-feb-2025 18:28:47 +0000", 1738607327 },
		{ " 3-FEB-2025 18:28:47 GMT", 1738607327 },
		{ "03-Feb-2025 13:28:47 est", 1738607327 },
		{ "3-Feb-2025 18:28:47 Z", 1738607327 },
		{ "3-Feb-2025 18:28:47 UTC", 1738607327 },
		{ " 13-Feb-2025 18:28:47 +0000", 1739471327 },
		{ "  3-Feb-2025 18:28:47 +0000", -1 },
		{ "3-Feb-2025 18:28:47 ", -1 },
		{ "3-Feb-2025 18:28:47 +000", -1 },
		{ "3-Feb-2025 18:28:47 XYZ", -1 },
		{ "3-Feb-2025 18:28:47 +0000x", -1 },
		{ "3-Feb-2025 18:28:47 GMT x", -1 },
		{ "3-Feb-2025", -1 }, { "3-Feb-2025 ", -1 }, { " ", -1 },
	};
	char out[IMAPD_DATE_LEN + 1];
	int64_t t;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		t = -1;
		assert_int_equal(imapd_date_time(row[i].in,
		    strlen(row[i].in), &t), row[i].want == -1 ? -1 : 0);
		assert_int_equal(t, row[i].want);
	}
	imapd_date_put(out, 837596665);
	assert_string_equal(out, "17-Jul-1996 09:44:25 +0000");
	imapd_date_put(out, INT64_MAX);
	assert_string_equal(out, "31-Dec-9999 23:59:59 +0000");
	imapd_date_put(out, INT64_MIN);
	assert_string_equal(out, " 1-Jan-1900 00:00:00 +0000");
	assert_int_equal(imapd_date_day("1-Feb-1970", 10, &t), 0);
	assert_int_equal(t, 31);
	assert_int_equal(imapd_date_day("01-FEB-1970", 11, &t), 0);
	assert_int_equal(t, 31);
	assert_int_equal(imapd_date_day(" 1-feb-1970", 11, &t), 0);
	assert_int_equal(t, 31);
	assert_int_equal(imapd_date_day("1-Feb-70", 8, &t), -1);
	assert_int_equal(imapd_date_day("1-Feb-1970 ", 11, &t), -1);
	assert_int_equal(imapd_date_day("", 0, &t), -1);
	assert_int_equal(imapd_date_field(
	    " Mon, 2 Feb 1970 23:30:00 -0800", 31, &t), 0);
	assert_int_equal(t, 32);
}

/* FETCH items; the labels of what was understood; NULL: refused. */
static const struct {
	const char *in, *want;
} items[] = {
	{ " FLAGS", "FLAGS" }, { " (FLAGS UID)", "UID FLAGS" },
	{ " FAST", "FLAGS INTERNALDATE RFC822.SIZE" },
	{ " FULL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
	{ " BODY", "BODY" }, { " body[]", "BODY[]" },
	{ " BODY.PEEK[]<0.10>", "BODY[]<0>" },
	{ " BODY[1.2.text]", "BODY[1.2.TEXT]" },
	{ " BODY[1]", "BODY[1]" }, { " BODY[2.MIME]", "BODY[2.MIME]" },
	{ " BODY[Header.Fields (date \"from\")]",
	    "BODY[HEADER.FIELDS (DATE FROM)]" },
	{ " BODY[1.HEADER.FIELDS.NOT (X)]<7.4294967295>",
	    "BODY[1.HEADER.FIELDS.NOT (X)]<7>" },
	{ " BODY[HEADER.FIELDS (\"x)]\" \"a\\\"b\\\\\" y-1 \"a[b]c\")]",
	    "BODY[HEADER.FIELDS (\"X)]\" \"A\\\"B\\\\\" Y-1 \"A[B]C\")]" },
	{ " BODY[HEADER.FIELDS ({2}\r\na% b+~!)]",
	    "BODY[HEADER.FIELDS (\"A%\" B+~!)]" },
	{ " BODY[HEADER.FIELDS (\"a b\")]", NULL },
	{ " BODY[HEADER.FIELDS (date:)]", NULL },
	{ " BODY[HEADER.FIELDS ({2}\r\n\r\n)]", NULL },
	{ " BODY[HEADER.FIELDS.NOT (a {2}\r\n\xc3\xa4)]", NULL },
	{ " BODY[HEADER.FIELDS (\"\x7f\")]", NULL },
	{ " RFC822.HEADER", "RFC822.HEADER" },
	{ " (FLAGS FLAGS)", "FLAGS" }, { " MODSEQ", "MODSEQ" },
	{ " ()", NULL }, { " (FLAGS (UID))", NULL }, { " (FAST)", NULL },
	{ " BODY[MIME]", NULL }, { " BODY[0]", NULL }, { " BODY[1.]", NULL },
	{ " BODY[.1]", NULL }, { " BODY[HEADER.FIELDS]", NULL },
	{ " BODY[HEADER.FIELDS ()]", NULL }, { " BODY[FOO]", NULL },
	{ " BODY[]<0>", NULL }, { " BODY[]<0.0>", NULL },
	{ " BODY[]<-1.5>", NULL }, { " BODY[]<1.5", NULL },
	{ " BODY[]<4294967296.1>", NULL }, { " BODY[]x", NULL },
	{ " BODY[", NULL }, { " BODYX", NULL }, { " BODY[1.MIME.TEXT]", NULL },
	{ " BODY.PEEK", NULL }, { " \"FLAGS\"", NULL },
};

static void
test_items(void **state)
{
	struct imapd_args args = { 0 };
	struct buf b = BUF_INIT(0);
	struct imapd_items it;
	const char *why;
	char *copy;
	size_t i, j;

	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		copy = mem_strdup(items[i].in);
		assert_int_equal(imapd_args_parse(&args, copy, strlen(copy),
		    &why), 0);
		why = imapd_items_parse(&it, args.a);
		if (items[i].want == NULL)
			assert_non_null(why);
		else {
			assert_null(why);
			buf_reset(&b);
			for (j = 0; j < it.n; j++)
				buf_printf(&b, j > 0 ? " %s" : "%s",
				    it.item[j].label);
			assert_string_equal(buf_str(&b), items[i].want);
		}
		imapd_items_clear(&it);
		free(copy);
	}
	/* As many items, and fields of one, as may be. */
	for (i = IMAPD_ITEMS_MAX; i <= IMAPD_ITEMS_MAX + 1; i++) {
		buf_reset(&b);
		for (j = 0; j < i; j++)
			buf_puts(&b, j == 0 ? " (BODY[]" : " BODY[]");
		buf_puts(&b, ")");
		assert_int_equal(imapd_args_parse(&args, b.data, b.len, &why),
		    0);
		why = imapd_items_parse(&it, args.a);
		assert_true((why == NULL) == (i == IMAPD_ITEMS_MAX));
		imapd_items_clear(&it);
	}
	for (i = IMAPD_FIELDS_MAX; i <= IMAPD_FIELDS_MAX + 1; i++) {
		buf_reset(&b);
		for (j = 0; j < i; j++)
			buf_printf(&b, j == 0 ? " BODY[HEADER.FIELDS (x%zu" :
			    " x%zu", j);
		buf_puts(&b, ")]");
		assert_int_equal(imapd_args_parse(&args, b.data, b.len, &why),
		    0);
		why = imapd_items_parse(&it, args.a);
		assert_true((why == NULL) == (i == IMAPD_FIELDS_MAX));
		imapd_items_clear(&it);
	}
	/* A thousand numbers name no part, but are no mistake. */
	buf_reset(&b);
	buf_puts(&b, " BODY[1");
	for (i = 0; i < 1000; i++)
		buf_puts(&b, ".1");
	buf_puts(&b, "]");
	assert_int_equal(imapd_args_parse(&args, b.data, b.len, &why), 0);
	assert_null(imapd_items_parse(&it, args.a));
	assert_int_equal(it.item[0].n_numbers, IMAPD_SECTION_MAX);
	imapd_items_clear(&it);
	imapd_args_clear(&args);
	buf_clear(&b);
}

static void
test_flags(void **state)
{
	static char text[] = " \\Seen \\recent foo \\DELETED FOO bar";
	struct imapd_args args = { 0 };
	struct imapd_flags f;
	const char *why;

	assert_int_equal(imapd_args_parse(&args, text, strlen(text), &why),
	    0);
	assert_null(imapd_flags_read(&f, args.a, args.top));
	assert_int_equal(f.flags, FLAG_SEEN | FLAG_DELETED);
	assert_int_equal(f.n, 2);
	assert_string_equal(f.keywords[1], "bar");
	assert_null(f.keywords[2]);
	imapd_flags_clear(&f);
	assert_false(keyword_ok("\\Foo", 4));
	assert_false(keyword_ok("a]", 2));
	assert_true(keyword_ok("$Forwarded", 10));
	imapd_args_clear(&args);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf7),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_put),
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_input_largest),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
