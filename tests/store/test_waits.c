/*
 * An APPEND waits twice for the disk: for message and folder side by side, then
 * for the index. None of its rows is committed before the first two are durable.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "store/engine.h"
#include "tests/store/rig.h"

enum { TRIES = 30000 };		/* milliseconds */

/* Between the test and its store. */
static struct shared {
	atomic_int armed, fails;
	atomic_int message_began, message_ended, folder_began, folder_ended;
	atomic_int alone;		/* one did not wait beside the other */
	atomic_int early;		/* rows before both were durable */
} *shared;

static struct rig rig;

int	__real_fsync(int fd);
int	__wrap_fsync(int fd);
int	__real_fdatasync(int fd);
int	__wrap_fdatasync(int fd);
uint64_t __real_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);

/* One waits until the other has begun. */
static void
meet(atomic_int *mine, atomic_int *other)
{
	int i;

	atomic_store(mine, 1);
	for (i = 0; i < TRIES && !atomic_load(other); i++)
		usleep(1000);
	if (i == TRIES)
		atomic_store(&shared->alone, 1);
}

int
__wrap_fdatasync(int fd)
{
	int r;

	if (atomic_load(&shared->fails)) {
		errno = EIO;
		return -1;
	}
	if (!atomic_load(&shared->armed))
		return __real_fdatasync(fd);
	meet(&shared->message_began, &shared->folder_began);
	r = __real_fdatasync(fd);
	atomic_store(&shared->message_ended, 1);
	return r;
}

int
__wrap_fsync(int fd)
{
	int r;

	if (!atomic_load(&shared->armed))
		return __real_fsync(fd);
	meet(&shared->folder_began, &shared->message_began);
	r = __real_fsync(fd);
	atomic_store(&shared->folder_ended, 1);
	return r;
}

uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	size_t i;

	for (i = 0; i < n && atomic_load(&shared->armed); i++)
		if (list[i]->files.len > 0 &&
		    !(atomic_load(&shared->message_ended) &&
		    atomic_load(&shared->folder_ended)))
			atomic_store(&shared->early, 1);
	return __real_engine_commit(db, list, n);
}

static int
append(void)
{
	struct door *d = &rig.imap[0];
	char name[DOOR_FILE_NAME + 1];
	uint32_t uid, validity;
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(write(fd, "message", 7), 7);
	close(fd);
	return door_append(d, 1, name, 7, crc32c(0, "message", 7), 7, 0, NULL,
	    1700000000, NULL, 0, &uid, &validity);
}

static int
setup(void **state)
{
	memset(shared, 0, sizeof(*shared));
	rig_init(&rig);
	rig_start(&rig);
	assert_int_equal(append(), 0);
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	return 0;
}

static void
test_side_by_side(void **state)
{
	atomic_store(&shared->armed, 1);
	assert_int_equal(append(), 0);
	atomic_store(&shared->armed, 0);
	assert_true(atomic_load(&shared->message_ended));
	assert_true(atomic_load(&shared->folder_ended));
	assert_false(atomic_load(&shared->alone));
	assert_false(atomic_load(&shared->early));
}

/* What cannot be made durable is no message, and nothing of it stays. */
static void
test_message_fails(void **state)
{
	struct door_mailbox m;

	atomic_store(&shared->fails, 1);
	assert_int_equal(append(), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_LATER);
	atomic_store(&shared->fails, 0);
	assert_int_equal(access(rig_path(&rig,
	    "spool/mail/example.test/anna/1/2"), F_OK), -1);
	assert_int_equal(append(), 0);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_side_by_side, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_message_fails, setup,
		    teardown),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
