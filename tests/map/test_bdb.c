/*
 * The Berkeley DB environment: one owner, flushed commits outlive the process,
 * what cannot be read is set aside, what the world does to a recovery is later.
 * (Restoring from the copy: the queue's test_table.)
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/map/bdb.h"

static char home[64];
static struct bdb *env;
static DB *table;
static uint64_t reserve;	/* of the next try_open */

/*
 * The world: from call number "from" on each call of that kind fails with this
 * error, as long as the reserve is as the test wants it.
 */
enum call { NO_CALL, OPEN, WRITE, SYNC, MALLOC };
static struct {
	enum call call;
	int	 error, from, met, until_given;
} world;

static int
fails(enum call c)
{
	char path[100];

	if (world.call != c)
		return 0;
	snprintf(path, sizeof(path), "%s/reserve", home);
	if (world.until_given && access(path, F_OK) == -1)
		return 0;
	if (--world.from >= 0)
		return 0;
	world.met++;
	errno = world.error;
	return 1;
}

/* Where off_t had 32 bits once, libc has another name for the same. */
int	__real_open(const char *path, int flags, int mode);
int	__wrap_open(const char *path, int flags, int mode);
int	__wrap_open64(const char *path, int flags, int mode);
int
__wrap_open(const char *path, int flags, int mode)
{
	return fails(OPEN) ? -1 : __real_open(path, flags, mode);
}

int
__wrap_open64(const char *path, int flags, int mode)
{
	return __wrap_open(path, flags, mode);
}

ssize_t	__real_write(int fd, const void *p, size_t n);
ssize_t	__wrap_write(int fd, const void *p, size_t n);
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return fails(WRITE) ? -1 : __real_write(fd, p, n);
}

int	__real_fdatasync(int fd);
int	__wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
	return fails(SYNC) ? -1 : __real_fdatasync(fd);
}

void	*__real_malloc(size_t n);
void	*__wrap_malloc(size_t n);
void *
__wrap_malloc(size_t n)
{
	return world.call == MALLOC && fails(MALLOC) ? NULL :
	    __real_malloc(n);
}

/* What fstatfs(2) says of the home. */
static long network;
#define STATFS(name, type)				\
int	__real_##name(int fd, struct type *s);		\
int	__wrap_##name(int fd, struct type *s);		\
int							\
__wrap_##name(int fd, struct type *s)			\
{							\
	int r = __real_##name(fd, s);			\
							\
	if (r == 0 && network != 0)			\
		s->f_type = network;			\
	return r;					\
}
STATFS(fstatfs, statfs)
STATFS(fstatfs64, statfs64)

/* That file system cannot reserve blocks. */
static int no_fallocate;
int	__real_fallocate64(int fd, int mode, off_t off, off_t len);
int	__wrap_fallocate(int fd, int mode, off_t off, off_t len);
int	__wrap_fallocate64(int fd, int mode, off_t off, off_t len);
int
__wrap_fallocate(int fd, int mode, off_t off, off_t len)
{
	if (!no_fallocate)
		return __real_fallocate64(fd, mode, off, len);
	errno = EOPNOTSUPP;
	return -1;
}

int
__wrap_fallocate64(int fd, int mode, off_t off, off_t len)
{
	return __wrap_fallocate(fd, mode, off, len);
}

static int
setup(void **state)
{
	log_init("test_bdb", 1);
	memset(&world, 0, sizeof(world));
	reserve = 0;
	strcpy(home, "/tmp/bdb.XXXXXX");
	return mkdtemp(home) == NULL;
}

static int
teardown(void **state)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd);
}

/* 0, or bdb_open's errno. */
static int
try_open(void)
{
	struct bdb_conf conf = { .home = home, .cache = 1 << 20,
		.reserve = reserve };
	struct buf why = BUF_INIT(300);
	int e = 0;

	env = bdb_open(&conf, &why);
	if (env == NULL)
		e = errno;
	else if ((table = bdb_table(env, "table", &why)) == NULL)
		e = errno;
	buf_clear(&why);
	return e;
}

static void
shut(void)
{
	bdb_table_close(&table);
	assert_int_equal(bdb_close(&env), 0);
	assert_null(env);
}

