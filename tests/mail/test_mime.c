#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "lib/mail/limits.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_address.h"
#include "lib/mail/mime_envelope.h"
#include "lib/mail/mime_string.h"
#include "lib/mail/mime_structure.h"

#define TEXT_EXT " NIL NIL NIL NIL"
#define USASCII "(\"charset\" \"us-ascii\")"

/* Message, then BODYSTRUCTURE. */
static const struct {
	const char *in, *want;
} structures[] = {
	{ "", "(\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 0 0" TEXT_EXT
	    ")" },
	{ "\r\n", "(\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 0 0"
	    TEXT_EXT ")" },
	{ "Subject: x\r\n", "(\"text\" \"plain\" " USASCII
	    " NIL NIL \"7bit\" 0 0" TEXT_EXT ")" },
	{ "Subject: x\r\n\r\na\r\nb\r\n", "(\"text\" \"plain\" " USASCII
	    " NIL NIL \"7bit\" 6 2" TEXT_EXT ")" },
	{ "Content-Type: TEXT/HTML; Charset=\"UTF-8\"; x=\"a\\\"b\"\r\n"
	    "Content-Transfer-Encoding: quoted-printable (really)\r\n"
	    "Content-ID: <1@x>\r\nContent-Description: a\r\n b\r\n"
	    "Content-MD5: abc=\r\nContent-Language: en, de\r\n"
	    "Content-Disposition: attachment;\r\n filename=a b.txt\r\n"
	    "Content-Location: http://x/\r\n\r\nhi",
	    "(\"text\" \"html\" (\"Charset\" \"UTF-8\" \"x\" \"a\\\"b\") "
	    "\"<1@x>\" \"a b\" \"quoted-printable\" 2 0 \"abc=\" "
	    "(\"attachment\" (\"filename\" \"a\")) (\"en\" \"de\") "
	    "\"http://x/\")" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n"
	    "\r\none\r\n--b\r\nContent-Type: image/png\r\n\r\nxx\r\n"
	    "--b--\r\nepilogue\r\n--b\r\n",
	    "((\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 3 0" TEXT_EXT
	    ")(\"image\" \"png\" NIL NIL NIL \"7bit\" 2 NIL NIL NIL NIL) "
	    "\"mixed\" (\"boundary\" \"b\") NIL NIL NIL)" },
	/* A boundary that starts another one; the inner has no end. */
	{ "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"
	    "Content-Type: multipart/alternative; boundary=bb\r\n\r\n"
	    "--bb \t\r\n\r\nx\r\ny\r\n--b\r\n\r\nz\r\n--b--\r\n",
	    "(((\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 4 1" TEXT_EXT
	    ") \"alternative\" (\"boundary\" \"bb\") NIL NIL NIL)"
	    "(\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 1 0" TEXT_EXT
	    ") \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)" },
	/* No parts at all, and no boundary. */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n",
	    "((\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 0 0" TEXT_EXT
	    ") \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)" },
	{ "Content-Type: multipart/mixed\r\n\r\nx\r\n",
	    "(\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 3 1" TEXT_EXT
	    ")" },
	/* A part whose header a boundary ends; a digest. */
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n"
	    "Subject: in\r\n\r\nt\r\n--b\r\nContent-Type: text/plain\r\n"
	    "--b--\r\n",
	    "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 "
	    "(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	    "(\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 1 0" TEXT_EXT
	    ") 2" TEXT_EXT ")(\"text\" \"plain\" " USASCII
	    " NIL NIL \"7bit\" 0 0" TEXT_EXT
	    ") \"digest\" (\"boundary\" \"b\") NIL NIL NIL)" },
	/* 8-bit and control octets need a literal; NUL is dropped. */
	{ "Content-Type: text/plain; name=\"\xc3\xa4\"\r\n\r\n",
	    "(\"text\" \"plain\" (\"name\" {2}\r\n\xc3\xa4 \"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 0 0" TEXT_EXT ")" },
	{ "Content-Type: garbage\r\nContent-Type: text/html\r\n\r\n",
	    "(\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 0 0" TEXT_EXT
	    ")" },
	/* Bare LF ends lines as well. */
	{ "Content-Type: multipart/x; boundary=b\n\n--b\n\na\nb\n--b--\n",
	    "((\"text\" \"plain\" " USASCII " NIL NIL \"7bit\" 3 1" TEXT_EXT
	    ") \"x\" (\"boundary\" \"b\") NIL NIL NIL)" },
};

