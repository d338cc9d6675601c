/* Messages as the world sends them: what is right has a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/limits.h"
#include "lib/mail/mime_address.h"
#include "lib/mail/mime_envelope.h"
#include "lib/mail/mime_param.h"
#include "lib/mail/mime_structure.h"

#define ASCII	"(\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
#define PLAIN(n, lines)	"(\"text\" \"plain\" " ASCII #n " " #lines ")"
#define HTML(n, lines)	"(\"text\" \"html\" " ASCII #n " " #lines ")"
#define PARTS(b) "--" b "\r\nContent-Type: text/plain\r\n\r\nhello\r\n" \
	"--" b "\r\nContent-Type: text/html\r\n\r\n<p>\r\n--" b "--\r\n"
#define BOTH	PLAIN(5, 0) HTML(3, 0)
#define NONE	PLAIN(0, 0)

/* Every part that is listed has a number that finds it. */
static void
parts_check(const struct mime *m, const struct mime_part *p,
    uint32_t *numbers, size_t n)
{
	const struct mime_part *c;

	if (p->kind == MIME_LEAF || n == 8)
		return;
	if (p->kind == MIME_MESSAGE && p->first->kind != MIME_MULTIPART) {
		numbers[n] = 1;
		assert_ptr_equal(mime_section(m, numbers, n + 1), p->first);
		parts_check(m, p->first, numbers, n + 1);
		return;
	}
	c = p->kind == MIME_MESSAGE ? p->first->first : p->first;
	assert_non_null(c);
	for (numbers[n] = 1; c != NULL; c = c->next, numbers[n]++) {
		assert_ptr_equal(mime_section(m, numbers, n + 1), c);
		assert_true(c->header <= c->body && c->body <= c->end);
		parts_check(m, c, numbers, n + 1);
	}
}

static void
body_is(const char *in, const char *want)
{
	struct mime *m = mime_parse(in, strlen(in));
	struct buf b = BUF_INIT(0);
	uint32_t numbers[9];

	assert_int_equal(mime_bodystructure(m, 0, &b), 0);
	assert_string_equal(buf_str(&b), want);
	numbers[0] = 1;
	parts_check(m, mime_root(m), numbers,
	    mime_root(m)->kind == MIME_MESSAGE);
	mime_free(&m);
	buf_clear(&b);
}

/* A message of that Content-Type has the two parts of this boundary. */
#define FINDS(type, b) \
	body_is("Content-Type: multipart/x; " type "\r\n\r\n" PARTS(b), \
	    "(" BOTH " \"x\")")

static void
test_folded_boundary(void **state)
{
	FINDS("boundary=\"part\r\n mark\"", "part mark");
	FINDS("boundary=\"part\n\tmark\"", "part\tmark");
	FINDS("boundary=\"pa\\\r\n rt\"", "pa rt");
	FINDS("\r\n\tboundary\r\n =\r\n \"a\"", "a");
	FINDS("(c) boundary (=\"x\";) = (;) \"a\\\"b\" (\r\n c) ; x=y",
	    "a\"b");
	FINDS("boundary=abc(comment)", "abc");
	FINDS("boundary=a(b)c; x=y", "a(b)c");
	FINDS("charset=\"us;boundary=no\"; boundary=yes", "yes");
}

static void
test_boundary_rfc2231(void **state)
{
	FINDS("boundary*0=\"aaa\";\r\n boundary*1=\"bbb\"", "aaabbb");
	FINDS("boundary*1=\"bbb\"; x=y; Boundary*0=aaa", "aaabbb");
	FINDS("boundary*=us-ascii'en'a%20b", "a b");
	FINDS("boundary*=a%27b", "a'b");
	FINDS("boundary*0*=us-ascii''a%3d; boundary*1=\"%20'\"", "a=%20'");
	FINDS("boundary*0=a; boundary*1*=b%63; boundary*2=d", "abcd");
	FINDS("boundary=plain; boundary*=utf-8''other", "plain");
	FINDS("boundary*0=a; boundary*2=c", "a");
	FINDS("boundary*0=a; boundary*0=b; boundary*1=c", "ac");
}

