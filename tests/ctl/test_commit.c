/*
 * An edit of the tables is done or not done: every call of a commit fails
 * once, and is the last one of a process that is killed; afterwards the texts
 * and the compiled files say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_commit.h"
#include "lib/base/fd.h"
#include "tests/ctl/hash6.h"

/* No group of the compiled files. */
static const gid_t nobody[TABLE_CDBS] = { (gid_t)-1, (gid_t)-1, (gid_t)-1 };
static char dir[] = "/tmp/rp-test-commit-XXXXXX";
static char conf[64];

/* The calls of a commit. */
static enum { OFF, COUNT, FAIL, KILL } mode;
static int calls, at, hit;
static struct buf renamed, order;

static int
strike(void)
{
	if (mode == OFF || ++calls != at || mode == COUNT)
		return 0;
	hit = 1;
	if (mode == KILL)
		_exit(0);
	errno = ENOSPC;
	return 1;
}

/* "WHAT:NAME ", the last part of what the descriptor leads to. */
static void
note(const char *what, int fd)
{
	char link[40], path[200];
	ssize_t n;

	if (mode == OFF)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	buf_printf(&order, "%s:%s ", what, strrchr(path, '/') + 1);
}

int	__real_openat(int, const char *, int, mode_t);
int	__wrap_openat(int, const char *, int, mode_t);
int	__real_linkat(int, const char *, int, const char *, int);
int	__wrap_linkat(int, const char *, int, const char *, int);
int	__real_renameat(int, const char *, int, const char *);
int	__wrap_renameat(int, const char *, int, const char *);
int	__real_unlinkat(int, const char *, int);
int	__wrap_unlinkat(int, const char *, int);
int	__real_fdatasync(int);
int	__wrap_fdatasync(int);
int	__real_fsync(int);
int	__wrap_fsync(int);
ssize_t	__real_write(int, const void *, size_t);
ssize_t	__wrap_write(int, const void *, size_t);

int
__wrap_openat(int fd, const char *name, int flags, mode_t m)
{
	return strike() ? -1 : __real_openat(fd, name, flags, m);
}

int
__wrap_linkat(int a, const char *b, int c, const char *d, int e)
{
	return strike() ? -1 : __real_linkat(a, b, c, d, e);
}

int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	if (mode != OFF)
		buf_printf(&order, "name:%s ", to);
	if (strike())
		return -1;
	if (mode == COUNT)
		buf_printf(&renamed, "%s ", to);
	return __real_renameat(a, from, b, to);
}

int
__wrap_unlinkat(int a, const char *b, int c)
{
	if (mode != OFF && strcmp(b, ".edit") == 0)
		buf_puts(&order, "gone:.edit ");
	return strike() ? -1 : __real_unlinkat(a, b, c);
}

int
__wrap_fdatasync(int fd)
{
	note("data", fd);
	return strike() ? -1 : __real_fdatasync(fd);
}

int
__wrap_fsync(int fd)
{
	note("dir", fd);
	return strike() ? -1 : __real_fsync(fd);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return strike() ? -1 : __real_write(fd, p, n);
}

static void
open_set(struct set *s, int edit)
{
	struct buf why = BUF_INIT(0);

	if (set_open(s, ctl_tables, conf, edit, &why) == -1)
		fail_msg("%s", buf_str(&why));
	buf_clear(&why);
}

/* The edit: an account with its hash. What set_commit says. */
static int
add(const char *account, int how)
{
	struct buf why = BUF_INIT(0), line = BUF_INIT(0);
	struct set s;
	int r;

	open_set(&s, 1);
	assert_int_equal(text_add(&s.t[TEXT_USERS], account, &why), 0);
	buf_printf(&line, "%s:" HASH6, account);
	assert_int_equal(text_add(&s.t[TEXT_PASSWD], buf_str(&line), &why),
	    0);
	assert_int_equal(set_check(&s, &why, &line), 0);
	calls = hit = 0;
	mode = how;
	r = set_commit(&s, dir, nobody, &why);
	mode = OFF;
	assert_int_equal(r == -1, why.len > 0);
	set_close(&s);
	buf_clear(&why);
	buf_clear(&line);
	return r;
}

static int
says(const char *file, const char *account)
{
	struct buf path = BUF_INIT(0), b = BUF_INIT(0);
	int fd, r;

	buf_printf(&path, "%s/%s", dir, file);
	fd = open(buf_str(&path), O_RDONLY);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_slurp(fd, &b), 0);
	r = memmem(b.data, b.len, account, strlen(account)) != NULL;
	close(fd);
	buf_clear(&path);
	buf_clear(&b);
	return r;
}

/* 1: the account is there; 0: it is not; all files say the same. */
static int
is_there(const char *account)
{
	int r = says("conf/users", account);

	assert_int_equal(says("conf/passwd", account), r);
	assert_int_equal(says("auth/passwd.cdb", account), r);
	assert_int_equal(says("jail/tables.cdb", account), r);
	return r;
}

