/*
 * The arguments of LIST: what is read out of them, what is refused, and that
 * nothing in them is without a bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/door.h"

#include "imapd/imapd_list_args.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_uses.h"

static int
list_read(struct imapd_list_args *l, const char *text, const char **why)
{
	struct imapd_args args = { 0 };
	char *copy = strdup(text);
	int r;

	assert_int_equal(imapd_args_parse(&args, copy, strlen(copy), why), 0);
	r = imapd_list_args_read(l, args.a, args.top, why);
	imapd_args_clear(&args);
	free(copy);
	return r;
}

static const struct {
	const char *text;
	unsigned select, back;
	size_t	 patterns;
	int	 extended, delimiter;
	const char *fits, *fits_not;
} rows[] = {
	{ " \"\" \"%\"", 0, 0, 1, 0, 0, "a", "a/b" },
	{ " \"\" \"\"", 0, 0, 0, 0, 1, NULL, "a" },
	{ " \"\" \"%\" return (special-use)", 0, IMAPD_L_USE, 1, 1, 0, "a",
	    "a/b" },
	{ " (SPECIAL-USE) \"\" \"*\"", IMAPD_L_USE, 0, 1, 1, 0, "a/b", NULL },
	{ " () \"\" \"*\" RETURN ()", 0, 0, 1, 1, 0, "a/b", NULL },
	{ " (subscribed) \"\" *", IMAPD_L_SUBSCRIBED, IMAPD_L_SUBSCRIBED, 1, 1,
	    0, "a", NULL },
	{ " (REMOTE) a/ %", IMAPD_L_REMOTE, 0, 1, 1, 0, "a/b", "b" },
	{ " (RECURSIVEMATCH SPECIAL-USE REMOTE) \"\" %", IMAPD_L_RECURSIVE |
	    IMAPD_L_USE | IMAPD_L_REMOTE, 0, 1, 1, 0, "a", NULL },
	{ " \"\" (inbox \"Sent\" {3+}\r\na/%) RETURN (SUBSCRIBED CHILDREN)", 0,
	    IMAPD_L_SUBSCRIBED | IMAPD_L_CHILDREN, 3, 1, 0, "a/b", "b" },
	{ " \"\" (iNbOx Sent)", 0, 0, 2, 1, 0, "INBOX", "Drafts" },
	/* Here it asks for no delimiter, and no mailbox has that name. */
	{ " \"\" (\"\" a)", 0, 0, 1, 1, 0, "a", "" },
	{ " () \"\" \"\"", 0, 0, 0, 1, 0, NULL, "" },
	/* A name that no mailbox can have. */
	{ " \"\" (&AAA a)", 0, 0, 1, 1, 0, "a", "b" },
	{ " \"\" * RETURN (STATUS (MESSAGES unseen) CHILDREN)", 0,
	    IMAPD_L_STATUS | IMAPD_L_CHILDREN, 1, 1, 0, "a", NULL },
};

static void
test_arguments(void **state)
{
	struct imapd_list_args l;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (list_read(&l, rows[i].text, &why) == -1)
			fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(l.select, rows[i].select);
		assert_int_equal(l.back, rows[i].back);
		assert_int_equal(l.n, rows[i].patterns);
		assert_int_equal(l.extended, rows[i].extended);
		assert_int_equal(l.delimiter, rows[i].delimiter);
		assert_int_equal(l.status != 0,
		    (l.back & IMAPD_L_STATUS) != 0);
		if (rows[i].fits != NULL)
			assert_true(imapd_list_args_match(&l, rows[i].fits,
			    strlen(rows[i].fits)));
		if (rows[i].fits_not != NULL)
			assert_false(imapd_list_args_match(&l,
			    rows[i].fits_not, strlen(rows[i].fits_not)));
		imapd_list_args_clear(&l);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ " a b c", "wrong number of arguments" },
		{ " (SUBSCRIBED) a", "wrong number of arguments" },
		{ " () a b c", "wrong number of arguments" },
		{ " a () RETURN ()", "names are expected" },
		{ " a ((b))", "names are expected" },
		{ " () () a", "names are expected" },
		{ " (RECURSIVEMATCH) \"\" *", "RECURSIVEMATCH of what" },
		{ " (RECURSIVEMATCH REMOTE) \"\" *", "RECURSIVEMATCH of what" },
		{ " (CHILDREN) \"\" *", "unknown selection option" },
		{ " (\"SUBSCRIBED\") \"\" *", "unknown selection option" },
		{ " \"\" * RETURN (REMOTE)", "unknown return option" },
		{ " \"\" * RETURN SUBSCRIBED", "bad arguments" },
		{ " \"\" * GIVE (SUBSCRIBED)", "bad arguments" },
		{ " \"\" * RETURN (STATUS)", "STATUS of what" },
		{ " \"\" * RETURN (STATUS ())", "bad list of STATUS items" },
		{ " \"\" * RETURN (STATUS MESSAGES)",
		    "bad list of STATUS items" },
		{ " \"\" * RETURN (STATUS (MESSAGES X))",
		    "bad list of STATUS items" },
	};
	struct imapd_list_args l;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(list_read(&l, bad[i].text, &why), -1);
		assert_string_equal(why, bad[i].why);
		imapd_list_args_clear(&l);
	}
}