static void
test_parameters_listed(void **state)
{
	static const struct {
		const char *in, *want;
	} row[] = {
		{ "name*0=\"a b\";\r\n name*1=\"c.txt\"",
		    "\"name\" \"a bc.txt\"" },
		{ "x=1; name*1=c; y=2; name*0=b; z=3",
		    "\"x\" \"1\" \"name\" \"bc\" \"y\" \"2\" \"z\" \"3\"" },
		{ "name*=utf-8'de'%C3%A4.txt",
		    "\"name*\" \"utf-8'de'%C3%A4.txt\"" },
		{ "name*0*=utf-8''%c3%a4; name*1=\" 100%\"; name*2*=%20",
		    "\"name*\" \"utf-8''%c3%a4%20100%25%20\"" },
		{ "name*0=a; name*1*=%20b", "\"name*\" \"''a%20b\"" },
		{ "name*1=b; name*2=c", "\"name*1\" \"b\" \"name*2\" \"c\"" },
		{ "name*0=a; name*2=c", "\"name\" \"a\" \"name*2\" \"c\"" },
		{ "name*x=a; *0=b; n**=c", "\"name*x\" \"a\" \"*0\" \"b\" "
		    "\"n**\" \"c\"" },
		{ "name=\" a\r\n\tb \"", "\"name\" \" a\tb \"" },
		{ "name=\"\"", "\"name\" \"\"" },
	};
	struct buf b = BUF_INIT(0), got = BUF_INIT(0), want = BUF_INIT(0);
	struct mime *m;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&b);
		buf_printf(&b, "Content-Type: a/b;%s\r\nContent-Disposition: "
		    "inline;%s\r\n\r\n", row[i].in, row[i].in);
		m = mime_parse(b.data, b.len);
		buf_reset(&got);
		assert_int_equal(mime_bodystructure(m, 1, &got), 0);
		buf_reset(&want);
		buf_printf(&want, "(\"a\" \"b\" (%s) NIL NIL \"7bit\" 0 NIL "
		    "(\"inline\" (%s)) NIL NIL)", row[i].want, row[i].want);
		assert_string_equal(buf_str(&got), buf_str(&want));
		mime_free(&m);
	}
	buf_clear(&b);
	buf_clear(&got);
	buf_clear(&want);
}

static void
test_charset_rfc2231(void **state)
{
	static const char in[] = "; charset*=us-ascii'en'koi8-%72; "
	    "x*0*='; x*1*='%41";
	const struct mime_text t = { in, sizeof(in) - 1 };
	struct buf b = BUF_INIT(0);

	assert_int_equal(mime_param(&t, "charset", &b), 1);
	assert_string_equal(buf_str(&b), "koi8-r");
	buf_reset(&b);
	assert_int_equal(mime_param(&t, "x", &b), 1);
	assert_string_equal(buf_str(&b), "'A");
	assert_int_equal(mime_param(&t, "nosuch", &b), 0);
	buf_clear(&b);
	/* It has one, so none is said for it. */
	body_is("Content-Type: text/plain; charset*=''utf-8\r\n\r\n",
	    "(\"text\" \"plain\" (\"charset*\" \"''utf-8\") NIL NIL \"7bit\" "
	    "0 0)");
}

static void
test_multipart_leaf(void **state)
{
	body_is("Content-Type: multipart/report; boundary=R\r\n\r\n"
	    "--R\r\n\r\nfailed\r\n"
	    "--R\r\nContent-Type: message/rfc822\r\n\r\n"
	    "From: q@q.test\r\nSubject: orig\r\n"
	    "Content-Type: multipart/alternative; boundary=ORIG\r\n--R--\r\n",
	    "(" PLAIN(6, 0) "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 81 "
	    "(NIL \"orig\" ((NIL NIL \"q\" \"q.test\")) "
	    "((NIL NIL \"q\" \"q.test\")) ((NIL NIL \"q\" \"q.test\")) NIL "
	    "NIL NIL NIL NIL) (" NONE " \"alternative\") 2) \"report\")");
	/* As with an empty line, but for that. */
	body_is("Content-Type: multipart/mixed; boundary=o\r\n\r\n"
	    "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n"
	    "--o\r\n\r\nx\r\n--o--\r\n",
	    "((" NONE " \"alternative\")" PLAIN(1, 0) " \"mixed\")");
	body_is("Content-Type: multipart/mixed; boundary=o\r\n",
	    "(" NONE " \"mixed\")");
}