static void
no_leftovers(void)
{
	static const char *const subs[] = { "conf", "auth", "jail" };
	char path[96];
	struct dirent *e;
	DIR *d;
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, subs[i]);
		assert_non_null(d = opendir(path));
		while ((e = readdir(d)) != NULL)
			if (strstr(e->d_name, ".new") != NULL ||
			    strstr(e->d_name, ".old") != NULL ||
			    strcmp(e->d_name, ".edit") == 0)
				fail_msg("%s/%s", path, e->d_name);
		closedir(d);
	}
}

#define SYNCED	"dir:auth dir:jail dir:conf "

/* The journal goes when the names before are durable, undone or not. */
static void
is_synced_before_the_end(void)
{
	const char *p, *all = buf_str(&order);
	size_t n = strlen(SYNCED);

	for (p = all; (p = strstr(p, "gone:.edit")) != NULL; p++)
		if (p - all < (long)n || memcmp(p - n, SYNCED, n) != 0)
			fail_msg("%s", all);
}

static void
test_order(void **state)
{
	at = -1;
	buf_reset(&renamed);
	buf_reset(&order);
	assert_int_equal(add("first@example.test", COUNT), 0);
	/* The journal stands before the first name changes. */
	assert_string_equal(buf_str(&renamed),
	    ".edit passwd users passwd.cdb dkim.cdb collect.cdb tables.cdb ");
	/* All is on the disk before it, and the names before it goes. */
	assert_string_equal(buf_str(&order), "data:users.new data:passwd.new "
	    "data:passwd.cdb.new data:dkim.cdb.new data:collect.cdb.new "
	    "data:tables.cdb.new "
	    SYNCED "data:.edit.new "
	    "name:.edit dir:conf name:passwd name:users name:passwd.cdb "
	    "name:dkim.cdb name:collect.cdb name:tables.cdb " SYNCED "gone:.edit dir:conf ");
	assert_int_equal(is_there("first@example.test"), 1);
	no_leftovers();
}

static unsigned
mode_of(const char *file, gid_t *gid_r)
{
	char name[96];
	struct stat st;

	snprintf(name, sizeof(name), "%s/%s", dir, file);
	assert_int_equal(stat(name, &st), 0);
	*gid_r = st.st_gid;
	return st.st_mode & 07777;
}

/* Hashes are for auth's group alone, keys for signer's; who is whose mailbox is for all. */
static void
test_modes(void **state)
{
	struct buf why = BUF_INIT(0);
	struct set s;
	gid_t gid, ours = getegid();
	const gid_t group[TABLE_CDBS] = {
		[TABLE_AUTH] = geteuid() == 0 ? 64001 : ours,
		[TABLE_SIGN] = geteuid() == 0 ? 64002 : ours,
		[TABLE_JAIL] = (gid_t)-1 };

	open_set(&s, 1);
	assert_int_equal(set_commit(&s, dir, group, &why), 0);
	set_close(&s);
	assert_int_equal(mode_of("jail/dkim.cdb", &gid), 0640);
	assert_int_equal(gid, geteuid() == 0 ? 64002 : ours);
	assert_int_equal(mode_of("auth/passwd.cdb", &gid), 0640);
	assert_int_equal(gid, geteuid() == 0 ? 64001 : ours);
	assert_int_equal(mode_of("jail/tables.cdb", &gid), 0644);
	assert_int_equal(gid, ours);
	buf_clear(&why);
}

/* A text that cannot be read in whole is no base of an edit. */
static void
test_damaged_text(void **state)
{
	static const char *const bad[] = { "no address", "a@b.test a@c.test",
		NULL };
	static char line[TEXT_LINE_MAX + 2];
	struct buf why = BUF_INIT(0);
	char name[96];
	struct set s;
	size_t i;
	int fd;

	memset(line, 'x', sizeof(line) - 1);
	snprintf(name, sizeof(name), "%s/aliases", conf);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dprintf(fd, "%s\n", bad[i] != NULL ? bad[i] : line);
		close(fd);
		assert_int_equal(set_open(&s, ctl_tables, conf, 0, &why), -1);
		assert_non_null(strstr(buf_str(&why), "/aliases:1: "));
		if (bad[i] == NULL)
			assert_non_null(strstr(buf_str(&why), "longer than"));
	}
	assert_int_equal(unlink(name), 0);
	buf_clear(&why);
}

static void
test_every_call_fails(void **state)
{
	char name[40];
	int r, done = 0;

	for (at = 1; ; at++) {
		snprintf(name, sizeof(name), "fail%d@example.test", at);
		buf_reset(&order);
		r = add(name, FAIL);
		is_synced_before_the_end();
		assert_false(faccessat(AT_FDCWD, conf, F_OK, 0));
		assert_int_equal(is_there(name), r == 0);
		if (!hit)
			break;
		done += r == 0;
	}
	/* It was struck, and only where nothing depends on it went on. */
	assert_true(at > 20);
	assert_true(done > 0 && done < at / 2);
	no_leftovers();
}

