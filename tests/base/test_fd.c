/*
 * Files: what is replaced, in what order, and what a failure leaves; short
 * writes and reads; what is no regular file; the disks of the network.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"

static char dir[64];
static int dirfd_;
static char order[200];		/* a letter for each call */
static char fails;		/* the call of that letter */
static size_t short_write = SIZE_MAX;
static long network;		/* fstatfs(2) says that kind */

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
	if (fd > 2 && met('w'))
		return -1;
	return __real_write(fd, p, n < short_write ? n : short_write);
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

/* Which of the two is called depends on the machine. */
#define STATFS(call, type)				\
int	__real_##call(int fd, struct type *s);		\
int	__wrap_##call(int fd, struct type *s);		\
int							\
__wrap_##call(int fd, struct type *s)			\
{							\
	int r = __real_##call(fd, s);			\
							\
	if (network != 0)				\
		s->f_type = network;			\
	return r;					\
}
STATFS(fstatfs, statfs)
STATFS(fstatfs64, statfs64)

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

/* What fails is said, and nothing is put in its place that is not synced. */
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

/* The kernel may take less than it was given. */
static void
test_short_write(void **state)
{
	short_write = 3;
	assert_int_equal(replace("0123456789", '\0'), 0);
	short_write = SIZE_MAX;
	assert_string_equal(order, "wwwwscrd");
	holds("0123456789");
}

/* A file that is shorter than it was said is an error that has a name. */
static void
test_short_read(void **state)
{
	char got[8];
	int fd;

	assert_int_equal(replace("0123", '\0'), 0);
	fd = openat(dirfd_, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_pread_all(fd, got, 4, 0), 0);
	assert_memory_equal(got, "0123", 4);
	assert_int_equal(fd_pread_all(fd, got, 2, 2), 0);
	assert_memory_equal(got, "23", 2);
	errno = 0;
	assert_int_equal(fd_pread_all(fd, got, 5, 0), -1);
	assert_int_equal(errno, EIO);
	fd_close(&fd);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd_, name, &st, 0), 0);
	return st.st_mode & 07777;
}

/* What others may read keeps what the operator made of it; no secret does. */
static void
test_modes(void **state)
{
	static const struct { mode_t asked, was, is; } t[] = {
		{ 0644, 0640, 0640 }, { 0644, 0664, 0664 },
		{ 0600, 0640, 0600 }, { 0600, 0666, 0600 },
	};
	size_t i;

	assert_int_equal(fd_replace(dirfd_, "fresh", 0644, "x", 1), 0);
	assert_int_equal(mode_of("fresh"), 0644);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(fd_replace(dirfd_, "file", 0644, "x", 1), 0);
		assert_int_equal(fchmodat(dirfd_, "file", t[i].was, 0), 0);
		assert_int_equal(fd_replace(dirfd_, "file", t[i].asked, "y",
		    1), 0);
		assert_int_equal(mode_of("file"), t[i].is);
	}
}

/* A new file belongs to whom the one before, or the folder, belonged. */
static void
test_owners(void **state)
{
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(replace("x", '\0'), 0);
	assert_int_equal(fstatat(dirfd_, "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(fchownat(dirfd_, "file", 64001, 64002, 0), 0);
	assert_int_equal(replace("y", '\0'), 0);
	assert_int_equal(fstatat(dirfd_, "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 64001);
	assert_int_equal(st.st_gid, 64002);
	assert_int_equal(unlinkat(dirfd_, "file", 0), 0);
	assert_int_equal(fchown(dirfd_, 64003, 64004), 0);
	assert_int_equal(replace("z", '\0'), 0);
	assert_int_equal(fstatat(dirfd_, "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 64003);
	assert_int_equal(st.st_gid, 64004);
}

static void
test_no_file(void **state)
{
	int fd, next = dup(0);

	assert_int_not_equal(next, -1);
	close(next);
	assert_int_equal(mkdirat(dirfd_, "folder", 0700), 0);
	assert_int_equal(mkfifoat(dirfd_, "fifo", 0600), 0);
	assert_int_equal(symlinkat("file", dirfd_, "link"), 0);
	assert_int_equal(replace("x", '\0'), 0);
	assert_int_equal(fd_open_file(dirfd_, "folder", 0), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(fd_open_file(dirfd_, "fifo", 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fd_open_file(dirfd_, "none", 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd_open_file(dirfd_, "link", O_NOFOLLOW), -1);
	assert_int_equal(errno, ELOOP);
	assert_true((fd = fd_open_file(dirfd_, "file", 0)) != -1);
	/* None of them was left open. */
	assert_int_equal(fd, next);
	fd_close(&fd);
}

/* More than the buffer may hold is no half of a file. */
static void
test_slurp_bound(void **state)
{
	struct buf b = BUF_INIT(9);
	int fd;

	assert_int_equal(replace("0123456789", '\0'), 0);
	fd = openat(dirfd_, "file", O_RDONLY | O_CLOEXEC);
	errno = 0;
	assert_int_equal(fd_slurp(fd, &b), -1);
	assert_int_equal(errno, EFBIG);
	buf_clear(&b);
	buf_init(&b, 10);
	assert_int_equal(fd_slurp(fd, &b), 0);
	assert_string_equal(buf_str(&b), "0123456789");
	buf_clear(&b);
	fd_close(&fd);
}

/* The other end of a pipe, which is written to by a signal. */
static int ends[2];

static void
on_alarm(int sig)
{
	(void)!__real_write(ends[1], "late", 4);
	(void)__real_close(ends[1]);
}

/* A signal while it waits is no fault of the file. */
static void
test_interrupted(void **state)
{
	struct sigaction a = { .sa_handler = on_alarm }, old;
	struct itimerval in = { .it_value.tv_usec = 100 * 1000 };
	struct buf out = BUF_INIT(100);

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sigaction(SIGALRM, &a, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &in, NULL), 0);
	assert_int_equal(fd_read_rest(ends[0], &out), 0);
	assert_string_equal(buf_str(&out), "late");
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	(void)__real_close(ends[0]);
	buf_clear(&out);
}

static void
test_network(void **state)
{
	static const struct { long magic; const char *name; } t[] = {
		{ 0, NULL }, { 0x6969, "NFS" }, { 0x517b, "SMB" },
		{ 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB" },
		{ 0x5346414f, "AFS" }, { 0x6b414653, "AFS" },
		{ 0x73757245, "Coda" }, { 0x564c, "NCP" }, { 0xef53, NULL },
	};
	const char *name;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		network = t[i].magic;
		name = fd_network(dirfd_);
		network = 0;
		if (t[i].name == NULL)
			assert_null(name);
		else
			assert_string_equal(name, t[i].name);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_order), T(test_failures), T(test_leftover),
		T(test_short_write), T(test_short_read), T(test_modes),
		T(test_owners), T(test_no_file), T(test_slurp_bound),
		T(test_interrupted),
		T(test_network),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
