/* The bodies: what is left to the mail that comes in. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "queue/queue.h"
#include "queue/queue_body.h"

static char dir[] = "/tmp/test_body.XXXXXX";
static int stocked;
static uint64_t started;	/* us */
static struct statvfs disk;
static double now;		/* 0: it is not played */

int	__wrap_fstatvfs(int fd, struct statvfs *v);
int	__wrap_fstatvfs64(int fd, struct statvfs *v);
ev_tstamp __real_ev_now(struct ev_loop *l);
ev_tstamp __wrap_ev_now(struct ev_loop *l);

int
__wrap_fstatvfs(int fd, struct statvfs *v)
{
	*v = disk;
	return 0;
}

int
__wrap_fstatvfs64(int fd, struct statvfs *v)
{
	return __wrap_fstatvfs(fd, v);
}

int64_t	__real_clock_now_us(void);
int64_t	__wrap_clock_now_us(void);
static int64_t now_us;		/* 0: it is not played */

int64_t
__wrap_clock_now_us(void)
{
	return now_us != 0 ? now_us : __real_clock_now_us();
}

ev_tstamp
__wrap_ev_now(struct ev_loop *l)
{
	return now != 0 ? now : __real_ev_now(l);
}

static void
on_stock(void)
{
	stocked++;
}

static int
setup(void **state)
{
	struct buf why = BUF_INIT(200);

	assert_non_null(mkdtemp(dir));
	queue.loop = ev_default_loop(0);
	queue.files = lane_new(queue.loop, "files");
	started = (uint64_t)clock_now_us() - 1;
	assert_int_equal(body_start(dir, 0, on_stock, &why), 0);
	return 0;
}

static int passed;

static void
pass_run(struct task *t)
{
}

static void
pass_done(struct task *t)
{
	passed = 1;
}

/* What stands in the lane is done when this is, and freed. */
static void
pass_lane(void)
{
	static struct task t = { .run = pass_run, .done = pass_done };

	lane_put(queue.files, &t);
	while (!passed)
		ev_run(queue.loop, EVRUN_ONCE);
}

static int
teardown(void **state)
{
	char cmd[100];

	pass_lane();
	lane_free(&queue.files);
	body_stop();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void
wait_for_stock(void)
{
	int before = stocked;

	while (stocked == before)
		ev_run(queue.loop, EVRUN_ONCE);
}

static unsigned
take(int (*from)(uint64_t *, int *))
{
	unsigned n = 0;
	uint64_t id;
	int fd;

	for (; from(&id, &fd) == 0; n++)
		close(fd);
	return n;
}

/* What can wait leaves the reserve, and has more made. */
static void
test_reserve(void **state)
{
	wait_for_stock();
	assert_int_equal(take(body_take_spare), BODY_BATCH - BODY_RESERVE);
	assert_int_equal(take(body_take), BODY_RESERVE);
	assert_int_equal(take(body_take_spare), 0);
	wait_for_stock();
	assert_int_equal(take(body_take_spare), BODY_BATCH - BODY_RESERVE);
	wait_for_stock();
	assert_int_equal(take(body_take_spare), BODY_BATCH);
}

static ino_t
inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	return st.st_ino;
}

/* A blank file that was written, as a message that is finished. */
static uint64_t
written(ino_t *inode_r)
{
	uint64_t id;
	int fd;

	while (body_take(&id, &fd) == -1)
		wait_for_stock();
	*inode_r = inode(fd);
	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
	return id;
}

/* Is one of the next blank files that one? */
static int
comes_again(ino_t ino)
{
	unsigned i;
	uint64_t id;
	int fd, found = 0;

	for (i = 0; i < 3 * BODY_BATCH && !found; i++) {
		while (body_take(&id, &fd) == -1)
			wait_for_stock();
		found = inode(fd) == ino;
		close(fd);
	}
	return found;
}

/* Its name goes, or is a spare one. */
static void
drop(uint64_t id)
{
	char name[QUEUE_ID_LEN + 1];
	struct stat st;

	body_drop(id);
	queue_id_text(id, name);
	while (fstatat(body_folder(), name, &st, 0) == 0 && st.st_size > 0)
		ev_run(queue.loop, EVRUN_ONCE);
}

static void
drop_aside(uint64_t id)
{
	char path[200], name[QUEUE_ID_LEN + 1];

	queue_id_text(id, name);
	snprintf(path, sizeof(path), "%s/bad/%s", dir, name);
	body_drop(id);
	while (access(path, F_OK) == 0)
		ev_run(queue.loop, EVRUN_ONCE);
}

static int
is_there(uint64_t id)
{
	char name[QUEUE_ID_LEN + 1];

	queue_id_text(id, name);
	return faccessat(body_folder(), name, F_OK, 0) == 0;
}

/* A finished file is a blank one again: no inode is made for it. */
static void
test_again(void **state)
{
	ino_t ino;
	uint64_t id = written(&ino);

	drop(id);
	assert_true(comes_again(ino));
	assert_false(is_there(id));
}

