/* fd_replace: the order of what it does, and what a failure leaves. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"

static char dir[64];
static int dirfd_;
static char order[200];		/* a letter for each call */
static char fails;		/* the call of that letter */

static int
met(char letter)
{
	size_t n = strlen(order);

	order[n] = letter;
	order[n + 1] = '\0';
	errno = EIO;
	return fails == letter;
}

ssize_t	__real_write(int fd, const void *p, size_t n);
ssize_t	__wrap_write(int fd, const void *p, size_t n);
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return fd > 2 && met('w') ? -1 : __real_write(fd, p, n);
}

int	__real_fdatasync(int fd);
int	__wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
	return met('s') ? -1 : __real_fdatasync(fd);
}

int	__real_fsync(int fd);
int	__wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	assert_int_equal(fd, dirfd_);
	return met('d') ? -1 : __real_fsync(fd);
}

int	__real_close(int fd);
int	__wrap_close(int fd);
int
__wrap_close(int fd)
{
	int bad = fd > 2 && met('c');

	return __real_close(fd) == -1 || bad ? -1 : 0;
}

int	__real_renameat(int a, const char *from, int b, const char *to);
int	__wrap_renameat(int a, const char *from, int b, const char *to);
int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	return met('r') ? -1 : __real_renameat(a, from, b, to);
}

static int
setup(void **state)
{
	strcpy(dir, "/tmp/test-fd-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	char cmd[100];

	fails = '\0';
	fd_close(&dirfd_);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static int
replace(const char *text, char failing)
{
	int r;

	order[0] = '\0';
	fails = failing;
	r = fd_replace(dirfd_, "file", 0600, text, strlen(text));
	fails = '\0';
	return r;
}

static void
holds(const char *text)
{
	struct buf b = BUF_INIT(100);
	int fd = openat(dirfd_, "file", O_RDONLY | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_slurp(fd, &b), 0);
	fd_close(&fd);
	assert_string_equal(buf_str(&b), text);
	buf_clear(&b);
}

static void
test_order(void **state)
{
	assert_int_equal(replace("one", '\0'), 0);
	assert_string_equal(order, "wscrd");
	holds("one");
	assert_int_equal(replace("two", '\0'), 0);
	assert_string_equal(order, "wscrd");
	holds("two");
}

/* Whatever fails is said, and nothing is put in its place that is not synced. */
static void
test_failures(void **state)
{
	static const struct { char call; const char *order; } rows[] = {
		{ 'w', "wc" }, { 's', "wsc" }, { 'c', "wsc" }, { 'r', "wscr" },
	};
	size_t i;

	assert_int_equal(replace("old", '\0'), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(replace("new", rows[i].call), -1);
		assert_int_equal(errno, EIO);
		assert_string_equal(order, rows[i].order);
		holds("old");
		assert_int_equal(faccessat(dirfd_, "file.new", F_OK, 0), -1);
	}
	assert_int_equal(replace("new", 'd'), -1);
	assert_string_equal(order, "wscrd");
}

/* What a crash left in the way goes. */
static void
test_leftover(void **state)
{
	int fd = openat(dirfd_, "file.new", O_WRONLY | O_CREAT, 0644);

	assert_int_not_equal(fd, -1);
	fd_close(&fd);
	assert_int_equal(replace("text", '\0'), 0);
	holds("text");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_order), T(test_failures), T(test_leftover),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