static void
test_structure(void **state)
{
	struct buf b = BUF_INIT(0);
	struct mime *m;
	size_t i;

	for (i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
		m = mime_parse(structures[i].in, strlen(structures[i].in));
		buf_reset(&b);
		assert_int_equal(mime_bodystructure(m, 1, &b), 0);
		assert_string_equal(buf_str(&b), structures[i].want);
		mime_free(&m);
	}
	buf_clear(&b);
}

static const struct {
	const char *in, *want;
} addresses[] = {
	{ "", "NIL" }, { "  (just words) ", "NIL" }, { ",,;", "NIL" },
	{ "a@b", "((NIL NIL \"a\" \"b\"))" },
	{ "A <a@b>, \"B, C\" <c@d>", "((\"A\" NIL \"a\" \"b\")"
	    "(\"B, C\" NIL \"c\" \"d\"))" },
	{ "John Q. Public <@x,@y:j@z>", "((\"John Q. Public\" \"@x,@y\" "
	    "\"j\" \"z\"))" },
	{ "a@b (The \\(Name\\))", "((\"The (Name)\" NIL \"a\" \"b\"))" },
	{ "=?utf-8?q?J=C3=BCrgen?= =?utf-8?q?_x?= <j@x>",
	    "((\"=?utf-8?q?J=C3=BCrgen?= =?utf-8?q?_x?=\" NIL \"j\" "
	    "\"x\"))" },
	{ "undisclosed-recipients:;", "((NIL NIL \"undisclosed-recipients\" "
	    "NIL)(NIL NIL NIL NIL))" },
	{ "G: a@b, C <c@d>;, e@f", "((NIL NIL \"G\" NIL)(NIL NIL \"a\" "
	    "\"b\")(\"C\" NIL \"c\" \"d\")(NIL NIL NIL NIL)(NIL NIL \"e\" "
	    "\"f\"))" },
	{ "G: a@b", "((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")"
	    "(NIL NIL NIL NIL))" },
	{ "\"a b\\\"c\"@x", "((NIL NIL \"a b\\\"c\" \"x\"))" },
	{ "a . b @ c . d", "((NIL NIL \"a.b\" \"c.d\"))" },
	{ "a@[1.2.3.4]", "((NIL NIL \"a\" \"[1.2.3.4]\"))" },
	{ "just me", "((NIL NIL \"just me\" \"\"))" },
	{ "<>", "((NIL NIL \"\" \"\"))" },
	{ "X <a@b, c@d", "((\"X\" NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "a@b (x\\", "((\"x\\\\\" NIL \"a\" \"b\"))" },
	{ "\"x\\", "((NIL NIL \"x\\\\\" \"\"))" },
	{ "\xc3\xa4 <a@b>", "(({2}\r\n\xc3\xa4 NIL \"a\" \"b\"))" },
	{ "A\r\n B <a@b>", "((\"A B\" NIL \"a\" \"b\"))" },
};

static void
test_addresses(void **state)
{
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		buf_reset(&b);
		assert_int_equal(mime_addresses(addresses[i].in,
		    strlen(addresses[i].in), &b), 0);
		assert_string_equal(buf_str(&b), addresses[i].want);
	}
	buf_clear(&b);
}

static void
test_envelope(void **state)
{
	static const char in[] =
	    "DATE : Mon, 1 Jan 2024 00:00:00 +0000\r\n"
	    "Subject: =?utf-8?q?a?=\r\n folded \"x\"\r\n"
	    "From: A <a@b>\r\nFrom: second@x\r\nSender: \r\n"
	    "To: c@d\r\nMessage-ID: <1@x>\r\nIn-Reply-To:\r\n"
	    "no colon here\r\n\r\nFrom: not@header\r\n";
	static const char want[] =
	    "(\"Mon, 1 Jan 2024 00:00:00 +0000\" "
	    "\"=?utf-8?q?a?= folded \\\"x\\\"\" "
	    "((\"A\" NIL \"a\" \"b\")(NIL NIL \"second\" \"x\")) "
	    "((\"A\" NIL \"a\" \"b\")(NIL NIL \"second\" \"x\")) "
	    "((\"A\" NIL \"a\" \"b\")(NIL NIL \"second\" \"x\")) "
	    "((NIL NIL \"c\" \"d\")) NIL NIL \"\" "
	    "\"<1@x>\")";
	struct buf b = BUF_INIT(0);
	struct mime *m = mime_parse(in, strlen(in));

	assert_int_equal(mime_envelope(mime_root(m), &b), 0);
	assert_string_equal(buf_str(&b), want);
	mime_free(&m);
	buf_clear(&b);
}

/* RFC 9051 4.3: what a quoted string may not hold makes it a literal. */
static void
test_nstring(void **state)
{
	static const struct {
		const char *in;
		size_t	 len;
		const char *want;
	} rows[] = {
		{ NULL, 0, "NIL" }, { "", 0, "\"\"" }, { " \t\r\n", 4, "\"\"" },
		{ "a b", 3, "\"a b\"" }, { " a ", 3, "\"a\"" },
		{ "a\"b\\", 4, "\"a\\\"b\\\\\"" },
		{ "a\r\n b", 5, "\"a b\"" }, { "a\0b", 3, "\"ab\"" },
		{ "a\tb", 3, "\"a\tb\"" },
		{ "\xe4", 1, "{1}\r\n\xe4" }, { "\x7f", 1, "{1}\r\n\x7f" },
		{ "a\x01", 2, "{2}\r\na\x01" },
		{ "\"\xe4\r\n b\0", 7, "{4}\r\n\"\xe4 b" },
	};
	struct buf out = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		assert_int_equal(mime_nstring(rows[i].in, rows[i].len, &out),
		    0);
		if (strcmp(buf_str(&out), rows[i].want) != 0)
			fail_msg("row %zu: %s", i, buf_str(&out));
	}
	buf_clear(&out);
}