static void
test_patterns_have_a_bound(void **state)
{
	struct buf text = BUF_INIT(0);
	struct imapd_list_args l;
	const char *why;
	size_t n, i;

	for (n = IMAPD_LIST_PATTERNS_MAX; n <= IMAPD_LIST_PATTERNS_MAX + 1;
	    n++) {
		buf_reset(&text);
		buf_puts(&text, " \"\" (");
		for (i = 0; i < n; i++)
			buf_printf(&text, "%sp%zu", i > 0 ? " " : "", i);
		buf_puts(&text, ")");
		assert_int_equal(list_read(&l, buf_str(&text), &why),
		    n <= IMAPD_LIST_PATTERNS_MAX ? 0 : -1);
		if (n <= IMAPD_LIST_PATTERNS_MAX)
			assert_true(imapd_list_args_match(&l, "p99", 3));
		else
			assert_string_equal(why, "too many patterns");
		imapd_list_args_clear(&l);
	}
	buf_clear(&text);
}

static void
test_uses(void **state)
{
	struct buf out = BUF_INIT(0);

	assert_int_equal(imapd_use_find("\\sENT", 5), ATTR_SENT);
	assert_int_equal(imapd_use_find("\\All", 4), 0);
	assert_int_equal(imapd_use_find("Sent", 4), 0);
	imapd_uses_put(&out, ATTR_USES | ATTR_NOSELECT | ATTR_SUBSCRIBED);
	assert_string_equal(buf_str(&out),
	    " \\Drafts \\Sent \\Trash \\Junk \\Archive \\Flagged");
	buf_clear(&out);
}

/* What is below a name has a "/" behind it. */
static void
test_below(void **state)
{
	static char names[][12] = { "INBOX", "a", "a-b", "a/b", "a/b/c", "ab",
		"ab0/c", "foo", "foobar" };
	static const struct {
		const char *name;
		int	 children;
		size_t	 at, n;
	} t[] = {
		{ "a", 1, 3, 2 }, { "a/b", 1, 4, 1 }, { "a/b/c", 0, 0, 0 },
		{ "ab", 0, 0, 0 }, { "ab0", 1, 6, 1 }, { "foo", 0, 0, 0 },
		{ "foobar", 0, 0, 0 }, { "zoo", 0, 0, 0 },
	};
	enum { NAMES = sizeof(names) / sizeof(names[0]) };
	struct door_mailbox list[NAMES] = { 0 };
	size_t i, at, end;

	for (i = 0; i < NAMES; i++)
		list[i].name = names[i];
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (imapd_names_children(list, NAMES, t[i].name) !=
		    t[i].children)
			fail_msg("%s", t[i].name);
		at = imapd_names_below(list, NAMES, t[i].name,
		    strlen(t[i].name), &end);
		assert_int_equal(end - at, t[i].n);
		if (t[i].n > 0)
			assert_int_equal(at, t[i].at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_patterns_have_a_bound),
		cmocka_unit_test(test_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
