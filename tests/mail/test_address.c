#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/address.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define L63 A60 "aaa"

static void
test_parse(void **state)
{
	static const struct {
		const char *in, *out;
		enum address_result r;
	} t[] = {
		{ "anna@example.test", "anna@example.test", 0 },
		{ "Anna.B+x@EXAMPLE.Test", "Anna.B+x@example.test", 0 },
		{ "\"\"@x", "\"\"@x", 0 },
		{ "\" \"@x", "\" \"@x", 0 },
		{ "\"a\\\"b\"@x", "\"a\\\"b\"@x", 0 },
		{ "\"a@b\"@x", "\"a@b\"@x", 0 },
		{ "\"a\\\\b\"@x", "\"a\\\\b\"@x", 0 },
		{ "\"anna\"@x", "anna@x", 0 },
		{ "\"a\\n\"@x", "an@x", 0 },
		{ "u@[127.0.0.1]", "u@[127.0.0.1]", 0 },
		{ "u@[ipv6:2001:DB8::1]", "u@[IPv6:2001:db8::1]", 0 },
		{ "u@[IPv6:::1]", "u@[IPv6:::1]", 0 },
		{ "u@b\xc3\xbc""cher.test", "u@xn--bcher-kva.test", 0 },
		{ "u@B\xc3\x9c""CHER.test", "u@xn--bcher-kva.test", 0 },
		{ "u@XN--BCHER-KVA.test", "u@xn--bcher-kva.test", 0 },
		{ "u%ext@us", "u%ext@us", 0 },
		{ "ext!u@us", "ext!u@us", 0 },
		{ "`id`@x", "`id`@x", 0 },
		{ "|/bin/sh@x", "|/bin/sh@x", 0 },
		{ "-froot@x", "-froot@x", 0 },
		{ L63 "a@x", L63 "a@x", 0 },
		{ "u@" L63 ".x", "u@" L63 ".x", 0 },
		{ "u@" L63 "." L63 "." L63 "." A60 "a", "u@" L63 "." L63 "."
		    L63 "." A60 "a", 0 },
		{ L63 "aa@x", L63 "aa@x", 0 },
		{ L63 L63 L63 L63 "aaa@x", L63 L63 L63 L63 "aaa@x", 0 },
		{ L63 L63 L63 L63 "aaaa@x", NULL, ADDRESS_LONG },
		{ L63 L63 L63 L63 "aaa@" L63 "x", NULL, ADDRESS_LONG },
		{ L63 L63 L63 L63 "aaa@" L63 ".", L63 L63 L63 L63 "aaa@" L63,
		    0 },
		{ L63 L63 L63 L63 "aaa@" A60 "a.x", L63 L63 L63 L63 "aaa@"
		    A60 "a.x", 0 },
		{ L63 L63 L63 L63 "aaa@" A60 "aa.x", L63 L63 L63 L63 "aaa@"
		    A60 "aa.x", 0 },
		{ L63 L63 L63 L63 "aaa@" L63 ".x", NULL, ADDRESS_LONG },
		{ "\"" L63 "\"@x", L63 "@x", 0 },
		{ "\"" L63 "a\"@x", L63 "a@x", 0 },
		{ "\"" L63 "aa\"@x", L63 "aa@x", 0 },
		{ "\"" L63 L63 L63 L63 "aaaa\"@x", NULL, ADDRESS_LONG },
		{ "\"" A60 "  \"@x", "\"" A60 "  \"@x", ADDRESS_OK },
		{ "\"" L63 L63 L63 L63 " \"@x", "\"" L63 L63 L63 L63 " \"@x", 0 },
		{ "\"" L63 L63 L63 L63 "  \"@x", NULL, ADDRESS_LONG },
		{ "u@" L63 "a.x", NULL, ADDRESS_LONG },
		{ "u@" L63 "." L63 "." L63 "." L63 "a", NULL, ADDRESS_LONG },
		{ "u@[1.2.3]", NULL, ADDRESS_DOMAIN },
		{ "u@[]", NULL, ADDRESS_DOMAIN },
		{ "u@[IPv6:]", NULL, ADDRESS_DOMAIN },
		{ "u@[tag:x]", NULL, ADDRESS_DOMAIN },
		{ "u@[127.0.0.1", NULL, ADDRESS_DOMAIN },
		{ "u@x@y", NULL, ADDRESS_DOMAIN },
		{ "u@", NULL, ADDRESS_DOMAIN },
		{ "u@x.", "u@x", 0 },
		{ "u@x..", NULL, ADDRESS_DOMAIN },
		{ "u@.", NULL, ADDRESS_DOMAIN },
		{ "u@.x", NULL, ADDRESS_DOMAIN },
		{ "u@-x", NULL, ADDRESS_DOMAIN },
		{ "u@x-.y", NULL, ADDRESS_DOMAIN },
		{ "u@a b", NULL, ADDRESS_DOMAIN },
		{ "u@a_b", "u@a_b", 0 },
		{ "u@_a.b_", "u@_a.b_", 0 },
		{ "u@x\r\n", NULL, ADDRESS_DOMAIN },
		{ "u@\xff\xfe", NULL, ADDRESS_DOMAIN },
		{ "u@\xc0\xaf.x", NULL, ADDRESS_DOMAIN },
		{ "u@\xed\xa0\x80.x", NULL, ADDRESS_DOMAIN },
		{ "u@b\xc3", NULL, ADDRESS_DOMAIN },
		{ "\xc3\xbc@x", NULL, ADDRESS_UTF8 },
		{ "\"\xc3\xbc\"@x", NULL, ADDRESS_UTF8 },
		{ "", NULL, ADDRESS_SYNTAX },
		{ "u", NULL, ADDRESS_SYNTAX },
		{ "@x", NULL, ADDRESS_SYNTAX },
		{ ".u@x", "\".u\"@x", 0 },
		{ "u.@x", "\"u.\"@x", 0 },
		{ "u..v@x", "\"u..v\"@x", 0 },
		{ "\"u..v\"@x", "\"u..v\"@x", 0 },
		{ "u v@x", NULL, ADDRESS_SYNTAX },
		{ ";id;@x", NULL, ADDRESS_SYNTAX },
		{ "$(id)@x", NULL, ADDRESS_SYNTAX },
		{ ":include:/x@x", NULL, ADDRESS_SYNTAX },
		{ "\"u\r\n\"@x", NULL, ADDRESS_SYNTAX },
		{ "\"u\t\"@x", NULL, ADDRESS_SYNTAX },
		{ "\"u@x", NULL, ADDRESS_SYNTAX },
		{ "\"u\\", NULL, ADDRESS_SYNTAX },
		{ "\"u\"v@x", NULL, ADDRESS_SYNTAX },
	};
	struct address a, b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		enum address_result r = address_parse(&a, t[i].in,
		    strlen(t[i].in));

		if (r != t[i].r)
			print_error("%s\n", t[i].in);
		assert_int_equal(r, t[i].r);
		if (r != ADDRESS_OK)
			continue;
		assert_string_equal(a.text, t[i].out);
		assert_int_equal(a.len, strlen(a.text));
		assert_int_equal(a.text[a.at], '@');
		assert_int_equal(address_parse(&b, a.text, a.len), ADDRESS_OK);
		assert_string_equal(a.text, b.text);
	}
	assert_int_equal(address_parse(&a, "u\0v@x", 5), ADDRESS_SYNTAX);
	assert_int_equal(address_parse(&a, "u@x\0y", 5), ADDRESS_DOMAIN);
}