static void
test_every_call_is_the_last(void **state)
{
	char name[40];
	struct set s;
	pid_t pid;
	int status, done = 0, undone = 0;

	for (at = 1; ; at++) {
		snprintf(name, sizeof(name), "kill%d@example.test", at);
		if ((pid = fork()) == 0) {
			(void)add(name, KILL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* Whoever reads the tables next finds them whole. */
		open_set(&s, 0);
		assert_int_equal(text_find(&s.t[TEXT_USERS], name) != NULL,
		    is_there(name));
		assert_int_equal(s.lock, -1);
		set_close(&s);
		if (status != 0)
			break;
		done += is_there(name);
		undone += !is_there(name);
	}
	assert_int_equal(is_there(name), 1);
	assert_true(done > 0 && undone > 20);
	assert_int_equal(add("last@example.test", OFF), 0);
	no_leftovers();
}

/* Killed when users has its new name already. */
static void
broken_off(const char *account, struct stat *journal, const char *users)
{
	char path[96];
	struct stat was, st;
	pid_t pid;
	int status;

	assert_int_equal(stat(users, &was), 0);
	for (at = 1; ; at++) {
		if ((pid = fork()) == 0) {
			(void)add(account, KILL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		snprintf(path, sizeof(path), "%s/.edit", conf);
		if (stat(path, journal) == 0 && stat(users, &st) == 0 &&
		    st.st_ino != was.st_ino)
			return;
	}
}

/* What somebody wrote by hand after an edit broke off is not undone. */
static void
test_edited_by_hand_since(void **state)
{
	struct buf why = BUF_INIT(0);
	struct timespec later[2];
	char users[96], path[96];
	struct stat journal, st;
	struct set s;
	FILE *f;

	snprintf(users, sizeof(users), "%s/users", conf);
	broken_off("broken@example.test", &journal, users);
	assert_non_null(f = fopen(users, "a"));
	fputs("hand@example.test\n", f);
	fclose(f);
	later[0] = later[1] = journal.st_mtim;
	later[0].tv_sec = ++later[1].tv_sec;
	assert_int_equal(utimensat(AT_FDCWD, users, later, 0), 0);
	assert_int_equal(stat(users, &st), 0);
	assert_int_equal(set_open(&s, ctl_tables, conf, 1, &why), -1);
	assert_non_null(strstr(buf_str(&why), "users was changed since"));
	assert_int_equal(stat(users, &journal), 0);
	assert_int_equal(journal.st_ino, st.st_ino);
	/* The words say what to do. */
	snprintf(path, sizeof(path), "%s/.edit", conf);
	assert_int_equal(unlink(path), 0);
	open_set(&s, 1);
	assert_non_null(text_find(&s.t[TEXT_USERS], "hand@example.test"));
	set_close(&s);
	assert_int_equal(add("after@example.test", OFF), 0);
	no_leftovers();
	buf_clear(&why);
}

/* The first edit of all: there is nothing that could come back. */
static void
test_undone_where_nothing_was(void **state)
{
	static const char *const files[] = { "conf/users", "conf/passwd",
		"auth/passwd.cdb", "jail/tables.cdb" };
	char path[96];
	unsigned i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	for (at = 1; add("only@example.test", FAIL) == -1; at++)
		for (i = 0; i < 4; i++) {
			snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
			assert_int_equal(access(path, F_OK), -1);
		}
	assert_int_equal(is_there("only@example.test"), 1);
}

static void
second(int tell)
{
	struct set s;
	int r;

	(void)!write(tell, "b", 1);
	open_set(&s, 1);
	r = text_find(&s.t[TEXT_USERS], "held@example.test") != NULL;
	set_close(&s);
	(void)!write(tell, r ? "y" : "n", 1);
	_exit(0);
}

/* A second edit waits for the first, and then reads what that one wrote. */
static void
test_lock(void **state)
{
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0);
	struct pollfd p;
	struct set s;
	int fd[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	open_set(&s, 1);
	if ((pid = fork()) == 0) {
		fd_close(&s.lock);
		second(fd[1]);
	}
	assert_int_equal(read(fd[0], &c, 1), 1);
	p = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 300), 0);
	assert_int_equal(text_add(&s.t[TEXT_USERS], "held@example.test",
	    &why), 0);
	assert_int_equal(set_commit(&s, dir, nobody, &why), 0);
	set_close(&s);
	assert_int_equal(read(fd[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd[0]);
	close(fd[1]);
	buf_clear(&why);
	buf_clear(&warn);
}

static int
setup(void **state)
{
	static const char *const subs[] = { "conf", "auth", "jail" };
	char path[96];
	FILE *f;
	int i;

	if (mkdtemp(dir) == NULL)
		return -1;
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, subs[i]);
		if (mkdir(path, 0700) == -1)
			return -1;
	}
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	snprintf(path, sizeof(path), "%s/domains", conf);
	if ((f = fopen(path, "w")) == NULL)
		return -1;
	fputs("example.test\n", f);
	fclose(f);
	return add("zero@example.test", OFF);
}

static int
teardown(void **state)
{
	char command[96];

	buf_clear(&renamed);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_damaged_text),
		cmocka_unit_test(test_every_call_fails),
		cmocka_unit_test(test_every_call_is_the_last),
		cmocka_unit_test(test_edited_by_hand_since),
		cmocka_unit_test(test_undone_where_nothing_was),
		cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