static const struct {
	uint32_t n[5];
	const char *want;		/* the part's body; NULL: no such */
} sections[] = {
	{ { 1 }, "one" }, { { 2, 1 }, "in" }, { { 3, 1 }, "deep1" },
	{ { 3, 2 }, "deep2" }, { { 4 }, NULL }, { { 1, 1 }, NULL },
	{ { 2, 2 }, NULL }, { { 2, 1, 1 }, NULL }, { { 3, 2, 1 }, NULL },
	{ { 3, 3 }, NULL },
};

static void
test_section(void **state)
{
	static const char in[] =
	    "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
	    "--o\r\n\r\none\r\n"
	    "--o\r\nContent-Type: message/rfc822\r\n\r\n"
	    "Subject: x\r\n\r\nin\r\n"
	    "--o\r\nContent-Type: message/rfc822\r\n\r\n"
	    "Content-Type: multipart/mixed; boundary=i\r\n\r\n"
	    "--i\r\n\r\ndeep1\r\n--i\r\n\r\ndeep2\r\n--i--\r\n"
	    "--o--\r\n";
	struct mime *m = mime_parse(in, strlen(in));
	const struct mime_part *p;
	size_t i, n;

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		for (n = 0; sections[i].n[n] != 0; n++)
			;
		p = mime_section(m, sections[i].n, n);
		if (sections[i].want == NULL) {
			assert_null(p);
			continue;
		}
		assert_non_null(p);
		assert_int_equal(p->end - p->body, strlen(sections[i].want));
		assert_memory_equal(in + p->body, sections[i].want,
		    p->end - p->body);
	}
	mime_free(&m);
	/* A single part is its own part 1. */
	m = mime_parse("A: b\r\n\r\nx", 9);
	assert_ptr_equal(mime_section(m, sections[0].n, 1), mime_root(m));
	mime_free(&m);
}

static void
test_header_len(void **state)
{
	static const struct {
		const char *in;
		size_t want;
	} row[] = {
		{ "", 0 }, { "\r\nx", 2 }, { "\nx", 1 }, { "A: b", 4 },
		{ "A: b\r\n", 6 }, { "A: b\r\n\r\nx", 8 },
		{ "A: b\n\nx", 6 }, { "A: b\r\n\rx\r\n", 10 },
		{ "\r", 1 }, { "A: b\r\n\r", 7 },
	};
	struct mime_header_end h;
	size_t i, k, len;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		len = strlen(row[i].in);
		assert_int_equal(mime_header_len(row[i].in, len), row[i].want);
		/* In two pieces, wherever it is cut. */
		for (k = 0; k <= len; k++) {
			memset(&h, 0, sizeof(h));
			mime_header_more(&h, row[i].in, k);
			mime_header_more(&h, row[i].in + k, len - k);
			assert_int_equal(h.len, row[i].want);
		}
	}
}

