/*
 * What store answers where something cannot be done: which trouble it was, and
 * that nothing of it was done.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define TEXT	"Subject: a\n\nbody\n"
#define FULL	"the disk is full"

enum { LATER_BOX = 5, PARTS = 3, ASKED = 12000, WAIT_MS = 60000 };

/* Shared with the child: this link, counted down, fails so. */
static struct {
	atomic_int at, how, no_tables, no_open, freed;
} *sh;

static struct rig rig;

int	__real_linkat(int a, const char *from, int b, const char *to, int f);
int	__wrap_linkat(int a, const char *from, int b, const char *to, int f);
int
__wrap_linkat(int a, const char *from, int b, const char *to, int f)
{
	if (atomic_load(&sh->at) > 0 && atomic_fetch_sub(&sh->at, 1) == 1) {
		errno = atomic_load(&sh->how);
		return -1;
	}
	return __real_linkat(a, from, b, to, f);
}

int	__real_body_open(const char *user, uint32_t mailbox, uint32_t uid);
int	__wrap_body_open(const char *user, uint32_t mailbox, uint32_t uid);
int
__wrap_body_open(const char *user, uint32_t mailbox, uint32_t uid)
{
	if (!atomic_load(&sh->no_open))
		return __real_body_open(user, mailbox, uid);
	errno = EMFILE;
	return -1;
}

/* Of what a door has, its lock goes last. */
int	__real_pthread_mutex_destroy(pthread_mutex_t *m);
int	__wrap_pthread_mutex_destroy(pthread_mutex_t *m);
int
__wrap_pthread_mutex_destroy(pthread_mutex_t *m)
{
	atomic_fetch_add(&sh->freed, 1);
	return __real_pthread_mutex_destroy(m);
}

static void
fails(int at, int how)
{
	atomic_store(&sh->how, how);
	atomic_store(&sh->at, at);
}

static int
setup(void **state)
{
	char id[17];

	memset(sh, 0, sizeof(*sh));
	rig_init(&rig);
	rig.no_tables = (int *)&sh->no_tables;
	rig_start(&rig);
	rig_file(&rig, TEXT, id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
	rig_file(&rig, TEXT, id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
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
holds(uint32_t mailbox, uint32_t messages)
{
	struct door_mailbox m;

	assert_int_equal(door_status(&rig.imap[0], mailbox, &m), 0);
	assert_int_equal(m.messages, messages);
}

static void
refused(struct door *d, enum door_error e, const char *words)
{
	assert_int_equal(door_error(d), e);
	assert_string_equal(door_words(d), words);
}

static void
test_delivery(void **state)
{
	static const struct {
		int how;
		const char *words;
	} row[] = {
		{ EIO, "4.3.0 the mailbox cannot be written" },
		{ ENOSPC, "4.3.1 " FULL }, { EDQUOT, "4.3.1 " FULL },
	};
	char id[17], words[RESULT_WORDS_MAX + 1];
	size_t i;

	rig_file(&rig, TEXT, id);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fails(1, row[i].how);
		assert_int_equal(rig_deliver(&rig, id, ANNA, words),
		    RESULT_LATER);
		assert_string_equal(words, row[i].words);
		holds(1, 2);
	}
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
	holds(1, 3);
}

static void
test_delivery_tables(void **state)
{
	char id[17], words[RESULT_WORDS_MAX + 1];

	rig_file(&rig, TEXT, id);
	assert_int_equal(rig_deliver(&rig, id, "nobody@example.test", words),
	    RESULT_NEVER);
	assert_string_equal(words, "5.1.1 no such mailbox");
	atomic_store(&sh->no_tables, 1);
	assert_int_equal(rig_deliver(&rig, id, "carl@example.test", words),
	    RESULT_LATER);
	atomic_store(&sh->no_tables, 0);
	assert_int_equal(rig_deliver(&rig, id, "carl@example.test", words),
	    RESULT_DELIVERED);
}

/* A file with that text; its name. */
static void
put(struct door *d, char name[DOOR_FILE_NAME + 1])
{
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, TEXT, strlen(TEXT)), 0);
	close(fd);
}

