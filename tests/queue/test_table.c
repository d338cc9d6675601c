/*
 * The table: transactions, walks, and that not even a ruined file loses a
 * record: copy and logs bring it back.
 */
#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/map/bdb.h"
#include "queue/queue_table.h"

static char home[64];

static int
setup(void **state)
{
	log_init("test_table", 1);
	strcpy(home, "/tmp/table.XXXXXX");
	return mkdtemp(home) == NULL;
}

static int
teardown(void **state)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd);
}

static void
open_table(void)
{
	struct buf why = BUF_INIT(300);

	if (table_open(home, &why) != 0)
		fail_msg("%s", buf_str(&why));
	buf_clear(&why);
}

static void
put(uint64_t id, size_t len)
{
	static char text[100000];

	memset(text, 'a' + (int)(id % 26), len);
	table_put(id, RECORD_ENVELOPE, 0, text, len);
}

static int
count_each(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len, void *arg)
{
	unsigned *n = arg;

	if (id == 0)		/* of the table itself */
		return 0;
	if (len > 0 && ((const char *)p)[len - 1] != 'a' + (int)(id % 26))
		return 9;
	(*n)++;
	return 0;
}

static unsigned
count(void)
{
	unsigned n = 0;

	assert_int_equal(table_walk(0, count_each, &n), 0);
	return n;
}

static void
test_walk(void **state)
{
	struct buf out = BUF_INIT(0);
	unsigned n = 0;
	uint64_t id;

	open_table();
	table_begin();
	for (id = 1; id <= 500; id++)
		put(id * 7, id % 100 == 0 ? 90000 : 200);
	table_put(70, RECORD_RESULT, 1, "s", 1);
	table_put(70, RECORD_RESULT, 300, "s", 1);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	assert_int_equal(count(), 502);
	assert_int_equal(table_get(7, RECORD_ENVELOPE, 0, &out), 1);
	assert_int_equal(out.len, 200);
	assert_int_equal(table_get(8, RECORD_ENVELOPE, 0, &out), 0);
	assert_int_equal(table_message(3497, count_each, &n), 0);
	assert_int_equal(n, 1);
	table_begin();
	table_forget(70, 1);
	table_forget(77, 0);
	table_forget(12345, 1);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	assert_int_equal(count(), 498);
	table_close();
	open_table();
	assert_int_equal(count(), 498);
	table_close();
	buf_clear(&out);
}

/* The table as Berkeley DB has it, without the rules of queue_table. */
static void
raw(void (*change)(DB *t, DBT *key, DBT *value), uint32_t format)
{
	unsigned char format_key[9] = { [8] = RECORD_FORMAT };
	struct bdb_conf conf = { .home = home, .cache = 1 << 20,
		.flags = BDB_KEEP_LOGS };
	struct buf why = BUF_INIT(300);
	DBT key = { .data = format_key, .size = sizeof(format_key) };
	DBT value = { .data = &format, .size = sizeof(format),
		.ulen = sizeof(format), .flags = DB_DBT_USERMEM };
	struct bdb *env;
	DB *t;

	format = htole32(format);
	assert_non_null(env = bdb_open(&conf, &why));
	assert_non_null(t = bdb_table(env, "queue", &why));
	change(t, &key, &value);
	bdb_table_close(&t);
	bdb_close(&env);
}

static void
raw_set(DB *t, DBT *key, DBT *value)
{
	assert_int_equal(t->put(t, NULL, key, value, DB_AUTO_COMMIT), 0);
}

static void
raw_drop(DB *t, DBT *key, DBT *value)
{
	assert_int_equal(t->del(t, NULL, key, DB_AUTO_COMMIT), 0);
}

static void
raw_none(DB *t, DBT *key, DBT *value)
{
	assert_int_equal(t->get(t, NULL, key, value, 0), DB_NOTFOUND);
}

static void
raw_same(DB *t, DBT *key, DBT *value)
{
	uint32_t was;

	memcpy(&was, value->data, sizeof(was));
	assert_int_equal(t->get(t, NULL, key, value, 0), 0);
	assert_int_equal(value->size, sizeof(was));
	assert_memory_equal(value->data, &was, sizeof(was));
}

