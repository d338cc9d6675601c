/*
 * The files around an environment: the copy of a table and the logs that may
 * go after it, what is brought back and from where, marks, doubt, room, and
 * disks that keep no promise.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/map/bdb_impl.h"

static char home[64];
static struct buf order = BUF_INIT(0);	/* "WHAT:NAME " for each call */
static const char *fails;		/* the call of that text */
static int watching, broken_first;

/* NAME: what of the path stands behind home. */
static int
met(const char *what, const char *path)
{
	struct buf one = BUF_INIT(0);
	size_t n = strlen(home);
	int r;

	if (!watching)
		return 0;
	buf_printf(&one, "%s:%s ", what, strncmp(path, home, n) != 0 ? path :
	    path[n] == '/' ? path + n + 1 : ".");
	buf_puts(&order, buf_str(&one));
	r = fails != NULL && strcmp(fails, buf_str(&one)) == 0;
	buf_clear(&one);
	errno = EIO;
	return r;
}

static const char *
path_of_fd(int fd)
{
	static char path[300];
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return path;
}

int	__real_fdatasync(int fd);
int	__wrap_fdatasync(int fd);
int	__real_fsync(int fd);
int	__wrap_fsync(int fd);
int	__real_rename(const char *from, const char *to);
int	__wrap_rename(const char *from, const char *to);
int	__real_unlink(const char *path);
int	__wrap_unlink(const char *path);
int	__real_posix_fadvise(int fd, off_t off, off_t len, int advice);
int	__wrap_posix_fadvise(int fd, off_t off, off_t len, int advice);
int	__wrap_posix_fadvise64(int fd, off_t off, off_t len, int advice);

int
__wrap_fdatasync(int fd)
{
	return met("data", path_of_fd(fd)) ? -1 : __real_fdatasync(fd);
}

int
__wrap_fsync(int fd)
{
	return met("dir", path_of_fd(fd)) ? -1 : __real_fsync(fd);
}

int
__wrap_rename(const char *from, const char *to)
{
	char mark[100];

	snprintf(mark, sizeof(mark), "%s/broken", home);
	if (access(mark, F_OK) == 0)
		broken_first = 1;
	return met("name", from) ? -1 : __real_rename(from, to);
}

int
__wrap_unlink(const char *path)
{
	return met("gone", path) ? -1 : __real_unlink(path);
}

int
__wrap_posix_fadvise(int fd, off_t off, off_t len, int advice)
{
	if (advice == POSIX_FADV_DONTNEED)
		(void)met("forget", path_of_fd(fd));
	return 0;
}

int
__wrap_posix_fadvise64(int fd, off_t off, off_t len, int advice)
{
	return __wrap_posix_fadvise(fd, off, len, advice);
}

static long network;
static uint64_t room;

/* Which of the two is called depends on the machine. */
#define WORLD(call, type, arg, what)			\
int	__real_##call(arg, struct type *s);		\
int	__wrap_##call(arg, struct type *s);		\
int							\
__wrap_##call(arg a, struct type *s)			\
{							\
	int r = __real_##call(a, s);			\
							\
	what;						\
	return r;					\
}
#define NETWORK	if (network != 0) s->f_type = network
#define ROOM	if (room != 0) s->f_bavail = room / s->f_frsize
WORLD(fstatfs, statfs, int, NETWORK)
WORLD(fstatfs64, statfs64, int, NETWORK)
WORLD(statvfs, statvfs, const char *, ROOM)
WORLD(statvfs64, statvfs64, const char *, ROOM)

static int
setup(void **state)
{
	log_init("test", 1);
	strcpy(home, "/tmp/bdb-files.XXXXXX");
	buf_reset(&order);
	fails = NULL;
	watching = broken_first = 0;
	return mkdtemp(home) == NULL;
}

static int
teardown(void **state)
{
	char cmd[100];

	watching = 0;
	network = 0;
	room = 0;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd);
}

static void
write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
}

