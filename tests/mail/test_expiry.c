/* Rules for what goes by its age. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/door.h"
#include "lib/mail/expiry.h"

static struct expiry e;

static int
parse(const char *text)
{
	struct buf why = BUF_INIT(300);
	int r = expiry_parse(&e, text, strlen(text), &why);

	if (r == -1)
		assert_true(why.len > 0);
	buf_clear(&why);
	return r;
}

static unsigned
days(const char *name, uint32_t attrs, uint32_t top)
{
	return (unsigned)(expiry_keep(&e, name, attrs, top) / 86400);
}

static void
test_names(void **state)
{
	assert_int_equal(parse("Trash:30d, Lists/%:90d,Deleted Items:7d ,"
	    " Old/*:1d"), 0);
	assert_int_equal(e.n, 4);
	assert_int_equal(days("Trash", 0, 0), 30);
	assert_int_equal(days("Trash/a", 0, 0), 0);
	assert_int_equal(days("trash", 0, 0), 0);
	assert_int_equal(days("Lists/a", 0, 0), 90);
	assert_int_equal(days("Lists/a/b", 0, 0), 0);
	assert_int_equal(days("Deleted Items", 0, 0), 7);
	assert_int_equal(days("Old/a/b", 0, 0), 1);
	assert_int_equal(days("Old", 0, 0), 0);
	assert_int_equal(days("INBOX", 0, 0), 0);
}

static void
test_uses(void **state)
{
	assert_int_equal(parse("Trash:30d,Junk/*:5d,Archive:9d"), 0);
	assert_int_equal(days("Papierkorb", ATTR_TRASH, ATTR_TRASH), 30);
	assert_int_equal(days("x/Papierkorb", ATTR_TRASH, 0), 30);
	assert_int_equal(days("Spam", ATTR_JUNK, ATTR_JUNK), 0);
	assert_int_equal(days("Spam/a/b", 0, ATTR_JUNK), 5);
	assert_int_equal(days("Papierkorb/a", 0, ATTR_TRASH), 0);
	assert_int_equal(days("x", ATTR_SENT, ATTR_SENT), 0);
}

static void
test_first_counts(void **state)
{
	assert_int_equal(parse("a/b:3d,a/*:4d,*:5d"), 0);
	assert_int_equal(days("a/b", 0, 0), 3);
	assert_int_equal(days("a/c", 0, 0), 4);
	assert_int_equal(days("INBOX", 0, 0), 5);
}

static void
test_bounds(void **state)
{
	static const char *const bad[] = { "Trash", "Trash:", "Trash:0d",
		"Trash:3651d", "Trash:30", "Trash:d", ":3d", "Trash:3d,",
		",Trash:3d", "Trash:-1d", "Trash:3d,,Junk:3d",
		"Trash:99999999999999999999d", "Trash:3h" };
	char text[2 * EXPIRY_TEXT];
	size_t i, n = 0;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parse(bad[i]) == 0)
			fail_msg("%s", bad[i]);
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("  "), 0);
	assert_int_equal(e.n, 0);
	assert_int_equal(parse("a:b:3650d"), 0);
	assert_int_equal(days("a:b", 0, 0), 3650);
	for (i = 0; i < EXPIRY_RULES; i++)
		n += (size_t)sprintf(text + n, "%sa%zu:1d", i > 0 ? "," : "",
		    i);
	assert_int_equal(parse(text), 0);
	strcat(text, ",b:1d");
	assert_int_equal(parse(text), -1);
	memset(text, 'a', EXPIRY_TEXT + 1);
	strcpy(text + EXPIRY_TEXT - 3, ":1d");
	assert_int_equal(parse(text), 0);
	memmove(text + 1, text, EXPIRY_TEXT + 1);
	assert_int_equal(parse(text), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_uses),
		cmocka_unit_test(test_first_counts),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
