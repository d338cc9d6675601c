/*
 * Whom a From names: one reading, that of every program, or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/fuzz/author.h"

static const struct {
	const char *in;
	const char *out;	/* NULL: odd */
} t[] = {
	{ "anna@example.test", "anna@example.test\n" },
	{ " anna@example.test (Anna, of the shop)", "anna@example.test\n" },
	{ "(Anna) anna@example.test", "anna@example.test\n" },
	{ "<anna@example.test>", "anna@example.test\n" },
	{ "Anna <anna@example.test>\t", "anna@example.test\n" },
	{ "Anna < anna@example.test >", "anna@example.test\n" },
	{ "Anna\r\n\tB. Clark\r\n <anna@example.test>",
	    "anna@example.test\n" },
	{ "Dr. O'Neil & Co./Ltd <a@b.test>", "a@b.test\n" },
	{ "M\xc3\xbcller <a@b.test>", "a@b.test\n" },
	{ "\"M\xc3\xbcller, H. (x) : ; @\" <a@b.test>", "a@b.test\n" },
	{ "\"say \\\"hi\\\"\" <a@b.test>", "a@b.test\n" },
	{ "\"bert@example.test\" <a@b.test>", "a@b.test\n" },
	{ "=?utf-8?q?M=C3=BCller=2C_H?= <a@b.test>", "a@b.test\n" },
	{ "a@b.test, \"C D\" <c@d.test>", "a@b.test\nc@d.test\n" },
	{ "\"a b\"@c.test", "\"a b\"@c.test\n" },
	{ "<a+tag@M\xc3\xbcller.test>", "a+tag@M\xc3\xbcller.test\n" },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]\n" },
	{ "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]\n" },
	{ "Team: a@b.test, C <c@d.test>;", "a@b.test\nc@d.test\n" },
	{ "Team: a@b.test; (x), c@d.test", "a@b.test\nc@d.test\n" },
	{ "nobody:;", "" },
	{ "nobody: (x);", "" },

	{ "", NULL },
	{ " ", NULL },
	{ "Anna", NULL },
	{ "Anna <anna>", NULL },
	{ "<>", NULL },
	{ "a@", NULL },
	{ "@b.test", NULL },
	{ "a@b.test,", NULL },
	{ "a@b.test, , c@d.test", NULL },
	{ ",a@b.test", NULL },
	{ "a@b.test c@d.test", NULL },
	{ "a@b.test <c@d.test>", NULL },
	{ "Anna a@b.test", NULL },
	{ "Anna @ Work <c@d.test>", NULL },
	{ "M\xc3\xbcller, Hans <a@b.test>", NULL },
	{ "<a@b.test> <c@d.test>", NULL },
	{ "<a@b.test><c@d.test>", NULL },
	{ "<a@b.test> Anna", NULL },
	{ "<a@b.test", NULL },
	{ "<<a@b.test>>", NULL },
	{ "a@b.test>", NULL },
	{ "<a@b.test>\\, <c@d.test>", NULL },
	{ "<@x.test:a@b.test>", NULL },
	{ "<@x.test,@y.test:a@b.test>", NULL },
	{ "\"<c@d.test>\" <a@b.test>", NULL },
	{ "=?utf-8?q?=3Cc=40d.test=3E?= <a@b.test>", NULL },
	{ "=?utf-8?b?PGNAZC50ZXN0Pg==?= <a@b.test>", NULL },
	{ "=?utf-8?q?a=00b?= <a@b.test>", NULL },
	{ "a@b.test (c@d.test)", NULL },
	{ "a@b.test (<c>)", NULL },
	{ "a@b.test (x (y))", NULL },
	{ "a@b.test (x", NULL },
	{ "a(x)@b.test", NULL },
	{ "a@(x)b.test", NULL },
	{ "a @ b.test", NULL },
	{ "a@b@c.test", NULL },
	{ "\"a\"b@c.test", NULL },
	{ "\"a@b.test", NULL },
	{ "\"a\\", NULL },
	{ "a@\"b.test\"", NULL },
	{ "a@[1.2", NULL },
	{ "a@b.test\x01", NULL },
	{ "a@b.test; c@d.test", NULL },
	{ "Team: a@b.test", NULL },
	{ "Team: a@b.test, ;", NULL },
	{ "Team: More: a@b.test;;", NULL },
	{ "\"a\r\n b\"@c.test", NULL },
	{ "=?a:b@c.test,d?q?x?=<e@f.test>;", NULL },
	{ "=?utf-8=@b?q?M?=x@b.test, <c@d.test>", NULL },
	{ "=?utf-8?q?x?=@b.test", NULL },
	{ "x=?utf-8?q?x?= <a@b.test>", NULL },
	{ "Shop: Support <a@b.test>", NULL },
	{ ":a@b.test;", NULL },
};

static void
test_authors(void **state)
{
	struct authors a;
	size_t i;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		a = (struct authors){ .text = BUF_INIT(0) };
		if (!authors_alike(t[i].in, strlen(t[i].in), &a, &r))
			fail_msg("%s: is read differently: %s", t[i].in,
			    buf_str(&a.text));
		if (r != (t[i].out != NULL ? AUTHORS_READ : AUTHORS_ODD) ||
		    (t[i].out != NULL &&
		    strcmp(t[i].out, buf_str(&a.text)) != 0))
			fail_msg("%s: %d, %s", t[i].in, r, buf_str(&a.text));
		buf_clear(&a.text);
	}
}

/* NUL ends a text for some; a list has a bound. */
static void
test_bounds(void **state)
{
	struct authors a = { .text = BUF_INIT(0) };
	struct buf in = BUF_INIT(0);
	unsigned i;
	int r;

	assert_int_equal(author_list("a@b.test\0", 9, authors_put, &a),
	    AUTHORS_ODD);
	for (i = 0; i < AUTHORS_MAX; i++)
		buf_printf(&in, "%sa@b.test", i > 0 ? ", " : "");
	a.n = 0;
	assert_int_equal(author_list(in.data, in.len, authors_put, &a),
	    AUTHORS_READ);
	assert_int_equal(a.n, AUTHORS_MAX);
	buf_puts(&in, ", a@b.test");
	assert_int_equal(author_list(in.data, in.len, authors_put, &a),
	    AUTHORS_ODD);
	/* The longest address that all readers take whole. */
	for (i = 0; i < 2; i++) {
		buf_reset(&in);
		buf_puts(&in, "Anna <a@");
		while (in.len < strlen("Anna <") + ADDRESS_ENTRY_MAX + i)
			buf_putc(&in, 'b');
		buf_putc(&in, '>');
		buf_reset(&a.text);
		a.n = 0;
		assert_true(authors_alike(in.data, in.len, &a, &r));
		assert_int_equal(r, i == 0 ? AUTHORS_READ : AUTHORS_ODD);
	}
	buf_clear(&in);
	buf_clear(&a.text);
}

static int
stop(const char *p, size_t len, void *arg)
{
	++*(int *)arg;
	return 7;
}

static void
test_stop(void **state)
{
	int n = 0;

	assert_int_equal(author_list("a@b, c@d", 8, stop, &n), 7);
	assert_int_equal(author_list("X: <a@b>, c@d;", 14, stop, &n), 7);
	assert_int_equal(n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authors),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