static void
make_folder(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* How many files there are of that pattern. */
static unsigned
count(const char *pattern)
{
	char path[200];
	unsigned n;
	glob_t g;

	snprintf(path, sizeof(path), "%s/%s", home, pattern);
	n = glob(path, 0, NULL, &g) == 0 ? (unsigned)g.gl_pathc : 0;
	globfree(&g);
	return n;
}

static int
holds(const char *name, const char *text)
{
	char path[200], got[100] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	(void)!fgets(got, sizeof(got), f);
	fclose(f);
	return strcmp(got, text) == 0;
}

static struct bdb *
open_env(unsigned flags, struct buf *why)
{
	struct bdb_conf conf = { .home = home, .cache = 1 << 20,
		.flags = flags };

	return bdb_open(&conf, why);
}

/* So many octets of log, of one record that is written again and again. */
static void
fill_logs(struct bdb *b, DB *t, size_t octets)
{
	static char value[256 * 1024];
	DBT k = { .data = value, .size = 1 };
	DBT v = { .data = value, .size = sizeof(value) };
	DB_TXN *x;

	for (; octets > sizeof(value); octets -= sizeof(value)) {
		assert_int_equal(bdb_env(b)->txn_begin(bdb_env(b), NULL, &x,
		    0), 0);
		assert_int_equal(t->put(t, x, &k, &v, 0), 0);
		assert_int_equal(x->commit(x, 0), 0);
	}
	assert_int_equal(bdb_checkpoint(b, 1), 0);
}

/* The copy is durable under its name before the first log goes. */
static void
test_backup(void **state)
{
	static const char copied[] = "data:backup.new/table "
	    "name:backup.new/table dir:backup dir:. ";
	static const char *const failures[] = { "data:backup.new/table ",
		"name:backup.new/table ", "dir:backup ", "dir:. ", NULL };
	struct buf why = BUF_INIT(300);
	struct bdb *b = open_env(BDB_KEEP_LOGS, &why);
	const char *from;
	unsigned before;
	size_t i;
	DB *t;

	assert_non_null(b);
	assert_non_null(t = bdb_table(b, "table", &why));
	fill_logs(b, t, BDB_LOG_FILE);
	watching = 1;
	assert_int_equal(bdb_backup(b, "table"), 0);
	watching = 0;
	assert_int_equal(count("backup"), 0);	/* not worth it yet */
	fill_logs(b, t, (BDB_BACKUP_LOGS + 1) * (size_t)BDB_LOG_FILE);
	before = count("log/log.*");
	assert_true(before > BDB_BACKUP_LOGS);
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		buf_reset(&order);
		fails = failures[i];
		watching = 1;
		assert_int_equal(bdb_backup(b, "table"), fails != NULL ? -1 :
		    0);
		watching = 0;
		if (fails != NULL && count("log/log.*") != before)
			fail_msg("logs are gone after %s", fails);
	}
	assert_non_null(from = strstr(buf_str(&order), copied));
	assert_non_null(strstr(from, "gone:log/log."));
	*(char *)(uintptr_t)from = '\0';
	assert_null(strstr(buf_str(&order), "gone:log/log."));
	assert_true(count("log/log.*") < before);
	assert_int_equal(count("backup/table"), 1);
	bdb_table_close(&t);
	assert_int_equal(bdb_close(&b), 0);
	buf_clear(&why);
}

/* Until all is brought back, and durable, the next start comes here again. */
static void
test_restore(void **state)
{
	static const char *const failures[] = { "data:table ", "dir:. ", NULL };
	struct bdb b = { .home = home, .flags = BDB_KEEP_LOGS };
	size_t i;

	make_folder("backup");
	write_file("backup/table", "the copy");
	write_file("lock", "lock");
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		write_file("table", "damaged");
		buf_reset(&order);
		fails = failures[i];
		broken_first = 0;
		watching = 1;
		assert_int_equal(bdb_restore(&b), fails != NULL ? -1 : 0);
		watching = 0;
		assert_int_equal(broken_first, 1);
		assert_int_equal(count("broken"), 1);
		assert_int_equal(count("table.bad-*") > 0, 1);
		assert_true(holds("lock", "lock"));
	}
	assert_string_equal(buf_str(&order), "name:table data:table dir:. ");
	assert_true(holds("table", "the copy"));
	assert_true(holds("backup/table", "the copy"));
}

/* Once is a mishap; twice within an hour the files are broken. */
static void
test_marks(void **state)
{
	struct timeval t = { .tv_sec = 1000000 }, old[2] = { t, t };
	struct bdb b = { .home = home };
	char path[100];

	assert_int_equal(bdb_is_broken(&b), 0);
	bdb_note_broken(&b);
	assert_int_equal(bdb_is_broken(&b), 0);
	snprintf(path, sizeof(path), "%s/panic", home);
	assert_int_equal(utimes(path, old), 0);
	bdb_note_broken(&b);
	assert_int_equal(bdb_is_broken(&b), 0);
	bdb_note_broken(&b);
	assert_int_equal(bdb_is_broken(&b), 1);
	bdb_note_whole(&b);
	assert_int_equal(bdb_is_broken(&b), 0);
	bdb_note_broken(&b);
	assert_int_equal(bdb_is_broken(&b), 0);
}

