/*
 * The table on a disk that gets full, and the clock, both played: how often it
 * is looked at, and that nothing is written where there is no room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/map/bdb.h"
#include "queue/queue_table.h"

static char home[] = "/tmp/test_room.XXXXXX";
static enum bdb_room room = BDB_ROOM;
static unsigned looks;
static int64_t clock_ms = 1000000;

enum bdb_room __wrap_bdb_room(struct bdb *b);
int64_t	__wrap_clock_mono_ms(void);

enum bdb_room
__wrap_bdb_room(struct bdb *b)
{
	looks++;
	return room;
}

int64_t
__wrap_clock_mono_ms(void)
{
	return clock_ms;
}

static int
setup(void **state)
{
	struct buf why = BUF_INIT(300);

	assert_non_null(mkdtemp(home));
	if (table_open(home, &why) != 0)
		fail_msg("%s", buf_str(&why));
	return 0;
}

static int
teardown(void **state)
{
	char cmd[100];

	table_close();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd);
}

/* Once a second, or after a megabyte. */
static void
test_looks(void **state)
{
	static char text[1 << 20];

	(void)table_room();
	looks = 0;
	clock_ms += 999;
	(void)table_room();
	assert_int_equal(looks, 0);
	clock_ms++;
	(void)table_room();
	(void)table_room();
	assert_int_equal(looks, 1);
	table_begin();
	table_put(1, RECORD_ENVELOPE, 0, text, sizeof(text) - 100);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	(void)table_room();
	assert_int_equal(looks, 1);
	table_begin();
	table_put(2, RECORD_ENVELOPE, 0, text, 100);
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	(void)table_room();
	(void)table_room();
	assert_int_equal(looks, 2);
}

static int
is_there(uint64_t id)
{
	struct buf b = BUF_INIT(0);
	int r = table_get(id, RECORD_ENVELOPE, 0, &b);

	buf_clear(&b);
	return r;
}

static int
write_one(uint64_t id)
{
	clock_ms += 1000;
	table_begin();
	table_put(id, RECORD_ENVELOPE, 0, "x", 1);
	return table_commit(COMMIT_WRITTEN);
}

static int
forget_one(uint64_t id)
{
	clock_ms += 1000;
	table_begin();
	table_forget(id, 0);
	return table_commit(COMMIT_WRITTEN);
}

/* Little room is for results still; without any nothing changes. */
static void
test_none(void **state)
{
	room = BDB_LOW;
	assert_int_equal(write_one(10), 0);
	assert_int_equal(table_room(), BDB_LOW);
	room = BDB_NONE;
	assert_int_equal(write_one(11), -1);
	assert_int_equal(forget_one(10), -1);
	assert_int_equal(table_room(), BDB_NONE);
	assert_int_equal(is_there(10), 1);
	assert_int_equal(is_there(11), 0);
	room = BDB_ROOM;
	assert_int_equal(write_one(11), 0);
	assert_int_equal(forget_one(10), 0);
	assert_int_equal(is_there(10), 0);
	assert_int_equal(is_there(11), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks), cmocka_unit_test(test_none),
	};

	log_init("test_room", 0);
	return cmocka_run_group_tests_name("room", tests, setup, teardown);
}
