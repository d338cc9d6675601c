/*
 * The file of a message that was moved away cannot be unlinked, or not
 * durably: it is no message all the same, and goes at a later start.
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

#include "lib/mail/proto.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define FILES	"spool/mail/example.test/anna/%u/%u"

enum { MESSAGES = 3, FIRST_LEFT = 2, TRIES = 3000, TRY_US = 10000 };
enum { INBOX = 1, TRASH = 5, SENT = 3 };

static uint32_t source, target;

/*
 * What befalls the file FIRST_LEFT of the source, in the child. LOST: it is said to
 * be unlinked and is still there, as after a power cut, and the folder cannot
 * be synced.
 */
static enum { NONE, FAILS, LOST } fault;
static atomic_int *hits;		/* shared with the child */

static int
ends(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

int	__real_unlinkat(int dir, const char *path, int flags);
int	__wrap_unlinkat(int dir, const char *path, int flags);
int
__wrap_unlinkat(int dir, const char *path, int flags)
{
	char left[40];

	snprintf(left, sizeof(left), "anna/%u/%d", source, FIRST_LEFT);
	if (fault == NONE || !ends(path, left))
		return __real_unlinkat(dir, path, flags);
	atomic_fetch_add(hits, 1);
	if (fault == LOST)
		return 0;
	errno = EIO;
	return -1;
}

int	__real_fsync(int fd);
int	__wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	char link[64], path[400], folder[40];
	ssize_t n;

	if (fault != LOST || atomic_load(hits) == 0)
		return __real_fsync(fd);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	snprintf(folder, sizeof(folder), "anna/%u", source);
	if (!ends(path, folder))
		return __real_fsync(fd);
	errno = EIO;
	return -1;
}

static struct rig rig;

static int
is_there(unsigned uid)
{
	char name[100];

	snprintf(name, sizeof(name), FILES, source, uid);
	return access(rig_path(&rig, name), F_OK) == 0;
}

static void
move_all(uint32_t box, uint32_t to_box)
{
	uint32_t uids[MESSAGES] = { 1, 2, 3 }, *from, *to, validity;
	struct door *d = &rig.imap[0];
	size_t n;

	assert_int_equal(door_copy(d, box, to_box, uids, MESSAGES,
	    DOOR_MOVE, &from, &to, &n, &validity), 0);
	assert_int_equal(n, MESSAGES);
	free(from);
	free(to);
}

static void
verify(void)
{
	struct buf out = BUF_INIT(10000);
	struct door *d = &rig.imap[0];
	size_t n;

	assert_int_equal(rig_find(&rig, d, source, "text", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(rig_find(&rig, d, target, "text", &n), MESSAGES);
	if (rig_control(&rig, C_CHECK, ANNA, &out) != 0)
		fail_msg("%s", buf_str(&out));
	buf_clear(&out);
}

static void
wait_gone(unsigned uid)
{
	int i;

	for (i = 0; i < TRIES && is_there(uid); i++)
		usleep(TRY_US);
	assert_false(is_there(uid));
}

static void
run(int what, int rebuild, uint32_t from, uint32_t to)
{
	struct buf out = BUF_INIT(10000);
	char id[17];
	int i;

	fault = what;
	source = from;
	target = to;
	atomic_store(hits, 0);
	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < MESSAGES; i++) {
		rig_file(&rig, "text", id);
		assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
		    RESULT_DELIVERED);
	}
	assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "Trash"), TRASH);
	assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "Sent"), SENT);
	if (source != INBOX)
		move_all(INBOX, source);
	move_all(source, target);
	wait_gone(1);
	wait_gone(3);
	verify();
	assert_true(is_there(FIRST_LEFT));
	assert_int_equal(atomic_load(hits), 1);
	if (rebuild) {
		(void)rig_control(&rig, C_REBUILD, ANNA, &out);
		verify();
	}
	/* It is tried once at a load and a rebuild, and not for ever. */
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	verify();
	assert_int_equal(rig_stop(&rig), 0);
	assert_int_equal(atomic_load(hits), 2 + rebuild);
	assert_true(is_there(FIRST_LEFT));
	fault = NONE;
	rig_start(&rig);
	verify();
	wait_gone(FIRST_LEFT);
	verify();
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&out);
}

static void
test_unlink_fails(void **state)
{
	run(FAILS, 0, INBOX, TRASH);
}

static void
test_unlink_is_lost(void **state)
{
	run(LOST, 0, INBOX, TRASH);
}

static void
test_rebuilt(void **state)
{
	run(FAILS, 1, INBOX, TRASH);
	run(FAILS, 1, TRASH, SENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlink_fails),
		cmocka_unit_test(test_unlink_is_lost),
		cmocka_unit_test(test_rebuilt),
	};

	hits = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (hits == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
