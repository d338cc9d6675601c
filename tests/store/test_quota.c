/* Who is full is published, whatever stood in the way at first. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <errno.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/map/map.h"
#include "tests/store/rig.h"

#define BERT "bert@example.test"
#define FULL "jail/state/full.cdb"

enum { TRIES = 600 };		/* tenths of a second */

static struct rig rig;

/*
 * Shared with the child: the helper that waits for the disk is held there; was
 * full.cdb synced? With no_bodies no body can be.
 */
static struct {
	atomic_int hold, held, synced, no_bodies;
	int	 no_tables;
} *seen;

int	__real_body_wants(void);
int	__wrap_body_wants(void);
int
__wrap_body_wants(void)
{
	return atomic_load(&seen->hold) || __real_body_wants();
}

void	__real_body_prepare(void);
void	__wrap_body_prepare(void);
void
__wrap_body_prepare(void)
{
	if (atomic_load(&seen->hold))
		atomic_store(&seen->held, 1);
	while (atomic_load(&seen->hold))
		usleep(1000);
	__real_body_prepare();
}

int	__real_fd_sync(int fd);
int	__wrap_fd_sync(int fd);
int
__wrap_fd_sync(int fd)
{
	char link[64], name[400];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	if (strstr(name, FULL) != NULL)
		atomic_store(&seen->synced, 1);
	if (strstr(name, "/bert/1/") != NULL && atomic_load(&seen->no_bodies)) {
		errno = EIO;
		return -1;
	}
	return __real_fd_sync(fd);
}

/* The child's log goes to a file. */
static void
to_file(void)
{
	int fd = open(rig_path(&rig, "log"), O_WRONLY | O_CREAT | O_APPEND,
	    0600);

	dup2(fd, 2);
	close(fd);
}