/* It is not kept, whatever the answer. */
static void
not_kept(const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "spool/mail/.new/%s", name);
	assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
}

static int
append(struct door *d, uint32_t mailbox, const char *name, size_t size,
    uint32_t crc)
{
	uint32_t uid, validity;

	return door_append(d, mailbox, name, size, crc, 12, 0, NULL,
	    1700000000, NULL, 0, &uid, &validity);
}

static void
append_fails(int how, enum door_error e, const char *words)
{
	struct door *d = &rig.imap[0];
	char name[DOOR_FILE_NAME + 1];

	put(d, name);
	fails(1, how);
	assert_int_equal(append(d, LATER_BOX, name, strlen(TEXT),
	    crc32c(0, TEXT, strlen(TEXT))), -1);
	refused(d, e, words);
	holds(LATER_BOX, 0);
	not_kept(name);
}

static void
test_append(void **state)
{
	const uint32_t crc = crc32c(0, TEXT, strlen(TEXT));
	static const char wrong[] = "the file is not what was said";
	struct door *d = &rig.imap[0];
	char name[DOOR_FILE_NAME + 1];

	append_fails(EIO, D_LATER, strerror(EIO));
	append_fails(ENOSPC, D_LATER, FULL);
	append_fails(ENOENT, D_ABSENT, "no such mailbox");
	put(d, name);
	assert_int_equal(append(d, LATER_BOX, name, strlen(TEXT) + 1, crc),
	    -1);
	refused(d, D_REFUSED, wrong);
	put(d, name);
	assert_int_equal(append(d, LATER_BOX, name, strlen(TEXT), crc + 1),
	    -1);
	refused(d, D_REFUSED, wrong);
	not_kept(name);
	put(d, name);
	assert_int_equal(append(d, 999, name, strlen(TEXT), crc), -1);
	refused(d, D_ABSENT, "no such mailbox");
	not_kept(name);
	holds(LATER_BOX, 0);
	put(d, name);
	assert_int_equal(append(d, LATER_BOX, name, strlen(TEXT), crc), 0);
	/* It was given up with that. */
	assert_int_equal(append(d, LATER_BOX, name, strlen(TEXT), crc), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	holds(LATER_BOX, 1);
}

/* It is linked, and cannot be opened to be synced: it is taken back. */
static void
test_append_not_opened(void **state)
{
	struct door *d = &rig.imap[0];
	char name[DOOR_FILE_NAME + 1];

	put(d, name);
	atomic_store(&sh->no_open, 1);
	assert_int_equal(append(d, LATER_BOX, name, strlen(TEXT),
	    crc32c(0, TEXT, strlen(TEXT))), -1);
	atomic_store(&sh->no_open, 0);
	refused(d, D_LATER, strerror(EMFILE));
	holds(LATER_BOX, 0);
	not_kept(name);
	assert_int_equal(access(rig_path(&rig,
	    "spool/mail/example.test/anna/5/1"), F_OK), -1);
}

/* The file is another door's. */
static void
test_append_of_another(void **state)
{
	const uint32_t crc = crc32c(0, TEXT, strlen(TEXT));
	char name[DOOR_FILE_NAME + 1];

	put(&rig.imap[1], name);
	assert_int_equal(append(&rig.imap[0], LATER_BOX, name, strlen(TEXT),
	    crc), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_REFUSED);
	holds(LATER_BOX, 0);
	assert_int_equal(append(&rig.imap[1], LATER_BOX, name, strlen(TEXT),
	    crc), 0);
	holds(LATER_BOX, 1);
}

/* All or none: what was linked before the trouble is taken back. */
static void
test_append_many(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_appended m[PARTS];
	char name[PARTS][DOOR_FILE_NAME + 1], path[100];
	uint32_t id, uid, validity;
	const uint32_t *list;
	int i, listed;
	size_t n;

	for (i = 0; i < PARTS; i++) {
		put(d, name[i]);
		m[i] = (struct door_appended){ .file = name[i],
		    .size = strlen(TEXT),
		    .crc = crc32c(0, TEXT, strlen(TEXT)), .header_len = 12 };
	}
	fails(PARTS, EIO);
	assert_int_equal(door_append_begin(d, LATER_BOX, m, PARTS, &id), 0);
	while (!door_answered(d)) {
		assert_int_equal(poll(&(struct pollfd){ d->chan.fd, POLLIN,
		    0 }, 1, 60000), 1);
		assert_int_not_equal(door_events(d, &list, &n, &listed), -1);
	}
	assert_int_equal(door_append_end(d, id, &uid, &validity), -1);
	refused(d, D_LATER, strerror(EIO));
	holds(LATER_BOX, 0);
	for (i = 0; i < PARTS; i++) {
		snprintf(path, sizeof(path),
		    "spool/mail/example.test/anna/%d/%d", LATER_BOX, i + 1);
		assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
	}
}

static void
test_copy(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2 }, *from, *to, validity;
	size_t n;

	fails(2, EIO);
	assert_int_equal(door_copy(d, 1, LATER_BOX, uids, 2, 0, &from, &to,
	    &n, &validity), -1);
	assert_int_equal(door_error(d), D_LATER);
	fails(2, ENOSPC);
	assert_int_equal(door_copy(d, 1, LATER_BOX, uids, 2, DOOR_MOVE, &from,
	    &to, &n, &validity), -1);
	assert_int_equal(door_error(d), D_LATER);
	holds(1, 2);
	holds(LATER_BOX, 0);
	assert_int_equal(door_copy(d, 1, LATER_BOX, uids, 2, DOOR_MOVE, &from,
	    &to, &n, &validity), 0);
	assert_int_equal(n, 2);
	free(from);
	free(to);
	holds(1, 0);
	holds(LATER_BOX, 2);
}