static void
test_path(void **state)
{
	static const struct {
		const char *in, *out;
		size_t used;
		enum address_result r;
	} t[] = {
		{ "<>", "", 2, 0 },
		{ "<> SIZE=1", "", 2, 0 },
		{ "<anna@x> BODY=7BIT", "anna@x", 8, 0 },
		{ "<Postmaster>", "postmaster", 12, 0 },
		{ "<@a,@b:u@c>", "u@c", 11, 0 },
		{ "<@a:u@c>", "u@c", 8, 0 },
		{ "<\">\"@x>", "\">\"@x", 7, 0 },
		{ "<\"\\\">\"@x>", "\"\\\">\"@x", 9, 0 },
		{ "<@a,u@c>", NULL, 0, ADDRESS_SYNTAX },
		{ "<@a>", NULL, 0, ADDRESS_SYNTAX },
		{ "<@a:>", NULL, 0, ADDRESS_SYNTAX },
		{ "<@:u@c>", NULL, 0, ADDRESS_DOMAIN },
		{ "<@a_b:u@c>", "u@c", 10, 0 },
		{ "<abuse>", NULL, 0, ADDRESS_SYNTAX },
		{ "<<u@x>>", NULL, 0, ADDRESS_SYNTAX },
		{ "<u@x", NULL, 0, ADDRESS_SYNTAX },
		{ "u@x", "u@x", 3, 0 },
		{ "u@x SIZE=1", "u@x", 3, 0 },
		{ "\"u v\"@x\tSIZE=1", "\"u v\"@x", 7, 0 },
		{ "u@x>", NULL, 0, ADDRESS_DOMAIN },
		{ "u v@x", NULL, 0, ADDRESS_SYNTAX },
		{ "", NULL, 0, ADDRESS_SYNTAX },
		{ "<u@x >", "u@x", 6, 0 },
		{ "< u@x>", "u@x", 6, 0 },
		{ "< >", NULL, 0, ADDRESS_SYNTAX },
	};
	struct address a;
	size_t i, used;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(address_path(&a, t[i].in, strlen(t[i].in),
		    &used), t[i].r);
		if (t[i].r != ADDRESS_OK)
			continue;
		assert_string_equal(a.text, t[i].out);
		assert_int_equal(used, t[i].used);
	}
}

static int
gather(const struct address_entry *e, void *arg)
{
	struct buf *out = arg;

	buf_printf(out, "%s%.*s|", e->bad ? "!" : "", (int)e->len, e->text);
	return 0;
}

