/* Names of the drop directory, as anybody may make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "master/master_drop_file.h"

enum { LARGEST = 100000, CUT_AGE = 36 * 3600 };

static char dir[] = "/tmp/test_drop_file.XXXXXX";
static int at;
static uid_t me;

static int
setup(void **state)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	at = open(dir, O_PATH | O_DIRECTORY);
	me = geteuid();
	return at == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	char command[100];

	close(at);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static const char *
own(unsigned slot)
{
	static char name[DROP_NAME_MAX];

	drop_name(name, me, slot);
	return name;
}

static void
put(const char *name, const char *text)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int
is_there(const char *name)
{
	return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
aside(const char *name)
{
	char bad[100];

	snprintf(bad, sizeof(bad), DROP_BAD "%s", name);
	return is_there(bad) && !is_there(name);
}

static int
opened(const char *name, struct drop_file *f)
{
	int fd = drop_file_open(at, name, me, LARGEST, time(NULL), f);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int	 good;
		uid_t	 uid;
	} t[] = {
		{ "0.0", 1, 0 }, { "1000.99", 1, 1000 },
		{ "4294967294.ffffffffffffffff", 1, 4294967294u },
		{ "4294967295.0", 0, 0 }, { "1000", 0, 0 }, { "1000.", 0, 0 },
		{ ".0", 0, 0 }, { "-1.0", 0, 0 }, { "1000.x", 0, 0 },
		{ "1000.0.0", 0, 0 }, { " 1000.0", 0, 0 }, { "bad.0", 0, 0 },
		{ "1000.ffffffffffffffffffffffffffffff", 0, 0 },
	};
	size_t i;
	uid_t uid;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uid = 0;
		if (drop_file_name(t[i].name, &uid) != t[i].good ||
		    (t[i].good && uid != t[i].uid))
			fail_msg("%s", t[i].name);
	}
}

static void
test_good(void **state)
{
	struct drop_file f;

	put(own(0), "text");
	assert_true(opened(own(0), &f));
	assert_string_equal(f.name, own(0));
	drop_file_done(at, &f, DROP_LATER, time(NULL));
	assert_true(is_there(own(0)));
	/* It ended in order, and did not say that it had sent it. */
	drop_file_done(at, &f, (enum drop_status)0, time(NULL));
	assert_true(is_there(own(0)));
	drop_file_done(at, &f, DROP_PARTIAL, time(NULL) + CUT_AGE - 60);
	assert_true(is_there(own(0)));
	drop_file_done(at, &f, DROP_BROKEN, time(NULL));
	assert_true(aside(own(0)));
	put(own(0), "text");
	assert_true(opened(own(0), &f));
	drop_file_done(at, &f, DROP_SENT, time(NULL));
	assert_false(is_there(own(0)));
	put(own(0), "text");
	assert_true(opened(own(0), &f));
	drop_file_done(at, &f, DROP_PARTIAL, time(NULL) + CUT_AGE + 60);
	assert_false(is_there(own(0)));
}

/* Another file came in its place while it was sent: that one stays. */
static void
test_swapped(void **state)
{
	struct drop_file f;

	put(own(0), "text");
	assert_true(opened(own(0), &f));
	put("another", "text");
	assert_int_equal(renameat(at, "another", at, own(0)), 0);
	drop_file_done(at, &f, DROP_SENT, time(NULL));
	assert_true(is_there(own(0)));
	drop_file_done(at, &f, DROP_BROKEN, time(NULL));
	assert_true(is_there(own(0)));
}

static void
test_no_files(void **state)
{
	struct drop_file f;
	char inside[DROP_NAME_MAX + 2];

	assert_int_equal(mkfifoat(at, own(0), 0666), 0);
	assert_int_equal(symlinkat("/etc/passwd", at, own(1)), 0);
	assert_int_equal(mkdirat(at, own(2), 0777), 0);
	assert_int_equal(mkdirat(at, own(3), 0777), 0);
	snprintf(inside, sizeof(inside), "%s/x", own(3));
	assert_int_equal(mkdirat(at, inside, 0777), 0);
	assert_false(opened(own(0), &f));
	assert_false(opened(own(1), &f));
	assert_false(opened(own(2), &f));
	assert_false(opened(own(3), &f));
	assert_false(is_there(own(0)));
	assert_false(is_there(own(1)));
	assert_false(is_there(own(2)));
	assert_true(aside(own(3)));
}

/* What may be a message somehow is kept, and looked at once. */
static void
test_set_aside(void **state)
{
	struct drop_file f;
	char from[DROP_NAME_MAX];
	int fd;

	put(own(0), "two names");
	strcpy(from, own(0));
	assert_int_equal(linkat(at, from, at, "other", 0), 0);
	assert_false(opened(from, &f));
	assert_true(aside(from));
	put("7777777.0", "whose");
	fd = drop_file_open(at, "7777777.0", 7777777, LARGEST, time(NULL), &f);
	assert_int_equal(fd, -1);
	assert_true(aside("7777777.0"));
	/* A giant of no octets. */
	put(own(1), "x");
	fd = openat(at, own(1), O_WRONLY);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	assert_false(opened(own(1), &f));
	assert_true(aside(own(1)));
	/* The name to keep it by is taken: there is another. */
	put(own(0), "again");
	assert_true(opened(own(0), &f));
	assert_int_equal(drop_file_done(at, &f, DROP_LATER, time(NULL)), 0);
	assert_int_equal(drop_file_done(at, &f, DROP_BROKEN, time(NULL)), 1);
	assert_false(is_there(own(0)));
	assert_true(is_there(DROP_BAD "7777777.0"));
}

static void
test_empty(void **state)
{
	struct drop_file f;
	int64_t now = time(NULL);

	put(own(0), "");
	assert_int_equal(drop_file_open(at, own(0), me, LARGEST, now, &f), -1);
	assert_true(is_there(own(0)));
	assert_int_equal(drop_file_open(at, own(0), me, LARGEST,
	    now + CUT_AGE + 60, &f), -1);
	assert_false(is_there(own(0)));
}

static void
test_junk(void **state)
{
	put("x", "");
	put("a\x1b[2J", "");
	drop_file_junk(at, "x");
	drop_file_junk(at, "a\x1b[2J");
	drop_file_junk(at, "nothing");
	assert_false(is_there("x"));
	assert_false(is_there("a\x1b[2J"));
}

/* What was set aside goes after 30 days, and no time of its owner's counts. */
static void
test_bad(void **state)
{
	const int64_t now = time(NULL), month = 30 * 24 * 3600;
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	put("bad.x", "text");
	assert_int_equal(utimensat(at, "bad.x", old, 0), 0);
	drop_file_bad(at, "bad.x", now);
	drop_file_bad(at, "bad.x", now + month - 60);
	drop_file_bad(at, "bad.nothing", now);
	assert_true(is_there("bad.x"));
	drop_file_bad(at, "bad.x", now + month + 60);
	assert_false(is_there("bad.x"));
	/* A link is removed, not what it leads to. */
	put("y", "text");
	assert_int_equal(symlinkat("y", at, "bad.y"), 0);
	drop_file_bad(at, "bad.y", now + month + 60);
	assert_true(is_there("y"));
	assert_false(is_there("bad.y"));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_bad),
		TEST(test_good),
		TEST(test_swapped),
		TEST(test_no_files),
		TEST(test_set_aside),
		TEST(test_empty),
		TEST(test_junk),
	};

	log_init("master", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
