/*
 * What a store goes by when its index is gone or tells little: nothing is made
 * anew, given again or believed where something tells that there was more.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "store/body.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define MAIL	"mail/example.test/anna"

/* Between the test and its store. */
static struct shared {
	atomic_int unreadable;		/* folders of mailboxes are not read */
	atomic_int synced;		/* ... was, with the mark gone */
} *shared;

static struct rig rig;

struct body_list *__real_body_list_mailboxes(const char *user);
struct body_list *__wrap_body_list_mailboxes(const char *user);
int	__real_fd_sync_dir(int fd);
int	__wrap_fd_sync_dir(int fd);

struct body_list *
__wrap_body_list_mailboxes(const char *user)
{
	if (atomic_load(&shared->unreadable)) {
		errno = EIO;
		return NULL;
	}
	return __real_body_list_mailboxes(user);
}

int
__wrap_fd_sync_dir(int fd)
{
	char link[40], path[200];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	if (strstr(path, "/spool/index") != NULL &&
	    faccessat(fd, "clean", F_OK, 0) == -1)
		atomic_fetch_add(&shared->synced, 1);
	return __real_fd_sync_dir(fd);
}

static int
setup(void **state)
{
	memset(shared, 0, sizeof(*shared));
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static void
shell(const char *what)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "cd '%s/spool' && %s", rig.dir, what);
	assert_int_equal(system(cmd), 0);
}

static enum result
deliver(void)
{
	char id[17];

	rig_file(&rig, "A: b\r\n\r\nbody\r\n", id);
	return rig_deliver(&rig, id, ANNA, NULL);
}

static void
again(const char *meanwhile)
{
	assert_int_equal(rig_stop(&rig), 0);
	shell(meanwhile);
	rig_start(&rig);
}

static void
inbox(struct door_mailbox *m)
{
	assert_int_equal(door_status(&rig.imap[0], 1, m), 0);
}

/* No file and no line tells of the last uid any more: its row does. */
static void
test_row_has_the_highest(void **state)
{
	struct buf out = BUF_INIT(1000);
	struct door_mailbox first, then;
	uint32_t uid, *gone;
	uint64_t modseq;
	size_t n;

	assert_int_equal(deliver(), RESULT_DELIVERED);
	again("rm -rf index");
	inbox(&first);
	assert_int_equal(deliver(), RESULT_DELIVERED);
	uid = first.uidnext;
	assert_int_equal(door_expunge(&rig.imap[0], 1, &uid, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
	again("rm -rf " MAIL "/1/flags " MAIL "/1/expunged");
	assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) > 0);
	inbox(&then);
	assert_int_equal(then.messages, 1);
	assert_true(then.uidnext > uid);
	buf_clear(&out);
}

/* What stands in a folder that cannot be read is not known to be nothing. */
static void
test_unreadable(void **state)
{
	struct door_mailbox m;

	assert_int_equal(deliver(), RESULT_DELIVERED);
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -rf index && mv " MAIL "/mailboxes was");
	atomic_store(&shared->unreadable, 1);
	rig_start(&rig);
	assert_int_equal(deliver(), RESULT_LATER);
	assert_int_equal(rig_stop(&rig), 0);
	atomic_store(&shared->unreadable, 0);
	shell("test ! -e " MAIL "/mailboxes && mv was " MAIL "/mailboxes");
	rig_start(&rig);
	inbox(&m);
	assert_int_equal(m.messages, 1);
}

/* A later version's lines are not ours to read, and not to be written over. */
static void
test_newer_flags(void **state)
{
	struct door_record *rec;
	struct door_mailbox m;
	uint32_t uid = 1, *failed;
	size_t n, n_failed;

	assert_int_equal(deliver(), RESULT_DELIVERED);
	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_ADD,
	    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -rf index && cp " MAIL "/1/flags was && "
	    "sed -i '1s/.*/rohrpost-flags 9/' " MAIL "/1/flags && "
	    "cp " MAIL "/1/flags newer");
	rig_start(&rig);
	assert_int_equal(deliver(), RESULT_LATER);
	again("cmp " MAIL "/1/flags newer && mv was " MAIL "/1/flags");
	inbox(&m);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.unseen, 0);
}

/* That the mark of an orderly end is gone is on disk before what it vouches
   for is written. */
static void
test_mark_is_gone(void **state)
{
	assert_int_equal(deliver(), RESULT_DELIVERED);
	assert_int_equal(rig_stop(&rig), 0);
	shell("test -e index/clean");
	atomic_store(&shared->synced, 0);
	rig_start(&rig);
	assert_int_equal(deliver(), RESULT_DELIVERED);
	assert_true(atomic_load(&shared->synced) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_row_has_the_highest,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_newer_flags, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_mark_is_gone, setup,
		    teardown),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