static void
test_uids_rise(void **state)
{
	static const char rise[] = "uids do not rise";
	static const uint32_t bad[][2] = { { 2, 1 }, { 1, 1 }, { 0, 1 } };
	struct door *d = &rig.imap[0];
	uint32_t *gone, *failed, *from, *to, validity;
	struct buf out = BUF_INIT(1000);
	struct door_record *rec;
	size_t n, n_failed, i;
	uint64_t modseq;
	int fd[2];

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(door_store(d, 1, bad[i], 2, DOOR_ADD,
		    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n, &failed,
		    &n_failed), -1);
		refused(d, D_REFUSED, rise);
		assert_int_equal(door_expunge(d, 1, bad[i], 2, 1, &gone, &n,
		    &modseq), -1);
		refused(d, D_REFUSED, rise);
		assert_int_equal(door_open(d, 1, bad[i], 2, fd), -1);
		refused(d, D_REFUSED, rise);
		assert_int_equal(door_ids(d, 1, bad[i], 2, &out), -1);
		refused(d, D_REFUSED, rise);
		assert_int_equal(door_cache_get(d, 1, bad[i], 2, &out,
		    &n), -1);
		refused(d, D_REFUSED, rise);
		assert_int_equal(door_copy(d, 1, LATER_BOX, bad[i], 2, 0,
		    &from, &to, &n, &validity), -1);
		refused(d, D_REFUSED, "uids do not rise, or run out");
	}
	holds(1, 2);
	holds(LATER_BOX, 0);
	buf_clear(&out);
}

/* Of each message that is there its uid and an id of its own. */
static void
test_ids(void **state)
{
	static const uint32_t uids[] = { 1, 2, 9 };
	struct buf out = BUF_INIT(1000);
	size_t one;

	assert_int_equal(door_ids(&rig.imap[0], 1, uids, 3, &out), 0);
	assert_true(out.len > 8 && out.len % 2 == 0);
	one = out.len / 2;
	assert_int_equal(memcmp(out.data, "\0\0\0\1", 4) == 0 ||
	    memcmp(out.data, "\1\0\0\0", 4) == 0, 1);
	assert_memory_not_equal(out.data + 4, out.data + one + 4, one - 4);
	buf_clear(&out);
}

static void
test_quota(void **state)
{
	uint64_t size, size_max, count, count_max;
	struct door *d = &rig.imap[0];

	assert_int_equal(door_quota(d, &size, &size_max, &count, &count_max),
	    0);
	assert_int_equal(size, 2 * strlen(TEXT));
	assert_int_equal(size_max, 0);
	assert_int_equal(count, 2);
	assert_int_equal(count_max, 0);
}

