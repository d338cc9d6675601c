/*
 * Who speaks on the local socket: names of the password file, whom the
 * operator trusts, what may be a sender, and whom strangers may write to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "smtpd/smtpd_local.h"
#include "tests/smtpd/fake.h"

#define LONG	"abcdefghijklmnopqrstuvwxyz012345"	/* 32 octets */

static char path[] = "/tmp/test_local.XXXXXX";

static void
passwd(const char *text, const char *trusted)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(smtpd_local_init(path, trusted), 0);
}

static void
assert_login(long uid, const char *want, int trusted, int nameless)
{
	struct smtp_session s;

	memset(&s, 0, sizeof(s));
	smtpd_local_login(&s, uid);
	assert_string_equal(s.login, want);
	assert_string_equal(s.helo, "localhost");
	assert_int_equal(s.trusted, trusted);
	assert_int_equal(s.nameless, nameless);
}

/* Root, our own uid, those of the list; nobody else. */
static void
test_login(void **state)
{
	static const char text[] = "root:x:0:0::/:\nwww:x:33:33::/:\n"
	    "ww:x:34:34::/:\nwwww:x:35:35::/:\nlist:x:36:36::/:\n"
	    "news:x:37:37::/:\n" LOCAL_PICKUP ":x:38:38::/:\n";

	passwd(text, " www,list\tnews ");
	assert_login(0, "root", 1, 0);
	assert_login(33, "www", 1, 0);
	assert_login(34, "ww", 0, 0);
	assert_login(35, "wwww", 0, 0);
	assert_login(36, "list", 1, 0);
	assert_login(37, "news", 1, 0);
	/* It sends what root has left. */
	assert_login(38, "root", 1, 0);
	assert_login(39, "uid-39", 0, 1);
	passwd(text, "");
	assert_login(33, "www", 0, 0);
	assert_login(0, "root", 1, 0);
	/* Nobody is pickup where there is no such row. */
	passwd("www:x:38:33::/:\n", "");
	assert_login(38, "www", 0, 0);
	assert_login(0, "uid-0", 1, 0);
	assert_login(-1, "uid--1", 0, 1);
}

/* The uid we run under is trusted in a trial, where that is not root. */
static void
test_own_uid(void **state)
{
	long own = (long)geteuid();
	char name[40];

	passwd("", "");
	snprintf(name, sizeof(name), "uid-%ld", own);
	assert_login(own, name, 1, 0);
	snprintf(name, sizeof(name), "uid-%ld", own + 1);
	assert_login(own + 1, name, 0, 1);
}

/* What could not stand in an address, or a Received field, is no name. */
static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int good;
	} row[] = {
		{ "a", 1 }, { "A-z_0.9", 1 }, { LONG, 1 }, { LONG "6", 0 },
		{ ".a", 0 }, { "a.", 0 }, { "a..b", 0 }, { "a.b.c", 1 },
		{ "a b", 0 }, { "a\"b", 0 }, { "a@b", 0 }, { "a$", 0 },
		{ "\303\244", 0 },
	};
	char text[200];
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		snprintf(text, sizeof(text), "%s:x:5000:1::/:\n",
		    row[i].name);
		passwd(text, "");
		assert_login(5000, row[i].good ? row[i].name : "uid-5000", 0,
		    !row[i].good);
		assert_int_equal(smtpd_local_names(row[i].name,
		    strlen(row[i].name), 0), row[i].good);
	}
}

/* Whom others may write to: root and people, not services. */
static void
test_people(void **state)
{
	passwd("root:x:0:0::/:\nd:x:1:1::/:\nnews:x:999:1::/:\n"
	    "anna:x:1000:1::/:\nbert:x:1001:1::/:\n", "");
	assert_true(smtpd_local_names("root", 4, 1));
	assert_false(smtpd_local_names("d", 1, 1));
	assert_false(smtpd_local_names("news", 4, 1));
	assert_true(smtpd_local_names("news", 4, 0));
	assert_true(smtpd_local_names("anna", 4, 1));
	assert_true(smtpd_local_names("ANNA", 4, 1));
	assert_true(smtpd_local_names("bert@x", 4, 1));
	assert_false(smtpd_local_names("ann", 3, 0));
	assert_false(smtpd_local_names("annab", 5, 0));
	assert_false(smtpd_local_names("", 0, 0));
}

/* More than one page of names, each found. */
static void
test_many(void **state)
{
	struct buf text = BUF_INIT(0);
	char name[20];
	unsigned i;

	for (i = 0; i < 200; i++)
		buf_printf(&text, "u%u:x:%u:1::/:\n", i, 2000 + i);
	passwd(buf_str(&text), "u199");
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		assert_login(2000 + (long)i, name, i == 199, 0);
	}
	buf_clear(&text);
}

static void
test_owns(void **state)
{
	struct smtp_session s;

	passwd("www:x:33:33::/:\nlist:x:36:36::/:\n", "list");
	memset(&s, 0, sizeof(s));
	smtpd_local_login(&s, 33);
	assert_true(smtpd_local_owns(&s, "www@mx.example.test"));
	assert_true(smtpd_local_owns(&s, "WWW@MX.example.test"));
	assert_false(smtpd_local_owns(&s, "www@example.test"));
	assert_false(smtpd_local_owns(&s, "ww@mx.example.test"));
	assert_false(smtpd_local_owns(&s, "www@mx.example.test.test"));
	smtpd_local_login(&s, 36);
	assert_true(smtpd_local_owns(&s, "anybody@else.test"));
}

static void
put_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The file is another one, or has another length. */
static void
test_current(void **state)
{
	passwd("a:x:33:33::/:\n", "");
	assert_true(smtpd_local_current());
	put_file("a:x:33:33::/:\nb:x:34:34::/:\n");
	assert_false(smtpd_local_current());
	assert_int_equal(smtpd_local_init(path, ""), 0);
	assert_true(smtpd_local_current());
	assert_int_equal(unlink(path), 0);
	assert_false(smtpd_local_current());
	/* Without one nobody has a name, and it is not current. */
	assert_int_equal(smtpd_local_init(path, ""), -1);
	assert_false(smtpd_local_current());
	assert_login(33, "uid-33", 0, 1);
	assert_login(0, "uid-0", 1, 0);
}

/* Before the start: a name that no user has is a mistake. */
static void
test_check(void **state)
{
	static const struct {
		const char *list, *unknown;
	} row[] = {
		{ "", NULL }, { "root", NULL }, { " root,daemon\t", NULL },
		{ "root roo", "roo" }, { "roott", "roott" },
		{ "no-such,root", "no-such" },
		{ "root,no-such,neither", "no-such" },
	};
	struct buf why = BUF_INIT(200);
	char want[200];
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&why);
		assert_int_equal(smtpd_local_check(row[i].list, &why),
		    row[i].unknown != NULL ? -1 : 0);
		snprintf(want, sizeof(want), "local_trusted: %s is no user of "
		    "/etc/passwd", row[i].unknown);
		assert_string_equal(buf_str(&why), row[i].unknown != NULL ?
		    want : "");
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login), cmocka_unit_test(test_own_uid),
		cmocka_unit_test(test_names), cmocka_unit_test(test_people),
		cmocka_unit_test(test_many), cmocka_unit_test(test_owns),
		cmocka_unit_test(test_current), cmocka_unit_test(test_check),
	};
	int r, fd = mkstemp(path);

	close(fd);
	fake_begin();
	r = cmocka_run_group_tests_name("local", tests, NULL, NULL);
	fake_end();
	unlink(path);
	return r;
}
