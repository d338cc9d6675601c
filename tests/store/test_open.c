/* Descriptors and cache records of messages, as doors ask for them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

#include "lib/base/buf.h"
#include "store/body.h"
#include "store/door_client.h"
#include "tests/store/rig.h"

enum {
	/* Requests for more descriptors than a door may leave unread. */
	ASKS = CLIENT_UNREAD_MAX / DOOR_OPEN_MAX + 40,
	DROPPED = 30000,	/* milliseconds until it is */
};

static struct rig rig;

/* Shared with the child: opening this message fails so. */
static struct shared {
	atomic_uint uid;
	atomic_int error;
} *shared;

int	__real_body_open(const char *user, uint32_t mailbox, uint32_t uid);
int	__wrap_body_open(const char *user, uint32_t mailbox, uint32_t uid);

int
__wrap_body_open(const char *user, uint32_t mailbox, uint32_t uid)
{
	if (atomic_load(&shared->uid) != uid)
		return __real_body_open(user, mailbox, uid);
	errno = atomic_load(&shared->error);
	return -1;
}

static int
setup(void **state)
{
	memset(shared, 0, sizeof(*shared));
	rig_init_memory(&rig);
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
deliver(void)
{
	char id[17];

	rig_file(&rig, "A: b\r\n\r\nbody\r\n", id);
	assert_int_equal(rig_deliver(&rig, id, "anna@example.test", NULL),
	    RESULT_DELIVERED);
}

/* A store in trouble does not say that a message is gone. */
static void
test_errors(void **state)
{
	static const struct {
		int error;
		enum door_error want;
	} rows[] = {
		{ ENOENT, D_OK }, { EIO, D_OK }, { EMFILE, D_LATER },
		{ ENFILE, D_LATER }, { ENOMEM, D_LATER }, { ENOENT, D_OK },
	};
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2, 3 };
	int fd[3], r;
	size_t i;

	for (i = 0; i < 3; i++)
		deliver();
	atomic_store(&shared->uid, 2);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		atomic_store(&shared->error, rows[i].error);
		r = door_open(d, 1, uids, 3, fd);
		assert_int_equal(r, rows[i].want == D_OK ? 0 : -1);
		if (r == -1) {
			assert_int_equal(door_error(d), rows[i].want);
			continue;
		}
		assert_true(fd[0] >= 0 && fd[2] >= 0);
		assert_int_equal(fd[1], -1);
		close(fd[0]);
		close(fd[2]);
	}
}

/* What was expunged can be read as long as it is kept, and is told from what
   never was. */
static void
test_expunged(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2, 3 }, *gone;
	int fd[3];
	size_t n;
	uint64_t modseq;
	char text[32] = "";

	deliver();
	deliver();
	assert_int_equal(door_expunge(d, 1, uids, 1, 1, &gone, &n, &modseq),
	    0);
	assert_int_equal(n, 1);
	free(gone);
	assert_int_equal(door_open(d, 1, uids, 3, fd), 0);
	assert_true(fd[0] >= 0 && fd[1] >= 0);
	assert_int_equal(fd[2], -1);
	assert_int_equal(read(fd[0], text, sizeof(text)), 14);
	assert_string_equal(text, "A: b\r\n\r\nbody\r\n");
	close(fd[0]);
	close(fd[1]);
}

static void
some_uids(uint32_t uids[DOOR_OPEN_MAX])
{
	unsigned i;

	for (i = 0; i < DOOR_OPEN_MAX; i++)
		uids[i] = i + 1;
}

/* One that reads what it gets may have as many as it asks for. */
static void
test_many_read(void **state)
{
	uint32_t uids[DOOR_OPEN_MAX];
	int fd[DOOR_OPEN_MAX], i;

	some_uids(uids);
	for (i = 0; i < ASKS; i++) {
		assert_int_equal(door_open(&rig.imap[0], 1, uids,
		    DOOR_OPEN_MAX, fd), 0);
		assert_int_equal(fd[0], -1);
	}
}

/* One that does not is dropped, and nobody else. */
static void
test_many_unread(void **state)
{
	struct door *d = &rig.imap[0];
	struct pollfd gone = { .fd = d->chan.fd };
	struct buf b = BUF_INIT(0);
	struct door_mailbox m;
	unsigned i;

	for (i = 1; i <= DOOR_OPEN_MAX; i++)
		buf_put_u32(&b, i);
	/* What is asked for in a turn goes out at its end. */
	for (i = 0; i < 3 * ASKS; i++) {
		msg_begin(&d->chan, &proto_door, DM_OPEN, 1000 + i);
		msg_u32(&d->chan, DF_MAILBOX, 1);
		msg_bytes(&d->chan, DF_UIDS, b.data, b.len);
		assert_int_equal(msg_end(&d->chan), 0);
	}
	assert_int_equal(chan_flush(&d->chan), 1);
	assert_int_equal(poll(&gone, 1, DROPPED), 1);
	assert_true(gone.revents & POLLHUP);
	assert_int_equal(door_status(d, 1, &m), -1);
	assert_int_equal(door_error(d), D_LOST);
	assert_int_equal(door_status(&rig.imap[1], 1, &m), 0);
	buf_clear(&b);
}

/* The record of a message, as text. */
static void
cache_of(uint32_t uid, struct buf *out)
{
	struct buf packed = BUF_INIT(DOOR_CACHE_MAX);
	struct cursor c;
	const char *p;
	size_t n, len;

	buf_reset(out);
	assert_int_equal(door_cache_get(&rig.imap[0], 1, &uid, 1, &packed,
	    &n), 0);
	assert_int_equal(n, 1);
	cursor_init(&c, packed.data, packed.len);
	assert_int_equal(cursor_u32(&c), uid);
	p = cursor_lv(&c, &len, DOOR_CACHE_MAX);
	assert_false(c.bad);
	if (len > 0)
		buf_append(out, p, len);
	buf_clear(&packed);
}

/* A message that is not there has no record, whoever offers one. */
static void
test_cache_of_none(void **state)
{
	struct buf out = BUF_INIT(0);

	deliver();
	assert_int_equal(door_cache_put(&rig.imap[0], 1, 1, "mine", 4), 0);
	assert_int_equal(door_cache_put(&rig.imap[0], 1, 2, "none", 4), 0);
	cache_of(1, &out);
	assert_string_equal(buf_str(&out), "mine");
	cache_of(2, &out);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

/* Its files are begun anew where the end was none in order. */
static void
test_cache_after_a_crash(void **state)
{
	int crash, fd;

	deliver();
	for (crash = 0; crash < 2; crash++) {
		fd = open(rig_path(&rig, "spool/index/cache/left"),
		    O_WRONLY | O_CREAT, 0600);
		assert_int_not_equal(fd, -1);
		close(fd);
		if (crash)
			rig_kill(&rig);
		else
			assert_int_equal(rig_stop(&rig), 0);
		rig_start(&rig);
		deliver();
		assert_int_equal(access(rig_path(&rig,
		    "spool/index/cache/left"), F_OK), crash ? -1 : 0);
	}
}

/* What will not open is emptied, and nobody waits for it. */
static void
test_cache_of_junk(void **state)
{
	char cmd[300];

	deliver();
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "for f in '%s'/*; do echo junk >\"$f\"; "
	    "done", rig_path(&rig, "spool/index/cache"));
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	deliver();
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "! grep -qx junk '%s'/*",
	    rig_path(&rig, "spool/index/cache"));
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_errors), T(test_many_read), T(test_many_unread),
		T(test_cache_of_none), T(test_cache_after_a_crash),
		T(test_cache_of_junk), T(test_expunged),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