/* Not one that has another name, or that somebody could read. */
static void
test_not_again(void **state)
{
	char path[100], name[QUEUE_ID_LEN + 1], c;
	ino_t ino, linked;
	uint64_t id;
	int fd;

	id = written(&linked);
	queue_id_text(id, name);
	snprintf(path, sizeof(path), "%s/linked", dir);
	assert_int_equal(linkat(body_folder(), name, AT_FDCWD, path, 0), 0);
	drop(id);
	assert_false(comes_again(linked));
	assert_false(is_there(id));
	id = written(&ino);
	assert_true((fd = body_open(id)) != -1);
	drop(id);
	assert_false(comes_again(ino));
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 't');
	close(fd);
	assert_false(is_there(id));
}

/* Room is for a message of the largest size and its delivery, above the floor,
   and a thousand files; it is looked at once a second. */
static void
test_room(void **state)
{
	enum { BLOCK = 4096, SIZE = 10 * BLOCK };
	const fsblkcnt_t need = DISK_FLOOR / BLOCK + SIZE / BLOCK * 3 / 2;
	const struct {
		fsblkcnt_t blocks;
		fsfilcnt_t files, free;
		int room;
	} row[] = {
		{ need, 5000, 1000, 1 }, { need - 1, 5000, 1000, 0 },
		{ need + 1, 5000, 999, 0 }, { need, 0, 0, 1 },
		{ 0, 0, 0, 0 },
	};
	size_t i;

	queue.conf.message_size = SIZE;
	now = 1e6;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		disk = (struct statvfs){ .f_frsize = BLOCK,
			.f_bavail = row[i].blocks, .f_files = row[i].files,
			.f_favail = row[i].free };
		now += 1;
		assert_int_equal(body_room(), row[i].room);
		disk.f_bavail = row[i].room ? 0 : 10 * need;
		now += 0.5;
		assert_int_equal(body_room(), row[i].room);
	}
	now = 0;
}

static void
assert_where(uint64_t id, int body, int bad)
{
	char name[QUEUE_ID_LEN + 1], path[200];

	queue_id_text(id, name);
	assert_int_equal(is_there(id), body);
	snprintf(path, sizeof(path), "%s/bad/%s", dir, name);
	assert_int_equal(access(path, F_OK) == 0, bad);
}

/* Set aside and brought back; a second time it is done, and what is nowhere
   cannot be. */
static void
test_aside(void **state)
{
	ino_t ino;
	uint64_t id = written(&ino);

	assert_where(id, 1, 0);
	assert_int_equal(body_set_aside(id), 0);
	assert_where(id, 0, 1);
	assert_int_equal(body_open(id), -1);
	assert_int_equal(body_set_aside(id), 0);
	assert_where(id, 0, 1);
	assert_int_equal(body_bring_back(id), 0);
	assert_where(id, 1, 0);
	assert_int_equal(body_bring_back(id), 0);
	assert_int_equal(body_set_aside(12345), -1);
	assert_int_equal(body_bring_back(12345), -1);
	/* Dropped, it goes from wherever it is. */
	assert_int_equal(body_set_aside(id), 0);
	drop_aside(id);
	assert_where(id, 0, 0);
}

/* The last name that was given, which no later one may be below. */
static void
test_last(void **state)
{
	uint64_t id, before = body_last();
	int fd;

	while (body_take(&id, &fd) == -1)
		wait_for_stock();
	close(fd);
	assert_true(id > before);
	assert_int_equal(body_last(), id);
	assert_true(body_first() <= id && body_first() > started);
}

/* A name that is there already is passed by, and its file is as it was. */
static void
test_taken(void **state)
{
	char name[QUEUE_ID_LEN + 1], c;
	uint64_t id, first;
	unsigned i;
	int fd;

	(void)take(body_take);
	wait_for_stock();
	now_us = __real_clock_now_us() + 1000000;
	first = (uint64_t)now_us;
	for (i = 0; i < 3; i++) {
		queue_id_text(first + 2 * i, name);
		fd = openat(body_folder(), name, O_WRONLY | O_CREAT | O_EXCL,
		    0600);
		assert_true(fd != -1);
		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
	}
	(void)take(body_take);
	wait_for_stock();
	for (i = 0; i < BODY_BATCH - 3; i++) {
		assert_int_equal(body_take(&id, &fd), 0);
		assert_int_equal(id, i < 2 ? first + 2 * i + 1 : first + i +
		    3);
		close(fd);
	}
	assert_int_equal(body_take(&id, &fd), -1);
	for (i = 0; i < 3; i++) {
		assert_true((fd = body_open(first + 2 * i)) != -1);
		assert_int_equal(read(fd, &c, 1), 1);
		close(fd);
	}
	now_us = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserve), cmocka_unit_test(test_again),
		cmocka_unit_test(test_not_again), cmocka_unit_test(test_room),
		cmocka_unit_test(test_aside), cmocka_unit_test(test_last),
		cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests_name("body", tests, setup, teardown);
}
