#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "smtpd/smtpd.h"
#include "smtpd/smtpd_scan.h"

static void
put(void *arg, const char *p, size_t len)
{
	buf_append(arg, p, len);
}

/*
 * Feeds the octets in pieces of the given size, with a window that is full at
 * size window. Returns the octets up to and with the end of data, or -1.
 */
static long
feed(struct smtp_scan *s, const char *p, size_t len, size_t piece,
    size_t window)
{
	size_t at = 0, have = 0, took;

	while (!s->done) {
		if (have == window || at + have == len)
			return -1;
		have += piece;
		if (have > window)
			have = window;
		if (at + have > len)
			have = len - at;
		took = scan_data(s, p + at, have, have == window);
		assert_true(took <= have);
		at += took;
		have -= took;
	}
	return (long)at;
}

static const struct {
	const char *name, *in;
	size_t	 len, rest;	/* rest: octets behind the end of data */
	const char *out;	/* NULL: refused */
} rows[] = {
#define ROW(n, s, rest, out) { n, s, sizeof(s) - 1, rest, out }
	ROW("plain", "a\r\n.\r\n", 0, "a\r\n"),
	ROW("A17", ".\r\n", 0, ""),
	ROW("empty line", "\r\n.\r\n", 0, "\r\n"),
	ROW("A18", "..\r\n.x\r\n...\r\n.\r\n", 0, ".\r\nx\r\n..\r\n"),
	ROW("behind", "a\r\n.\r\nMAIL FROM:<x>\r\n", 15, "a\r\n"),
	ROW("A1", "a\n.\nb\r\n.\r\n", 0, NULL),
	ROW("A2", "a\n.\r\nb\r\n.\r\n", 0, NULL),
	ROW("A3", "a\r\n.\nb\r\n.\r\n", 0, NULL),
	ROW("A4", "a\r.\rb\r\n.\r\n", 0, NULL),
	ROW("A5", "a\r.\nb\r\n.\r\n", 0, NULL),
	ROW("A6", "a\n.\rb\r\n.\r\n", 0, NULL),
	ROW("A7", "a\r.\r\nb\r\n.\r\n", 0, NULL),
	ROW("A8", "a\r\n.\rb\r\n.\r\n", 0, NULL),
	ROW("A9", "a\r\n.\r\r\nb\r\n.\r\n", 0, NULL),
	ROW("A10", "a\r\r\n.\r\r\nb\r\n.\r\n", 0, NULL),
	ROW("A11", "a\0\r\n.\r\nb\r\n", 3, NULL),
	ROW("A12", "a\r\n\0.\r\nb\r\n.\r\n", 0, NULL),
	ROW("A13", "a\r\0\n.\r\nb\r\n.\r\n", 0, NULL),
	ROW("A14", "a\r\n.\0\r\nb\r\n.\r\n", 0, NULL),
	ROW("A15", "a\r\n.\r\0\nb\r\n.\r\n", 0, NULL),
	ROW("LF first", "\n.\r\nb\r\n.\r\n", 0, NULL),
	ROW("CR first", "\r.\r\nb\r\n.\r\n", 0, NULL),
	ROW("CRCRLF", "\r\r\n.\r\n", 0, NULL),
#undef ROW
};

static void
test_rows(void **state)
{
	static const size_t windows[] = { 1000, 8, 5, 4 };
	struct buf out = BUF_INIT(0);
	struct smtp_scan s;
	size_t i, piece, w;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (piece = 1; piece <= rows[i].len; piece++)
			for (w = 0; w < 4; w++) {
				buf_reset(&out);
				s = (struct smtp_scan){ .put = put, .arg = &out };
				if (feed(&s, rows[i].in, rows[i].len, piece,
				    windows[w]) != (long)(rows[i].len -
				    rows[i].rest) ||
				    s.bare != (rows[i].out == NULL) ||
				    (rows[i].out != NULL &&
				    strcmp(buf_str(&out), rows[i].out) != 0))
					fail_msg("%s, piece %zu, window %zu: "
					    "\"%s\"", rows[i].name, piece,
					    windows[w], buf_str(&out));
			}
	buf_clear(&out);
}