/* Every entry is there, good or bad; none is skipped. */
static void
test_list(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "", "" },
		{ "a@x", "a@x|" },
		{ "a@x, b@y", "a@x|b@y|" },
		{ "Anna <a@x>, \"B, C\" <b@y>", "a@x|b@y|" },
		{ "=?utf-8?q?A?= <a@x> (comment, with (depth))", "a@x|" },
		{ "Team: a@x, B <b@y>;, c@z", "a@x|b@y|c@z|" },
		{ "undisclosed-recipients:;", "" },
		{ "undisclosed-recipients:", "" },
		{ "<@r,@s:a@x>", "a@x|" },
		{ "< @r , @s : a@x >", "a@x|" },
		{ "a @ x . y", "a@x.y|" },
		{ "a (c) @ (c) x", "a@x|" },
		{ "a@x,\r\n b@y", "a@x|b@y|" },
		{ "\"a@b\"@x", "\"a@b\"@x|" },
		{ "\"a\\\" b\" <a@x>, b@y", "a@x|b@y|" },
		{ "a@x; b@y", "a@x|b@y|" },
		{ ",,a@x,,", "a@x|" },
		{ "(only a comment)", "" },
		{ "u@[IPv6:2001:db8::1], a@x", "u@[IPv6:2001:db8::1]|a@x|" },
		/* a name alone; whose it is, is the caller's question */
		{ "anna, a@x", "anna|a@x|" },
		{ "Anna <anna>, bert (comment)", "anna|bert|" },
		{ "Team: anna, Bert <bert>;", "anna|bert|" },
		{ "a@@x, b@y", "a@@x|b@y|" },
		{ "a@x>", "a@x>|" },
		/* two words are not one */
		{ "a@x b@y", "a@x b@y|" },
		{ "anna bert@y", "anna bert@y|" },
		{ "anna\r\n\tbert", "anna bert|" },
		{ "anna(c)bert", "anna bert|" },
		/* what does not close, or has more behind it */
		{ "Anna <a@x", "!a@x|" },
		{ "Anna <a@x, b@y", "!a@x,b@y|" },
		{ "<a@x> <b@y>, c@z", "!a@x <b@y>|c@z|" },
		{ "<a@x> b@y", "!a@x b@y|" },
		{ "<a@x>.de", "!a@x.de|" },
		{ "a@x (c, b@y", "!a@x|" },
		{ "(endless", "!|" },
		{ "(ends in \\", "!|" },
		{ "\"ends in \\", "!\"ends in \\|" },
		{ "a@x, \"b <b@y>", "a@x|!\"b <b@y>|" },
		{ "a@x, Team: b@y", "a@x|!b@y|" },
		{ "Team: b@y,", "b@y|!|" },
		{ "<>", "!|" },
		{ "Anna <>, a@x", "!|a@x|" },
		{ "<@r:>", "!|" },
		/* no name of a group */
		{ "a@x: b@y", "a@x:b@y|" },
		{ "a: b: c@z;", "b:c@z|" },
		{ ": a@x", ":a@x|" },
	};
	struct buf out = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&out);
		assert_int_equal(address_list(t[i].in, strlen(t[i].in),
		    gather, &out), 0);
		assert_string_equal(buf_str(&out), t[i].out);
	}
	buf_clear(&out);
}

static int
count(const struct address_entry *e, void *arg)
{
	*(size_t *)arg += !e->bad;
	return 0;
}

/* A million addresses, and comments 100,000 deep: linear, no recursion. */
static void
test_large(void **state)
{
	size_t i, n = 0, len = 1000000 * 5;
	char *p = malloc(len);

	assert_non_null(p);
	for (i = 0; i < len; i += 5)
		memcpy(p + i, "a@b, ", 5);
	assert_int_equal(address_list(p, len, count, &n), 0);
	assert_int_equal(n, 1000000);
	memset(p, '(', 100000);
	n = 0;
	assert_int_equal(address_list(p, 100000, count, &n), 0);
	assert_int_equal(n, 0);
	/* A name may be of any length, an address may not. */
	memset(p, 'a', 100000);
	memcpy(p + 100000 - 5, "<a@b>", 5);
	assert_int_equal(address_list(p, 100000, count, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(address_list(p, 100000 - 5, count, &n), 0);
	assert_int_equal(n, 1);
	free(p);
}

/* Mail to a literal goes another way: it has to be known as one. */
static void
test_literal(void **state)
{
	static const struct { const char *in; int literal; } t[] = {
		{ "u@[127.0.0.1]", 1 }, { "u@[IPv6:::1]", 1 },
		{ "u@x.test", 0 }, { "\"[a]\"@x.test", 0 },
	};
	struct address a;
	size_t i, used;
	char path[100];

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(address_parse(&a, t[i].in, strlen(t[i].in)),
		    ADDRESS_OK);
		assert_int_equal(a.literal, t[i].literal);
		snprintf(path, sizeof(path), "<%s>", t[i].in);
		assert_int_equal(address_path(&a, path, strlen(path), &used),
		    ADDRESS_OK);
		assert_int_equal(a.literal, t[i].literal);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