/* A question for which nobody waits. */
static void
ask_status(struct chan *c, uint32_t id)
{
	msg_begin(c, &proto_door, DM_STATUS, id);
	msg_u32(c, DF_MAILBOX, 1);
	assert_int_equal(msg_end(c), 0);
	if (c->out.len > 8192)
		assert_int_equal(chan_send(c, WAIT_MS), 0);
}

static void
flag(struct door *d, uint32_t flags)
{
	uint32_t uid = 1, *failed;
	struct door_record *rec;
	size_t n, n_failed;

	assert_int_equal(door_store(d, 1, &uid, 1, DOOR_SET, flags, NULL,
	    UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 1);
	free(rec);
	free(failed);
}

/* Waits until answers fill the way to a door that does not read: no more came
   for half a second. */
static void
wait_full(int fd)
{
	int last = -1, now, same = 0;

	while (same < 10) {
		assert_int_equal(ioctl(fd, FIONREAD, &now), 0);
		same = now > 0 && now == last ? same + 1 : 0;
		last = now;
		usleep(50000);
	}
}

/* A door that does not read is told of all changes once, behind the answers
   that wait for it. */
static void
test_watcher_is_behind(void **state)
{
	struct chan *c = &rig.imap[1].chan;
	struct buf why = BUF_INIT(200);
	unsigned events = 0, answers = 0, i;
	struct door_mailbox m;
	uint32_t recent;
	struct msg msg;

	assert_int_equal(door_select(&rig.imap[1], 1, 0, &m, &recent), 0);
	for (i = 1; i <= ASKED; i++)
		ask_status(c, 100 + i);
	assert_int_equal(chan_send(c, WAIT_MS), 0);
	wait_full(c->fd);
	for (i = 0; i < 3; i++)
		flag(&rig.imap[0], i % 2 == 0 ? FLAG_FLAGGED : 0);
	while (answers < ASKED || events == 0) {
		assert_int_equal(msg_recv(&msg, &proto_door, PEER_STORE, c,
		    WAIT_MS, &why), 1);
		if (msg.type == DM_EVENT)
			events++;
		else
			assert_int_equal(msg.id, 100 + ++answers);
		msg_done(&msg);
	}
	assert_int_equal(events, 1);
	assert_int_equal(door_status(&rig.imap[1], 1, &m), 0);
	flag(&rig.imap[0], 0);
	assert_int_equal(msg_recv(&msg, &proto_door, PEER_STORE, c, WAIT_MS,
	    &why), 1);
	assert_int_equal(msg.type, DM_EVENT);
	msg_done(&msg);
	buf_clear(&why);
}

/* A door that closes leaves nothing, whatever was asked by it: answers, tasks,
   news, files. */
static void
test_door_is_freed(void **state)
{
	struct door *d = &rig.imap[1];
	char name[DOOR_FILE_NAME + 1];
	struct door_mailbox m;
	uint32_t recent;
	int tries;

	assert_int_equal(door_select(d, 1, 1, &m, &recent), 0);
	flag(d, FLAG_FLAGGED);
	put(d, name);
	assert_int_equal(append(d, 1, name, strlen(TEXT),
	    crc32c(0, TEXT, strlen(TEXT))), 0);
	put(d, name);
	assert_int_equal(atomic_load(&sh->freed), 0);
	door_clear(d);
	for (tries = 0; tries < 30000 && atomic_load(&sh->freed) == 0;
	    tries++)
		usleep(1000);
	assert_int_equal(atomic_load(&sh->freed), 1);
	not_kept(name);
	holds(1, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_delivery), T(test_delivery_tables), T(test_append),
		T(test_append_not_opened), T(test_append_of_another),
		T(test_append_many), T(test_copy),
		T(test_uids_rise), T(test_ids), T(test_quota),
		T(test_watcher_is_behind), T(test_door_is_freed),
	};

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return sh == MAP_FAILED ? 1 :
	    cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