static void
test_cache(void **state)
{
	static const char in[] = "Subject: x\r\n\r\nhi\r\n";
	struct buf r = BUF_INIT(0), big = BUF_INIT(0);
	const char *e, *b, *s;
	size_t el, bl, sl, i;

	assert_int_equal(mime_cache(in, strlen(in), &r), 0);
	assert_int_equal(mime_cache_get(r.data, r.len, &e, &el, &b, &bl, &s,
	    &sl), 0);
	assert_memory_equal(e, "(NIL \"x\"", 8);
	assert_true(bl < sl && e[el - 1] == ')' && s[sl - 1] == ')');
	for (i = 0; i < r.len; i++)
		assert_int_equal(mime_cache_get(r.data, i, &e, &el, &b, &bl,
		    &s, &sl), -1);
	r.data[0]++;		/* of another version */
	assert_int_equal(mime_cache_get(r.data, r.len, &e, &el, &b, &bl, &s,
	    &sl), -1);
	/* What trees before kept knows less: it is made again. */
	buf_reset(&r);
	buf_put_u8(&r, 1);
	for (i = 0; i < 3; i++)
		buf_put_lv(&r, "NIL", 3);
	for (; r.data[0] < 3; r.data[0]++)
		assert_int_equal(mime_cache_get(r.data, r.len, &e, &el, &b,
		    &bl, &s, &sl), -1);
	assert_int_equal(mime_cache_get(r.data, r.len, &e, &el, &b, &bl, &s,
	    &sl), 0);
	buf_puts(&big, "To: ");
	for (i = 0; i < 20000; i++)
		buf_puts(&big, "abcdefgh@bcdefgh,\r\n ");
	buf_puts(&big, "\r\n\r\n");
	assert_int_equal(mime_cache(big.data, big.len, &r), 0);
	assert_int_equal(r.len, 0);
	buf_clear(&r);
	buf_clear(&big);
}

/* Runs all of it over a hostile text; must be done in well under a second. */
static void
torture(const struct buf *b)
{
	struct buf out = BUF_INIT(64 << 20);
	clock_t start = clock();	/* of processor, on a busy machine too */
	struct mime *m = mime_parse(b->data, b->len);

	(void)mime_envelope(mime_root(m), &out);
	(void)mime_bodystructure(m, 1, &out);
	mime_free(&m);
	buf_clear(&out);
	assert_true(clock() - start < 8 * CLOCKS_PER_SEC);
}

static void
repeat(struct buf *b, const char *head, const char *s, size_t n,
    const char *tail)
{
	buf_reset(b);
	buf_puts(b, head);
	while (n-- > 0)
		buf_puts(b, s);
	buf_puts(b, tail);
	torture(b);
}

static void
test_torture(void **state)
{
	struct buf b = BUF_INIT(0);
	struct mime *m;
	size_t i;

	repeat(&b, "", "To: a@b\r\n", 100000, "\r\n");
	repeat(&b, "X: ", "0123456789", 1000000, "\r\n\r\n");
	repeat(&b, "", "A:\r\n", 1000000, "\r\n");
	repeat(&b, "To: ", "a@b,\r\n ", 1000000, "\r\n\r\n");
	repeat(&b, "To: ", "(", 100000, "\r\n\r\n");
	repeat(&b, "To: ", "a:;", 80000, "\r\n\r\n");
	repeat(&b, "To: ", "<@", 100000, "\r\n\r\n");
	repeat(&b, "Subject: ", "=?utf-8?q?a?= ", 100000, "\r\n\r\n");
	repeat(&b, "Content-Type: a/b", ";n*1*=x", 100000, "\r\n\r\n");
	repeat(&b, "Content-Type: a/b", ";n*0=x;n*1=y;n*2=z", 100000,
	    "\r\n\r\n");
	repeat(&b, "Content-Type: a/b; n=", "(", 1000000, "\r\n\r\n");
	repeat(&b, "To: ", "=?a?q?", 100000, "\r\n\r\n");
	repeat(&b, "To: ", "[", 200000, "\r\n\r\n");
	repeat(&b, "To: ", "a@b ", 60000, "<c@d>\r\n\r\n");
	repeat(&b, "Content-Type: multipart/m; boundary=b\r\n--x\r\n",
	    "--b", 1000000, "\r\n");
	repeat(&b, "Content-Type: message/rfc822\r\n\r\n",
	    "Content-Type: message/rfc822\r\n\r\n", 100000, "");
	repeat(&b, "Content-Type: multipart/m; boundary=b\r\n\r\n",
	    "--b\r\n\r\n", 100000, "");
	repeat(&b, "Content-Type: multipart/m; boundary=b\r\n\r\n",
	    "--b\r\nContent-Type: multipart/m; boundary=b\r\n\r\n", 100000,
	    "");
	/* Nested with boundaries that differ in the last octet only. */
	buf_reset(&b);
	for (i = 0; i < 120; i++)
		buf_printf(&b, "Content-Type: multipart/m; boundary=%070zu"
		    "\r\n\r\n--%070zu\r\n", i, i);
	for (i = 0; i < 100000; i++)
		buf_printf(&b, "--%070d\r\n", 999);
	torture(&b);
	m = mime_parse(b.data, b.len);
	for (i = 0; i < 1; i++)
		assert_int_equal(mime_root(m)->kind, MIME_MULTIPART);
	mime_free(&m);
	buf_clear(&b);
}