static int
setup(void **state)
{
	rig_init(&rig);
	rig.quota_count = 2;
	rig.in_child = to_file;
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static unsigned
lines_with(const char *words)
{
	struct buf text = BUF_INIT(64 << 20);
	int fd = open(rig_path(&rig, "log"), O_RDONLY);
	unsigned n = 0;
	const char *p;

	if (fd != -1)
		assert_int_equal(fd_slurp(fd, &text), 0);
	fd_close(&fd);
	for (p = strstr(buf_str(&text), words); p != NULL;
	    p = strstr(p + 1, words))
		n++;
	buf_clear(&text);
	return n;
}

static int
is_published(void)
{
	struct buf why = BUF_INIT(300);
	struct map *m = map_cdb_open(rig_path(&rig, FULL), 1, &why);
	const char *p;
	size_t len;
	int r = m != NULL && map_find(m, BERT, strlen(BERT), &p, &len) ==
	    MAP_FOUND;

	map_free(&m);
	buf_clear(&why);
	return r;
}

static void
wait_line(const char *words)
{
	int i;

	for (i = 0; i < TRIES && lines_with(words) == 0; i++)
		usleep(100000);
	assert_int_not_equal(lines_with(words), 0);
}

static void
fill(void)
{
	char id[17];
	int i;

	for (i = 0; i < 2; i++) {
		rig_file(&rig, "0123456789", id);
		assert_int_equal(rig_deliver(&rig, id, BERT, NULL),
		    RESULT_DELIVERED);
	}
}

/* What stands at full.cdb.new is taken away in the end. */
static void
publish_later(int (*take_away)(const char *))
{
	int i;

	rig_start(&rig);
	wait_line(FULL ": ");
	fill();
	sleep(3);
	assert_int_equal(lines_with(FULL ": "), 1);
	assert_false(is_published());
	assert_int_equal(take_away(rig_path(&rig, FULL ".new")), 0);
	for (i = 0; i < TRIES && !is_published(); i++)
		usleep(100000);
	assert_true(is_published());
	wait_line("written again");
	assert_int_equal(rig_stop(&rig), 0);
}

/* Who has made room while the tables could not be read is told so later. */
static void
test_no_tables(void **state)
{
	uint32_t uids[] = { 1, 2 }, *gone;
	uint64_t modseq;
	size_t n;
	int i;

	rig.no_tables = &seen->no_tables;
	rig_start(&rig);
	fill();
	for (i = 0; i < TRIES && !is_published(); i++)
		usleep(100000);
	assert_true(is_published());
	__atomic_store_n(&seen->no_tables, 1, __ATOMIC_RELAXED);
	/* What was read is believed for three seconds. */
	usleep(3200000);
	assert_int_equal(door_expunge(&rig.imap[2], 1, uids, 2, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 2);
	free(gone);
	assert_true(is_published());
	__atomic_store_n(&seen->no_tables, 0, __ATOMIC_RELAXED);
	for (i = 0; i < TRIES && is_published(); i++)
		usleep(100000);
	assert_false(is_published());
	assert_int_equal(rig_stop(&rig), 0);
}

/* It cannot be opened. */
static void
test_no_open(void **state)
{
	assert_int_equal(mkdir(rig_path(&rig, FULL ".new"), 0700), 0);
	publish_later(rmdir);
}

/* It can, but what is written does not get there. */
static void
test_no_write(void **state)
{
	assert_int_equal(mkfifo(rig_path(&rig, FULL ".new"), 0600), 0);
	publish_later(unlink);
}

/*
 * What counts is what the mailboxes hold, whatever brought it there or took it
 * away.
 */

static int
add(uint32_t mailbox)
{
	struct door *d = &rig.imap[2];
	char name[DOOR_FILE_NAME + 1];
	char path[100];
	uint32_t uid, validity;
	int fd, r;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	r = door_append(d, mailbox, name, 1, crc32c(0, "x", 1), 1, 0, NULL,
	    1700000000, NULL, 0, &uid, &validity);
	/* Taken or not, the name of the fresh file has gone. */
	snprintf(path, sizeof(path), "spool/mail/.new/%s", name);
	assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
	return r;
}

/* So many more have room. */
static void
assert_room(uint32_t mailbox, unsigned n)
{
	while (n-- > 0)
		assert_int_equal(add(mailbox), 0);
	assert_int_equal(add(mailbox), -1);
	assert_int_equal(door_error(&rig.imap[2]), D_QUOTA);
}

static void
assert_usage(uint64_t count)
{
	uint64_t size, size_max, n, n_max;

	assert_int_equal(door_quota(&rig.imap[2], &size, &size_max, &n,
	    &n_max), 0);
	assert_int_equal(n, count);
	assert_int_equal(size, count);
}

static void
wait_published(int want)
{
	int i;

	for (i = 0; i < TRIES && is_published() != want; i++)
		usleep(100000);
	assert_int_equal(is_published(), want);
}

static void
deliver_one(void)
{
	char id[17];

	rig_file(&rig, "x", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, NULL),
	    RESULT_DELIVERED);
}

/* By whichever change an account gets full, or is so no more. */
static void
test_published_by_each_change(void **state)
{
	struct door *d = &rig.imap[2];
	uint32_t uid = 1, *from, *to, *gone, validity;
	struct door_mailbox m;
	uint64_t modseq;
	size_t n;

	rig_start(&rig);
	assert_int_equal(door_create(d, "x", 0, &m), 0);
	assert_int_equal(add(1), 0);
	assert_int_equal(add(1), 0);
	wait_published(1);
	assert_int_equal(door_expunge(d, 1, &uid, 1, 1, &gone, &n, &modseq),
	    0);
	free(gone);
	wait_published(0);
	uid = 2;
	assert_int_equal(door_copy(d, 1, m.id, &uid, 1, 0, &from, &to, &n,
	    &validity), 0);
	free(from);
	free(to);
	wait_published(1);
	assert_int_equal(door_delete(d, m.id), 0);
	wait_published(0);
	deliver_one();
	wait_published(1);
	assert_int_equal(rig_stop(&rig), 0);
}

/* A message that cannot be made durable is none: no row, no file, no room. */
static void
test_body_not_durable(void **state)
{
	char path[100];
	int uid;

	rig_start(&rig);
	atomic_store(&seen->no_bodies, 1);
	for (uid = 1; uid <= 3; uid++) {
		assert_int_equal(add(1), -1);
		assert_int_equal(door_error(&rig.imap[2]), D_LATER);
		snprintf(path, sizeof(path), "spool/mail/example.test/bert/"
		    "1/%d", uid);
		assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
	}
	assert_usage(0);
	atomic_store(&seen->no_bodies, 0);
	assert_room(1, 2);
	assert_int_equal(rig_stop(&rig), 0);
}

static void
test_sum(void **state)
{
	struct door *d = &rig.imap[2];
	uint32_t uids[] = { 1, 2 }, *from, *to, *gone, validity;
	struct door_mailbox m;
	uint64_t modseq;
	size_t n;

	rig.quota_count = 6;
	rig_start(&rig);
	assert_int_equal(door_create(d, "x", 0, &m), 0);
	assert_int_equal(add(1), 0);
	assert_int_equal(add(1), 0);
	assert_int_equal(door_copy(d, 1, m.id, uids, 2, 0, &from, &to, &n,
	    &validity), 0);
	free(from);
	free(to);
	assert_usage(4);
	/* A MOVE adds nothing. */
	assert_int_equal(door_copy(d, 1, m.id, uids, 1, DOOR_MOVE, &from, &to,
	    &n, &validity), 0);
	assert_int_equal(n, 1);
	free(from);
	free(to);
	assert_usage(4);
	assert_room(1, 2);
	assert_int_equal(door_expunge(d, 1, uids + 1, 1, 1, &gone, &n,
	    &modseq), 0);
	free(gone);
	assert_usage(5);
	assert_room(1, 1);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	assert_usage(6);
	assert_int_equal(door_delete(d, m.id), 0);
	assert_usage(3);
	assert_room(1, 3);
	assert_int_equal(rig_stop(&rig), 0);
}

/* Nor does it wait for the disk, or for a helper that does. */
static void
test_busy_disk(void **state)
{
	char id[17];
	int i;

	rig.quota_count = 1;
	rig_start(&rig);
	/* It serves: the files of the start are made. */
	assert_int_not_equal(rig_mailbox(&rig, &rig.imap[2], "INBOX"), 0);
	atomic_store(&seen->hold, 1);
	for (i = 0; i < TRIES && !atomic_load(&seen->held); i++)
		usleep(100000);
	assert_true(atomic_load(&seen->held));
	rig_file(&rig, "one", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, NULL), RESULT_DELIVERED);
	for (i = 0; i < TRIES && !is_published(); i++)
		usleep(100000);
	assert_true(is_published());
	atomic_store(&seen->hold, 0);
	assert_false(atomic_load(&seen->synced));
	assert_int_equal(rig_stop(&rig), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_busy_disk, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_write, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_published_by_each_change,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_not_durable, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_sum, setup, teardown),
	};

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen != MAP_FAILED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