static void
test_no_empty_line_before_delimiter(void **state)
{
	body_is("Content-Type: multipart/mixed; boundary=b\r\n" PARTS("b"),
	    "(" BOTH " \"mixed\")");
	body_is("Content-Type: multipart/mixed;\r\n boundary=b\r\nTo: x\r\n"
	    PARTS("b"), "(" BOTH " \"mixed\")");
	body_is("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
	    "Content-Type: multipart/alternative; boundary=\"i\"\r\n"
	    PARTS("i") "--o\r\n\r\nx\r\n--o--\r\n",
	    "((" BOTH " \"alternative\")" PLAIN(1, 0) " \"mixed\")");
	/* Not of this one: a line of the header that is no field. */
	body_is("Content-Type: multipart/mixed; boundary=b\r\n--c\r\n\r\n"
	    PARTS("b"), "(" BOTH " \"mixed\")");
	body_is("--b\r\nContent-Type: text/html\r\n\r\nx", HTML(1, 0));
}

static void
test_empty_multipart(void **state)
{
	static const char in[] =
	    "Content-Type: multipart/mixed; boundary=S\r\n\r\nno part\r\n";
	static const uint32_t one[] = { 1, 1 };
	struct mime *m = mime_parse(in, sizeof(in) - 1);
	const struct mime_part *p = mime_section(m, one, 1);

	assert_non_null(p);
	assert_int_equal(p->header, sizeof(in) - 1);
	assert_int_equal(p->end, p->header);
	assert_null(mime_section(m, one, 2));
	mime_free(&m);
	body_is(in, "(" NONE " \"mixed\")");
	body_is("Content-Type: multipart/mixed; boundary=S\r\n\r\n--S--\r\n"
	    "epilogue\r\n", "(" NONE " \"mixed\")");
	/* One that is closed at once, and one that is not closed at all. */
	body_is("Content-Type: multipart/mixed; boundary=o\r\n\r\n"
	    "--o\r\nContent-Type: multipart/a; boundary=i\r\n\r\n--i--\r\n"
	    "--o\r\nContent-Type: multipart/b; boundary=j\r\n\r\nx\r\n"
	    "--o--\r\n",
	    "((" NONE " \"a\")(" NONE " \"b\") \"mixed\")");
}

static void
test_boundaries(void **state)
{
	static const char seventy[] = "Content-Type: multipart/x; boundary="
	    "1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567890\r\n\r\n"
	    "--1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567890\r\n\r\nx\r\n"
	    "--1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567891\r\n";

	/* The inner one starts as the outer one, and the other way round. */
	body_is("Content-Type: multipart/x; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: multipart/y; boundary=bb\r\n\r\n"
	    PARTS("bb") "--b\r\n\r\nx\r\n--b--\r\n",
	    "((" BOTH " \"y\")" PLAIN(1, 0) " \"x\")");
	body_is("Content-Type: multipart/x; boundary=bb\r\n\r\n"
	    "--bb\r\nContent-Type: multipart/y; boundary=b\r\n\r\n"
	    PARTS("b") "--bb\r\n\r\nx\r\n--bb--\r\n",
	    "((" BOTH " \"y\")" PLAIN(1, 0) " \"x\")");
	/* The same one, twice. */
	body_is("Content-Type: multipart/x; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: multipart/y; boundary=b\r\n\r\n"
	    PARTS("b") "--b\r\n\r\nx\r\n--b--\r\n",
	    "((" BOTH " \"y\")" PLAIN(1, 0) " \"x\")");
	/* One ends in what closes the other. */
	body_is("Content-Type: multipart/x; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: multipart/y; boundary=b--\r\n\r\n"
	    PARTS("b--") "--b\r\n\r\nx\r\n--b--\r\n",
	    "((" BOTH " \"y\")" PLAIN(1, 0) " \"x\")");
	/* RFC 2046 5.1.1: "sufficient that the boundary appear". */
	body_is("Content-Type: multipart/x; boundary=b\r\n\r\n"
	    "--b junk\r\n\r\nx\r\n--b \t\r\n\r\ny\r\n--b--junk\r\nepilogue\r\n"
	    "--b\r\n", "(" PLAIN(1, 0) PLAIN(1, 0) " \"x\")");
	/* No final one; the last part has its line end then. */
	body_is("Content-Type: multipart/x; boundary=b\r\n\r\n"
	    "--b\r\n\r\nx\r\n", "(" PLAIN(3, 1) " \"x\")");
	body_is(seventy, "(" PLAIN(87, 2) " \"x\")");
}