static void
test_format(void **state)
{
	struct buf why = BUF_INIT(300);

	open_table();
	table_begin();
	put(7, 200);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	table_close();
	raw(raw_same, TABLE_FORMAT);
	/* The first format said nothing of itself. */
	raw(raw_drop, 0);
	open_table();
	assert_int_equal(count(), 1);
	table_close();
	raw(raw_none, 0);
	/* What is written first says whose it is from then on. */
	open_table();
	table_begin();
	table_forget(7, 0);
	put(8, 200);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	table_close();
	raw(raw_same, TABLE_FORMAT);
	raw(raw_set, TABLE_FORMAT + 1);
	assert_int_equal(table_open(home, &why), -2);
	assert_string_equal(buf_str(&why), "the queue table has format 3, of a "
	    "newer version; this one knows 2 at most");
	raw(raw_same, TABLE_FORMAT + 1);
	raw(raw_set, TABLE_FORMAT);
	open_table();
	assert_int_equal(count(), 1);
	table_close();
	buf_clear(&why);
}

/* Runs in a child, which is killed at its end. */
static int
in_child(void (*run)(void))
{
	int status;

	if (fork() == 0) {
		run();
		_exit(0);
	}
	wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
fill(void)
{
	uint64_t id;

	open_table();
	for (id = 1; id <= 4000; id++) {
		table_begin();
		/* Much comes and goes, some stays. */
		put(id, 12000);
		if (table_commit(COMMIT_WRITTEN) == -1)
			_exit(1);
		if (id % 10 != 0) {
			table_begin();
			table_forget(id, 0);
			if (table_commit(COMMIT_WRITTEN) == -1)
				_exit(1);
		}
		if (id % 100 == 0)
			table_checkpoint();
	}
	if (table_flush() == -1)
		_exit(1);
}

static void
walk(void)
{
	open_table();
	_exit(count() == 400 ? 0 : 1);
}

static size_t
logs(void)
{
	char cmd[100];
	unsigned long n;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ls %s/log | wc -l", home);
	assert_non_null(f = popen(cmd, "r"));
	assert_int_equal(fscanf(f, "%lu", &n), 1);
	pclose(f);
	return n;
}

static void
ruin(void)
{
	static char junk[8192];
	char path[100];
	struct stat st;
	off_t at;
	int fd;

	memset(junk, 0x5a, sizeof(junk));
	snprintf(path, sizeof(path), "%s/queue", home);
	assert_int_equal(stat(path, &st), 0);
	fd = open(path, O_WRONLY);
	for (at = 8192; at + 8192 < st.st_size; at += 65536)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), 8192);
	close(fd);
}

static void
test_ruined(void **state)
{
	int i, r = -1;

	assert_int_equal(in_child(fill), 0);
	/* About 50 MB of log were written; most of it is given up again. */
	assert_true(logs() <= 6);
	assert_int_equal(in_child(walk), 0);
	ruin();
	/* It may break twice before the copy is taken. */
	for (i = 0; i < 3 && r != 0; i++)
		r = in_child(walk);
	assert_int_equal(r, 0);
	assert_int_equal(in_child(walk), 0);
}

/* The copy that there is, or 0; the number of the newest log file. */
static ino_t
copy(void)
{
	char path[100];
	struct stat st;

	snprintf(path, sizeof(path), "%s/backup/queue", home);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int
last_log(void)
{
	char path[100];
	struct dirent *d;
	int n, last = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/log", home);
	assert_non_null(dir = opendir(path));
	while ((d = readdir(dir)) != NULL)
		if (sscanf(d->d_name, "log.%d", &n) == 1 && n > last)
			last = n;
	closedir(dir);
	return last;
}

enum { LARGE = 4500 };	/* records of 12,000 octets: 54 MB, 6 log files */

static void
churn(void)
{
	static uint64_t id;

	table_begin();
	put(++id % LARGE + 1, 12000);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	if (id % 50 == 0)
		table_checkpoint();
}

/* A large table is not copied for a little log. */
static void
test_copies(void **state)
{
	ino_t last;
	int i, log;

	open_table();
	for (i = 0; i < LARGE; i++)
		churn();
	for (last = copy(); copy() == last;)
		churn();
	last = copy();
	log = last_log();
	while (last_log() < log + 5)
		churn();
	assert_int_equal(copy(), last);
	while (last_log() < log + 10)
		churn();
	assert_int_not_equal(copy(), last);
	table_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ruined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