static void
put(const char *key, const char *value)
{
	DBT k = { .data = (void *)(uintptr_t)key,
		.size = (u_int32_t)strlen(key) };
	DBT v = { .data = (void *)(uintptr_t)value,
		.size = (u_int32_t)strlen(value) };
	DB_TXN *t;

	assert_int_equal(bdb_env(env)->txn_begin(bdb_env(env), NULL, &t, 0), 0);
	assert_int_equal(table->put(table, t, &k, &v, 0), 0);
	assert_int_equal(t->commit(t, 0), 0);
}

static int
has(const char *key)
{
	DBT k = { .data = (void *)(uintptr_t)key,
		.size = (u_int32_t)strlen(key) };
	DBT v = { .flags = DB_DBT_MALLOC };
	int r = table->get(table, NULL, &k, &v, 0);

	free(v.data);
	return r == 0;
}

/* In a child, which ends without closing anything. Its exit status. */
static int
in_child(int (*run)(void))
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
fill(void)
{
	if (try_open() != 0)
		return 1;
	put("a", "1");
	put("b", "2");
	return bdb_flush(env) == 0 ? 0 : 2;
}

static int
held(void)
{
	return try_open() == EWOULDBLOCK ? 0 : 1;
}

static void
test_left(void **state)
{
	assert_int_equal(in_child(fill), 0);
	assert_int_equal(try_open(), 0);
	assert_true(has("a"));
	assert_true(has("b"));
	assert_false(has("c"));
	put("c", "3");
	shut();
	assert_int_equal(try_open(), 0);
	assert_true(has("c"));
	shut();
}

static void
test_one_owner(void **state)
{
	assert_int_equal(try_open(), 0);
	assert_int_equal(in_child(held), 0);
	shut();
	assert_int_equal(in_child(fill), 0);
}

static void
test_set_aside(void **state)
{
	static const char junk[] = "not what the checksum says";
	struct buf why = BUF_INIT(300);
	char name[100];
	FILE *f;

	assert_int_equal(try_open(), 0);
	put("a", "1");
	shut();
	snprintf(name, sizeof(name), "%s/table", home);
	assert_non_null(f = fopen(name, "r+"));
	assert_int_equal(fseek(f, 200, SEEK_SET), 0);
	assert_int_equal(fwrite(junk, sizeof(junk), 1, f), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(try_open(), EIO);
	if (env != NULL)
		(void)bdb_close(&env);
	assert_int_equal(bdb_set_aside(home, &why), 0);
	assert_int_equal(access(name, F_OK), -1);
	assert_int_equal(try_open(), 0);
	assert_false(has("a"));
	shut();
	buf_clear(&why);
}

static void
test_passing(void **state)
{
	assert_true(bdb_passing(ENOSPC));
	assert_true(bdb_passing(EMFILE));
	assert_true(bdb_passing(EWOULDBLOCK));
	assert_false(bdb_passing(EIO));
	assert_false(bdb_passing(EINVAL));
	assert_false(bdb_passing(DB_RUNRECOVERY));
	assert_false(bdb_passing(0));
}

/* So many that recovery has pages to make, and no checkpoint. */
static int
fill_much(void)
{
	char key[20], value[200];
	int i;

	reserve = 1 << 20;
	if (try_open() != 0)
		return 1;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(key, value);
	}
	return bdb_flush(env) == 0 ? 0 : 2;
}

/*
 * errno of an opening during which the world is like this; ENDED where that
 * was the end of the process; -1: the world was not met.
 */
enum { ENDED = 111 };