static void
test_parts_max(void **state)
{
	struct buf b = BUF_INIT(0);
	const struct mime_part *p;
	struct mime *m;
	size_t n = 0;

	buf_puts(&b, "Content-Type: multipart/m; boundary=b\r\n\r\n");
	while (n++ < 20000)
		buf_puts(&b, "--b\r\n\r\nx\r\n");
	m = mime_parse(b.data, b.len);
	n = 0;
	for (p = mime_root(m)->first; p->next != NULL; p = p->next)
		n++;
	assert_int_equal(n, MIME_PARTS_MAX - 2);
	assert_string_equal(p->subtype, "octet-stream");
	assert_int_equal(p->end, b.len);
	mime_free(&m);
	buf_clear(&b);
}

/* How deep the first parts lie in each other; the last one is a leaf. */
static size_t
depth_of(const struct mime *m)
{
	const struct mime_part *p = mime_root(m);
	size_t n = 0;

	for (; p->kind != MIME_LEAF; p = p->first)
		n++;
	return n;
}

/* Counted from the root down: parts beside each other are not deep. */
static void
test_depth(void **state)
{
	static const char *const multi = "Content-Type: multipart/m; "
	    "boundary=%03zu\r\n\r\n--%03zu\r\n";
	struct buf b = BUF_INIT(0);
	const struct mime_part *p;
	struct mime *m;
	size_t i, n;

	for (n = MIME_DEPTH_MAX - 1; n <= MIME_DEPTH_MAX + 1; n++) {
		buf_reset(&b);
		for (i = 0; i < n; i++)
			buf_printf(&b, multi, i, i);
		buf_puts(&b, "\r\nx\r\n");
		m = mime_parse(b.data, b.len);
		assert_int_equal(depth_of(m), n > MIME_DEPTH_MAX ?
		    MIME_DEPTH_MAX : n);
		mime_free(&m);
		buf_reset(&b);
		for (i = 0; i < n; i++)
			buf_puts(&b, "Content-Type: message/rfc822\r\n\r\n");
		buf_puts(&b, "A: b\r\n\r\nx\r\n");
		m = mime_parse(b.data, b.len);
		assert_int_equal(depth_of(m), n > MIME_DEPTH_MAX ?
		    MIME_DEPTH_MAX : n);
		mime_free(&m);
	}
	buf_reset(&b);
	buf_puts(&b, "Content-Type: multipart/m; boundary=b\r\n\r\n");
	for (i = 0; i < 3 * MIME_DEPTH_MAX; i++)
		buf_puts(&b, "--b\r\n\r\nx\r\n");
	buf_puts(&b, "--b\r\nContent-Type: multipart/m; boundary=c\r\n\r\n"
	    "--c\r\n\r\ny\r\n--c--\r\n--b--\r\n");
	m = mime_parse(b.data, b.len);
	for (p = mime_root(m)->first; p->next != NULL; p = p->next)
		assert_int_equal(p->kind, MIME_LEAF);
	assert_int_equal(p->kind, MIME_MULTIPART);
	mime_free(&m);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_nstring),
		cmocka_unit_test(test_section),
		cmocka_unit_test(test_header_len),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_torture),
		cmocka_unit_test(test_parts_max),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
