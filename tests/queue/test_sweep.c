/*
 * The sweeper, with its lane and the clock of names played: which files go,
 * which stay, and which records have lost theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "queue/queue.h"
#include "queue/queue_body.h"
#include "queue/queue_sweep.h"

enum { FIRST = 1000, TEXT = 1, OLD = 2, FOLDER = 4 };

static char dir[] = "/tmp/test_sweep.XXXXXX";
static int folder = -1, unreadable;
static struct task *in_lane;
static unsigned lanes, n_missing;
static uint64_t missing[10];

int	__wrap_body_folder(void);
int
__wrap_body_folder(void)
{
	return folder;
}

uint64_t __wrap_body_first(void);
uint64_t
__wrap_body_first(void)
{
	return FIRST;
}

int	__wrap_body_open(uint64_t id);
int
__wrap_body_open(uint64_t id)
{
	char name[17];

	errno = unreadable;
	queue_id_text(id, name);
	return unreadable != 0 ? -1 : openat(folder, name, O_RDONLY);
}

void	__wrap_lane_put(struct lane *l, struct task *t);
void
__wrap_lane_put(struct lane *l, struct task *t)
{
	in_lane = t;
	lanes++;
}

static void
on_missing(uint64_t id)
{
	assert_true(n_missing < 10);
	missing[n_missing++] = id;
}

static int
setup(void **state)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(folder != -1);
	sched_init(&queue.sched);
	lanes = n_missing = 0;
	unreadable = 0;
	return 0;
}

static int
teardown(void **state)
{
	char cmd[100];

	close(folder);
	sched_clear(&queue.sched);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void
put(const char *name, int what)
{
	const struct timespec old[2] = { { .tv_sec = time(NULL) - BODY_KEEP },
		{ .tv_sec = time(NULL) - BODY_KEEP } };
	int fd;

	if (what & FOLDER) {
		assert_int_equal(mkdirat(folder, name, 0700), 0);
		return;
	}
	fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	if (what & TEXT)
		assert_int_equal(write(fd, "x", 1), 1);
	if (what & OLD)
		assert_int_equal(futimens(fd, old), 0);
	close(fd);
}

static void
put_id(uint64_t id, int what)
{
	char name[17];

	queue_id_text(id, name);
	put(name, what);
}

static int
is_there(uint64_t id)
{
	char name[17];

	queue_id_text(id, name);
	return faccessat(folder, name, F_OK, 0) == 0;
}

static struct entry *
record(uint64_t id, enum entry_state state)
{
	struct entry *e = sched_add(&queue.sched, id);

	sched_set(&queue.sched, e, state);
	return e;
}

/* The next step of the lane. */
static void
step(void)
{
	struct task *t = in_lane;

	assert_non_null(t);
	in_lane = NULL;
	t->run(t);
	t->done(t);
}

static void
sweep(void)
{
	sweep_start(on_missing);
	step();
	step();
	assert_null(in_lane);
}

/* Blank, or old, and without a record: nothing else goes. */
static void
test_files(void **state)
{
	put_id(1, 0);
	put_id(2, TEXT);
	put_id(3, TEXT | OLD);
	put_id(4, OLD);
	put_id(5, FOLDER);
	put_id(6, 0);
	put_id(7, TEXT | OLD);
	put_id(8, OLD);
	record(6, ENTRY_WAITING);
	record(7, ENTRY_ACTIVE);
	record(8, ENTRY_HELD);
	/* Of this run: their records may come. */
	put_id(FIRST, OLD);
	put_id(FIRST + 1, TEXT | OLD);
	put_id(FIRST - 1, 0);
	/* No name of ours. */
	put("README", OLD);
	put("00000000000000zz", OLD);
	sweep();
	assert_false(is_there(1));
	assert_true(is_there(2));
	assert_false(is_there(3));
	assert_false(is_there(4));
	assert_true(is_there(5));
	assert_true(is_there(6));
	assert_true(is_there(7));
	assert_true(is_there(8));
	assert_true(is_there(FIRST));
	assert_true(is_there(FIRST + 1));
	assert_false(is_there(FIRST - 1));
	assert_int_equal(faccessat(folder, "README", F_OK, 0), 0);
	assert_int_equal(faccessat(folder, "00000000000000zz", F_OK, 0), 0);
	assert_int_equal(n_missing, 0);
}

/* Records of an earlier run whose file is not there, at every look. */
static void
test_records(void **state)
{
	struct entry *e;
	int i;

	put_id(1, TEXT);
	e = record(1, ENTRY_WAITING);
	record(2, ENTRY_ASIDE);
	record(3, ENTRY_ACTIVE);
	record(FIRST, ENTRY_WAITING);
	for (i = 0; i < 2; i++) {
		sweep();
		assert_int_equal(n_missing, 0);
		assert_int_equal(e->mark, 0);
	}
	record(4, ENTRY_HELD);
	record(5, ENTRY_WAITING);
	record(FIRST - 1, ENTRY_READY);
	sweep();
	assert_int_equal(n_missing, 3);
	assert_int_equal(missing[0] + missing[1] + missing[2],
	    4 + 5 + FIRST - 1);
	/* Where it cannot be opened it may be there. */
	n_missing = 0;
	unreadable = EMFILE;
	sweep();
	assert_int_equal(n_missing, 0);
}

/* A file that is given while the folder was read is no missing one. */
static void
test_comes_meanwhile(void **state)
{
	sweep_start(on_missing);
	record(9, ENTRY_WAITING);
	in_lane->run(in_lane);
	put_id(9, TEXT);
	in_lane->done(in_lane);
	assert_int_equal(n_missing, 0);
	step();
	assert_true(is_there(9));
}

/* One at a time, and more names than there was room for. */
static void
test_many(void **state)
{
	uint64_t id;

	for (id = 1; id < 600; id++)
		put_id(id, 0);
	record(300, ENTRY_WAITING);
	sweep_start(on_missing);
	sweep_start(on_missing);
	assert_int_equal(lanes, 1);
	step();
	sweep_start(on_missing);
	assert_int_equal(lanes, 2);
	step();
	for (id = 1; id < 600; id++)
		assert_int_equal(is_there(id), id == 300);
	sweep();
	assert_int_equal(lanes, 4);
}

#define TS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TS(test_files), TS(test_records), TS(test_comes_meanwhile),
		TS(test_many),
	};

	log_init("test_sweep", 0);
	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
