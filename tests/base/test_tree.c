/*
 * Folders that go with all that is in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/tree.h"

static char dir[] = "/tmp/test_tree.XXXXXX";
static int at = -1;

static int
setup(void **state)
{
	strcpy(strrchr(dir, '.'), ".XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return at == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	close(at);
	return rmdir(dir);
}

static void
file(const char *name)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_not_equal(fd, -1);
	close(fd);
}

static int
there(const char *name)
{
	return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
test_all_goes(void **state)
{
	char name[40];
	int i;

	assert_int_equal(mkdirat(at, "a", 0700), 0);
	assert_int_equal(mkdirat(at, "a/b", 0700), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "a/b/%d", i);
		file(name);
	}
	file("other");
	assert_int_equal(tree_remove(at, "a"), 0);
	assert_false(there("a"));
	assert_true(there("other"));
	assert_int_equal(tree_remove(at, "other"), 0);
	assert_int_equal(tree_remove(at, "absent"), 0);
}

/* What a link leads to is somebody else's. */
static void
test_links(void **state)
{
	assert_int_equal(mkdirat(at, "kept", 0700), 0);
	file("kept/file");
	assert_int_equal(mkdirat(at, "a", 0700), 0);
	assert_int_equal(symlinkat("../kept", at, "a/link"), 0);
	assert_int_equal(symlinkat("kept", at, "link"), 0);
	assert_int_equal(tree_remove(at, "a"), 0);
	assert_int_equal(tree_remove(at, "link"), 0);
	assert_false(there("a"));
	assert_false(there("link"));
	assert_true(there("kept/file"));
	assert_int_equal(tree_remove(at, "kept"), 0);
}

static void
test_inside(void **state)
{
	int fd;

	assert_int_equal(mkdirat(at, "a", 0700), 0);
	assert_int_equal(mkdirat(at, "a/b", 0700), 0);
	file("a/file");
	fd = openat(at, "a", O_RDONLY | O_DIRECTORY);
	assert_int_equal(tree_empty(fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(unlinkat(at, "a", AT_REMOVEDIR), 0);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(tree_empty(fd), -1);
	assert_int_equal(errno, ENOTDIR);
}

/* Deeper than any of ours: it stays, and that is said. */
static void
test_depth(void **state)
{
	char name[200] = "d";
	int i;

	for (i = 0; i <= TREE_LEVELS; i++) {
		assert_int_equal(mkdirat(at, name, 0700), 0);
		strcat(name, "/d");
	}
	file("d/file");
	assert_int_equal(tree_remove(at, "d"), -1);
	assert_int_equal(errno, ELOOP);
	assert_false(there("d/file"));
	name[strlen(name) - 2] = '\0';
	assert_true(there(name));
	assert_int_equal(unlinkat(at, name, AT_REMOVEDIR), 0);
	assert_int_equal(tree_remove(at, "d"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_goes), T(test_links), T(test_inside), T(test_depth),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