/* The same of a submission: a bare LF is a line end, but no end of data. */
static const struct {
	const char *name, *in;
	size_t	 len, rest;
	const char *out;
} mended[] = {
#define ROW(n, s, rest, out) { n, s, sizeof(s) - 1, rest, out }
	ROW("CRLF", "a\r\n..\r\n.\r\n", 0, "a\r\n.\r\n"),
	ROW("LF", "a\n\nb\n\r\n.\r\n", 0, "a\r\n\r\nb\r\n\r\n"),
	ROW("mixed", "a\nb\r\nc\n\r\n.\r\nQUIT", 4,
	    "a\r\nb\r\nc\r\n\r\n"),
	ROW("LF.LF", "a\n.\nb\r\n.\r\n", 0, "a\r\n.\r\nb\r\n"),
	ROW("LF.CRLF", "a\n.\r\nb\r\n.\r\n", 0, "a\r\n.\r\nb\r\n"),
	ROW("CRLF.LF", "a\r\n.\nb\r\n.\r\n", 0, "a\r\n\r\nb\r\n"),
	ROW("LF..LF", "a\n..\nb\r\n.\r\n", 0, "a\r\n.\r\nb\r\n"),
	ROW("LF.text", "a\n.b\n..c\n...d\r\n.e\r\n.\r\n", 0,
	    "a\r\n.b\r\n.c\r\n..d\r\ne\r\n"),
	ROW("LF first", "\n.\r\nb\r\n.\r\n", 0, "\r\n.\r\nb\r\n"),
	ROW("long", "aaaaaaaaaaaaaaaaaaaa\n.bbbbbbbbbb\r\n.\r\n", 0,
	    "aaaaaaaaaaaaaaaaaaaa\r\n.bbbbbbbbbb\r\n"),
	ROW("CR", "a\r.\rb\r\n.\r\n", 0, NULL),
	ROW("CR and LF", "a\rb\n.\r\nc\r\n.\r\n", 0, NULL),
	ROW("CRCRLF", "a\r\r\n.\r\n", 0, NULL),
	ROW("LF, then CR", "a\nb\rc\r\n.\r\nQUIT", 4, NULL),
	ROW("CR, then LF", "a\rbbbbbbbbbbbb\n.\r\n.\r\n", 0, NULL),
	ROW("CR, then LF twice", "a\rbbbbbbbbbbbb\nc\n.\r\n.\r\n", 0, NULL),
	ROW("NUL", "a\0\n\r\n.\r\n", 0, NULL),
#undef ROW
};

static void
test_mended(void **state)
{
	static const size_t windows[] = { 1000, 8, 5, 4 };
	struct buf out = BUF_INIT(0);
	struct smtp_scan s;
	size_t i, piece, w;

	for (i = 0; i < sizeof(mended) / sizeof(mended[0]); i++)
		for (piece = 1; piece <= mended[i].len; piece++)
			for (w = 0; w < 4; w++) {
				buf_reset(&out);
				s = (struct smtp_scan){ .put = put,
					.arg = &out, .mend = 1 };
				if (feed(&s, mended[i].in, mended[i].len,
				    piece, windows[w]) !=
				    (long)(mended[i].len - mended[i].rest) ||
				    s.bare != (mended[i].out == NULL) ||
				    (mended[i].out != NULL &&
				    strcmp(buf_str(&out), mended[i].out) != 0))
					fail_msg("%s, piece %zu, window %zu: "
					    "\"%s\"", mended[i].name, piece,
					    windows[w], buf_str(&out));
			}
	buf_clear(&out);
}

static void
test_long_line(void **state)
{
	static const struct {
		size_t len;
		int is_long, huge;
	} t[] = { { 997, 0, 0 }, { 999, 1, 0 }, { 1000, 1, 0 },
		{ 65537, 1, 0 }, { DATA_LINE_MAX, 1, 0 },
		{ DATA_LINE_MAX + 1, 1, 1 }, { 10 << 20, 1, 1 } };
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	struct smtp_scan s;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&in);
		buf_reset(&out);
		assert_int_equal(buf_reserve(&in, t[i].len + 8), 0);
		memset(in.data, 'x', t[i].len);
		in.len = t[i].len;
		buf_append(&in, "\r\n.\r\n", 5);
		s = (struct smtp_scan){ .put = put, .arg = &out };
		assert_int_equal(feed(&s, in.data, in.len, 5000, 65536),
		    in.len);
		assert_int_equal(s.long_line, t[i].is_long);
		assert_int_equal(s.huge_line, t[i].huge);
		assert_int_equal(s.bare, 0);
		assert_int_equal(out.len, t[i].len + 2);
		assert_memory_equal(out.data, in.data, out.len);
	}
	buf_clear(&in);
	buf_clear(&out);
}

static void
test_8bit(void **state)
{
	char in[200];
	struct buf out = BUF_INIT(0);
	struct smtp_scan s;
	size_t i;

	for (i = 0; i < 190; i++) {
		memset(in, 'x', sizeof(in));
		memcpy(in + 195, "\r\n.\r\n", 5);
		s = (struct smtp_scan){ .put = put, .arg = &out };
		assert_int_equal(feed(&s, in, 200, 200, 1000), 200);
		assert_int_equal(s.eight_bit, 0);
		in[i] = (char)0x80;
		s = (struct smtp_scan){ .put = put, .arg = &out };
		assert_int_equal(feed(&s, in, 200, 200, 1000), 200);
		assert_int_equal(s.eight_bit, 1);
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_mended),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_8bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