static void
test_encoded_message(void **state)
{
	/* RFC 2045 6.4 forbids it; it is read as it stands. */
	body_is("Content-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0K\r\n",
	    "(\"message\" \"rfc822\" NIL NIL NIL \"base64\" 18 "
	    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) " NONE " 1)");
}

static const struct {
	const char *in, *want;
} addresses[] = {
	/* Two without a comma are two. */
	{ "b@two.test c@three.test", "((NIL NIL \"b\" \"two.test\")"
	    "(NIL NIL \"c\" \"three.test\"))" },
	{ "b@two.test (x) c@three.test", "((\"x\" NIL \"b\" \"two.test\")"
	    "(NIL NIL \"c\" \"three.test\"))" },
	{ "A <a@b> c@d", "((\"A\" NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "A <a@b> C <c@d>", "((\"A\" NIL \"a\" \"b\")"
	    "(\"C\" NIL \"c\" \"d\"))" },
	{ "<a@b> <c@d>", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "<a@b <c@d>", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "a@b and so on", "((NIL NIL \"a\" \"b\"))" },
	{ "A <a@b> and so on, c@d", "((\"A\" NIL \"a\" \"b\")"
	    "(NIL NIL \"c\" \"d\"))" },
	{ "a@b; c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	/* In front of "<" is a name, whatever it looks like. */
	{ "a@b <c@d>", "((\"a@b\" NIL \"c\" \"d\"))" },
	{ "a@b c@d <e@f>, g@h", "((\"a@b c@d\" NIL \"e\" \"f\")"
	    "(NIL NIL \"g\" \"h\"))" },
	{ "Smith@Home Inc. <a@b>", "((\"Smith@Home Inc.\" NIL \"a\" \"b\"))" },
	{ "John Q. Public <a@b>", "((\"John Q. Public\" NIL \"a\" \"b\"))" },
	{ "John a@b", "((\"John\" NIL \"a\" \"b\"))" },
	{ "[x, y] A <a@b>", "((\"[x, y] A\" NIL \"a\" \"b\"))" },
	{ "x [ y <a@b>", "((\"x y\" NIL \"a\" \"b\"))" },
	/* Blanks and comments are between words, not in them. */
	{ "<user (c)@ (c) domain.org>", "((NIL NIL \"user\" "
	    "\"domain.org\"))" },
	{ "a . b @ c . d", "((NIL NIL \"a.b\" \"c.d\"))" },
	{ "<a b@c d>", "((NIL NIL \"a b\" \"c\"))" },
	{ "\" a b \"@c", "((NIL NIL \" a b \" \"c\"))" },
	{ "\"a\r\n b\"@c", "((NIL NIL \"a b\" \"c\"))" },
	{ "a\\b@c", "((NIL NIL \"a\\\\b\" \"c\"))" },
	{ "a)b@c", "((\"a\" NIL \"b\" \"c\"))" },
	/* Dots where none belong, and a "@" too many. */
	{ ".a..b.@c", "((NIL NIL \".a..b.\" \"c\"))" },
	{ "a@b@c", "((NIL NIL \"a@b\" \"c\"))" },
	{ "<a@b@c>", "((NIL NIL \"a@b\" \"c\"))" },
	{ "@b", "((NIL NIL \"\" \"b\"))" },
	{ "a@", "((NIL NIL \"a\" \"\"))" },
	/* Groups. */
	{ "G:;", "((NIL NIL \"G\" NIL)(NIL NIL NIL NIL))" },
	{ "G: (nobody) ; , a@b", "((NIL NIL \"G\" NIL)(NIL NIL NIL NIL)"
	    "(NIL NIL \"a\" \"b\"))" },
	{ "A: B: c@d;", "((NIL NIL \"A\" NIL)(\"B\" NIL \"c\" \"d\")"
	    "(NIL NIL NIL NIL))" },
	{ "a@b: c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	/* Routes. */
	{ "<@x,@y:j@z>", "((NIL \"@x,@y\" \"j\" \"z\"))" },
	{ "<@x :j@z>", "((NIL \"@x\" \"j\" \"z\"))" },
	/* Encoded words, with what should have been encoded in them too. */
	{ "=?utf-8?Q?M=C3=BCller,_H?= <a@b>",
	    "((\"=?utf-8?Q?M=C3=BCller,_H?=\" NIL \"a\" \"b\"))" },
	{ "=?utf-8?Q?a@b?= <a@b>, =?x,y@z",
	    "((\"=?utf-8?Q?a@b?=\" NIL \"a\" \"b\")"
	    "(NIL NIL \"=?x\" \"\")(NIL NIL \"y\" \"z\"))" },
	{ "=?utf-8?B?w6Q=?= <a@b>", "((\"=?utf-8?B?w6Q=?=\" NIL \"a\" "
	    "\"b\"))" },
	{ "=?utf-8?Q?<a@b>?=", "((\"=?utf-8?Q?\" NIL \"a\" \"b\"))" },
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

#define AT(x)	"(NIL NIL \"" x "\" \"x\")"

static void
test_several_fields_are_one_list(void **state)
{
	static const char in[] =
	    "From: a@x\r\nfrom: b@x\r\nSender: c@x\r\nSender: no@x\r\n"
	    "Reply-To: d@x\r\nReply-To:\r\nReply-To: e@x\r\n"
	    "To: G: f@x\r\nCc: g@x\r\nTO : h@x\r\nCc: i@x\r\nTo: j@x,\r\n"
	    " k@x\r\nBcc: l@x\r\nBcc: m@x\r\nSubject: one\r\n"
	    "Subject: two\r\n\r\n";
	static const char want[] = "(NIL \"one\" (" AT("a") AT("b") ") ("
	    AT("c") ") (" AT("d") AT("e") ") ((NIL NIL \"G\" NIL)" AT("f")
	    "(NIL NIL NIL NIL)" AT("h") AT("j") AT("k") ") (" AT("g") AT("i")
	    ") (" AT("l") AT("m") ") NIL NIL)";
	struct mime *m = mime_parse(in, sizeof(in) - 1);
	struct buf b = BUF_INIT(0);

	assert_int_equal(mime_envelope(mime_root(m), &b), 0);
	assert_string_equal(buf_str(&b), want);
	mime_free(&m);
	buf_clear(&b);
}

/* However many fields stand in front of one, and however many it has. */
static void
test_long_header(void **state)
{
	struct buf b = BUF_INIT(0), out = BUF_INIT(0);
	struct mime *m;
	size_t i, n = 0;

	for (i = 0; i < 20000; i++)
		buf_printf(&b, "X-Pad-%zu: 0123456789\r\n", i);
	for (i = 0; i < 3000; i++)
		buf_puts(&b, "To: a@b,a@b,\r\n\ta@b,a@b,a@b\r\nTo : a@b\r\n"
		    "Cc: \r\n\r: x\r\n");
	buf_puts(&b, "Subject: last\r\n"
	    "Content-Type: multipart/mixed; boundary=q\r\n\r\n"
	    "--q\r\nTo: nobody@x\r\n\r\nTo: no@x\r\n--q--\r\n");
	m = mime_parse(b.data, b.len);
	assert_string_equal(mime_root(m)->type, "multipart");
	assert_int_equal(mime_address_list(
	    &mime_root(m)->envelope[MIME_F_TO], &out), 0);
	for (i = 0; i + 1 < out.len; i++)
		n += out.data[i] == '(' && out.data[i + 1] == 'N';
	assert_int_equal(n, 6 * 3000);
	assert_null(strstr(buf_str(&out), "x"));
	buf_reset(&out);
	assert_int_equal(mime_address_list(
	    &mime_root(m)->envelope[MIME_F_CC], &out), 0);
	assert_string_equal(out.data, "NIL");
	assert_int_equal(mime_root(m)->envelope[MIME_F_SUBJECT].text.len, 5);
	mime_free(&m);
	buf_clear(&b);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded_boundary),
		cmocka_unit_test(test_boundary_rfc2231),
		cmocka_unit_test(test_parameters_listed),
		cmocka_unit_test(test_charset_rfc2231),
		cmocka_unit_test(test_multipart_leaf),
		cmocka_unit_test(test_no_empty_line_before_delimiter),
		cmocka_unit_test(test_empty_multipart),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_encoded_message),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_several_fields_are_one_list),
		cmocka_unit_test(test_long_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