static int
open_in(enum call call, int error, int from)
{
	int status, met[2];
	char said = 0;
	pid_t pid;

	assert_int_equal(pipe(met), 0);
	if ((pid = fork()) == 0) {
		world.call = call;
		world.error = error;
		world.from = from;
		status = try_open();
		if (world.met > 0)
			_exit(status);
		said = 1;
		_exit(__real_write(met[1], &said, 1) == 1 ? status : 255);
	}
	close(met[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (read(met[0], &said, 1) == 1)
		assert_int_equal(WEXITSTATUS(status), 0);
	close(met[0]);
	return said ? -1 : WEXITSTATUS(status);
}

/*
 * Each call of recovery, from the first to the last: what fails is passing, and
 * nothing is lost by it.
 */
static void
test_world(void **state)
{
	static const struct { enum call call; int error; } worlds[] = {
		{ OPEN, EMFILE }, { OPEN, EACCES },
		{ WRITE, EDQUOT }, { WRITE, ENOSPC }, { WRITE, EIO },
		{ SYNC, EIO }, { MALLOC, ENOMEM },
	};
	size_t i;
	int e, from, failed;

	for (i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		assert_int_equal(in_child(fill_much), 0);
		failed = 0;
		for (from = 0; (e = open_in(worlds[i].call, worlds[i].error,
		    from)) != -1; from = from * 4 + 1) {
			failed += e != 0;
			if (e != 0 && e != ENDED && !bdb_passing(e))
				fail_msg("world %zu from %d: %d", i, from, e);
		}
		if (failed == 0)
			fail_msg("world %zu: nothing failed (%d)", i, from);
		reserve = 1 << 20;
		assert_int_equal(try_open(), 0);
		assert_true(has("0"));
		assert_true(has("1999"));
		shut();
	}
}

/* What the world did to one opening says nothing of the next. */
static int
broken_after_full(void)
{
	char mark[100];
	int e;

	world.call = WRITE;
	world.error = ENOSPC;
	if (!bdb_passing(e = try_open()))
		return 1;
	memset(&world, 0, sizeof(world));
	snprintf(mark, sizeof(mark), "%s/broken", home);
	close(__real_open(mark, O_WRONLY | O_CREAT, 0600));
	e = try_open();
	return e == EIO ? 0 : 2;
}

static void
test_world_of_before(void **state)
{
	assert_int_equal(in_child(fill_much), 0);
	assert_int_equal(in_child(broken_after_full), 0);
}

/* No space, but what is given up: recovery ends, and the reserve is gone. */
static void
test_reserve_recovers(void **state)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/reserve", home);
	assert_int_equal(in_child(fill_much), 0);
	assert_int_equal(access(path, F_OK), 0);
	reserve = 1 << 20;
	memset(&world, 0, sizeof(world));
	world.call = WRITE;
	world.error = ENOSPC;
	world.until_given = 1;
	assert_int_equal(try_open(), 0);
	assert_true(world.met > 0);
	world.call = NO_CALL;
	assert_true(has("0"));
	assert_true(has("1999"));
	/* There is room: it is made again. */
	assert_int_equal(bdb_room(env), BDB_ROOM);
	assert_int_equal(access(path, F_OK), 0);
	bdb_give(env);
	assert_int_equal(access(path, F_OK), -1);
	shut();
}

static void
test_reserve_is_filled(void **state)
{
	char path[100];
	struct stat st;

	snprintf(path, sizeof(path), "%s/reserve", home);
	no_fallocate = 1;
	reserve = 1 << 20;
	assert_int_equal(try_open(), 0);
	no_fallocate = 0;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1 << 20);
	assert_true(st.st_blocks * 512 >= 1 << 20);
	shut();
}

/* On a network file system nothing starts, and what lies there stays whole. */
static void
test_network(void **state)
{
	struct bdb_conf conf = { .home = home, .cache = 1 << 20 };
	struct buf why = BUF_INIT(300);

	assert_int_equal(try_open(), 0);
	put("a", "1");
	shut();
	network = 0x6969;
	assert_null(bdb_open(&conf, &why));
	assert_int_equal(errno, EPERM);
	network = 0;
	assert_non_null(strstr(buf_str(&why), " lies on NFS, which keeps no "
	    "promise of a sync or a lock: give it a local disk"));
	buf_clear(&why);
	assert_int_equal(try_open(), 0);
	assert_true(has("a"));
	shut();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_network), T(test_left), T(test_one_owner), T(test_set_aside),
		cmocka_unit_test(test_passing), T(test_world),
		T(test_world_of_before),
		T(test_reserve_recovers), T(test_reserve_is_filled),
	};

	return cmocka_run_group_tests_name("bdb", tests, NULL, NULL);
}