/* After a failed write what is read is what the disk has. */
static void
test_doubt(void **state)
{
	struct buf why = BUF_INIT(300);
	struct bdb b = { .home = home }, *env;

	make_folder("log");
	write_file("table", "x");
	write_file("log/log.1", "x");
	watching = 1;
	bdb_settle_doubt(&b);
	assert_string_equal(buf_str(&order), "");
	bdb_note_doubt(&b);
	assert_int_equal(count("doubt"), 1);
	bdb_settle_doubt(&b);
	watching = 0;
	assert_int_equal(count("doubt"), 0);
	assert_non_null(strstr(buf_str(&order), "data:table forget:table "));
	assert_non_null(strstr(buf_str(&order), "data:log/log.1 "
	    "forget:log/log.1 "));
	/* A start settles it first. */
	assert_int_equal(unlink(strcat(strcpy((char[100]){ 0 }, home),
	    "/log/log.1")), 0);
	bdb_note_doubt(&b);
	assert_non_null(env = open_env(0, &why));
	assert_int_equal(count("doubt"), 0);
	assert_int_equal(bdb_close(&env), 0);
	buf_clear(&why);
}

/* A commit that could not be made durable: the start after it doubts. */
static void
test_failed_flush(void **state)
{
	struct buf why = BUF_INIT(300);
	struct bdb *b;
	DB_TXN *x;
	pid_t pid;
	int status;
	DB *t;

	if ((pid = fork()) == 0) {
		DBT k = { .data = home, .size = 1 };

		if ((b = open_env(0, &why)) == NULL ||
		    (t = bdb_table(b, "table", &why)) == NULL ||
		    bdb_env(b)->txn_begin(bdb_env(b), NULL, &x, 0) != 0 ||
		    t->put(t, x, &k, &k, 0) != 0 || x->commit(x, 0) != 0)
			_exit(1);
		watching = 1;
		fails = "data:log/log.0000000001 ";
		_exit(bdb_flush(b) == -1 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
	    WEXITSTATUS(status) == LOG_EXIT_TEMP));
	assert_int_equal(count("doubt"), 1);
	buf_clear(&why);
}

static void
test_network_disk(void **state)
{
	struct buf why = BUF_INIT(300);

	network = 0x6969;
	errno = 0;
	assert_null(open_env(0, &why));
	assert_int_equal(errno, EPERM);
	assert_non_null(strstr(buf_str(&why), " lies on NFS"));
	assert_int_equal(count("log/log.*"), 0);
	buf_clear(&why);
}

/* The lock is the owner's, and the reserve the disk's: both stay. */
static void
test_set_aside(void **state)
{
	struct buf why = BUF_INIT(300);

	make_folder("log");
	make_folder("bad-1");
	write_file("log/log.1", "x");
	write_file("lock", "lock");
	write_file("reserve", "reserve");
	write_file("table", "x");
	assert_int_equal(bdb_set_aside(home, &why), 0);
	assert_int_equal(count("lock"), 1);
	assert_int_equal(count("reserve"), 1);
	assert_int_equal(count("bad-1"), 1);
	assert_int_equal(count("table"), 0);
	assert_int_equal(count("log"), 0);
	assert_int_equal(count("bad-*/table"), 1);
	assert_int_equal(count("bad-*/log/log.1"), 1);
	buf_clear(&why);
}

/* Before a new one is begun the names are durable: aside first, then here. */
static void
test_set_aside_is_durable(void **state)
{
	struct buf why = BUF_INIT(300);
	const char *p;

	write_file("table", "x");
	watching = 1;
	assert_int_equal(bdb_set_aside(home, &why), 0);
	watching = 0;
	p = strstr(buf_str(&order), "dir:bad-");
	assert_non_null(p);
	assert_non_null(strstr(p, "dir:. "));
	/* Where that fails it is said. */
	write_file("table", "x");
	buf_reset(&order);
	fails = "dir:. ";
	watching = 1;
	assert_int_equal(bdb_set_aside(home, &why), -1);
	watching = 0;
	fails = NULL;
	assert_non_null(strstr(buf_str(&why), "Input/output error"));
	buf_clear(&why);
}

static void
test_room(void **state)
{
	static const struct { uint64_t room; enum bdb_room want; } t[] = {
		{ BDB_LITTLE - (1 << 20), BDB_NONE },
		{ BDB_LITTLE + (1 << 20), BDB_LOW },
		{ BDB_RESERVE + 3 * (uint64_t)BDB_LOG_FILE - (1 << 20),
		    BDB_LOW },
		{ (uint64_t)1 << 40, BDB_ROOM },
		/* It is there now. */
		{ BDB_LITTLE + (1 << 20), BDB_ROOM },
		{ BDB_LITTLE - (1 << 20), BDB_LOW },
	};
	struct bdb b = { .home = home };
	size_t i;

	room = 1;
	assert_int_equal(bdb_room(&b), BDB_ROOM);	/* it has none */
	b.reserve = BDB_RESERVE;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		room = t[i].room;
		if (bdb_room(&b) != t[i].want)
			fail_msg("row %zu", i);
		assert_int_equal(count("reserve"), i >= 3);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_backup), T(test_restore), T(test_marks), T(test_doubt),
		T(test_failed_flush), T(test_network_disk), T(test_set_aside),
		T(test_set_aside_is_durable),
		T(test_room),
	};

	return cmocka_run_group_tests_name("bdb files", tests, NULL, NULL);
}
