/*
 * The Berkeley DB environment: one owner, flushed commits outlive the process,
 * what cannot be read is set aside. (Restoring from the copy: the queue's
 * test_table.)
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
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

static int
setup(void **state)
{
	log_init("test_bdb", 1);
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
	struct bdb_conf conf = { .home = home, .cache = 1 << 20 };
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_left), T(test_one_owner), T(test_set_aside),
		cmocka_unit_test(test_passing),
	};

	return cmocka_run_group_tests_name("bdb", tests, NULL, NULL);
}
