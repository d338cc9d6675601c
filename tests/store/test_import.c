/*
 * What comes from another server: mailboxes and messages with the numbers that
 * they had there. The store dies at each of its system calls on files
 * meanwhile, and what was not answered is said again: all is there once.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/proto.h"
#include "store/engine.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

enum { STEP_MAX = 2000, VALIDITY = 1234567, NEXT = 500, BATCH = 2 };

static atomic_int *die_in;	/* shared: so many calls from now; 0: never */

static void
point(void)
{
	if (die_in != NULL && atomic_load(die_in) > 0 &&
	    atomic_fetch_sub(die_in, 1) == 1)
		kill(getpid(), SIGKILL);
}

#define WRAP(type, name, params, args)		\
type	__real_##name params;			\
type	__wrap_##name params;			\
type						\
__wrap_##name params				\
{						\
	point();				\
	return __real_##name args;		\
}

WRAP(int, linkat, (int a, const char *b, int c, const char *d, int e),
    (a, b, c, d, e))
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c))
WRAP(int, fdatasync, (int a), (a))
WRAP(uint64_t, engine_commit, (struct engine_db *db,
    struct engine_batch *const *list, size_t n), (db, list, n))

static atomic_int *no_sync;	/* shared: folders cannot be synced */

int	__real_fsync(int fd);
int	__wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	struct stat st;

	if (no_sync != NULL && atomic_load(no_sync) && fstat(fd, &st) == 0 &&
	    S_ISDIR(st.st_mode)) {
		errno = EIO;
		return -1;
	}
	point();
	return __real_fsync(fd);
}

static struct rig rig;
static struct door door;

/* The operator's door of an account, or with id migrate's: 1, or 0 where there
   is no store. */
static int
open_a_door(const char *who, const char *id, struct door *d)
{
	struct buf why = BUF_INIT(300);
	struct chan c;
	struct msg m;
	int fd[2], more = 1, ok = 0;

	if (fd_pair(fd) == -1)
		return 0;

	chan_init(&c, dup(rig.control));
	msg_begin(&c, &proto_ctl, C_DOOR, 5);
	msg_text(&c, CF_USER, who);
	if (id != NULL)
		msg_text(&c, CF_ID, id);
	msg_fd(&c, fd[1]);
	if (msg_end(&c) == 0 && chan_send(&c, 1000) == 0)
		while (more && msg_recv(&m, &proto_ctl, PEER_STORE, &c, 60000,
		    &why) == 1) {
			more = m.type != C_END;
			ok = !more && msg_get_u32(&m, CF_STATUS) == C_OK;
			msg_done(&m);
		}
	chan_clear(&c);
	buf_clear(&why);
	if (ok)
		door_init(d, id != NULL ? PEER_MIGRATE : PEER_CTL, fd[0]);
	else
		close(fd[0]);
	return ok;
}

static int
open_door(const char *who)
{
	return open_a_door(who, NULL, &door);
}

static int
setup(void **state)
{
	rig_init_memory(&rig);
	rig.quota_count = 1;
	rig_start(&rig);
	return open_door(ANNA) ? 0 : -1;
}

static int
teardown(void **state)
{
	int status;

	door_clear(&door);
	status = rig_stop(&rig);
	rig_clear(&rig);
	return status == 0 ? 0 : -1;
}

static void
id_of(uint32_t uid, unsigned char id_r[DOOR_ID])
{
	memset(id_r, 7, DOOR_ID);
	memcpy(id_r + 4, &uid, 4);
}

/* n messages from that uid on, each with the text "uid N". 0, or -1. */
static int
put_list(uint32_t box, const uint32_t *uids, size_t n, uint32_t *uid_r)
{
	static char *words[] = { "$Work", "Red", NULL };
	struct door_imported *list = mem_zalloc(n, sizeof(*list));
	char (*name)[DOOR_FILE_NAME + 1] = mem_zalloc(n, sizeof(*name));
	char text[40];
	uint32_t validity;
	size_t i, len;
	int fd, r = 0;

	for (i = 0; i < n && r == 0; i++) {
		len = (size_t)snprintf(text, sizeof(text), "uid %u", uids[i]);
		if ((r = door_file(&door, &fd, name[i])) == -1)
			break;
		assert_int_equal(fd_write_all(fd, text, len), 0);
		close(fd);
		list[i].m = (struct door_appended){ name[i], len,
		    crc32c(0, text, len), (uint32_t)len, FLAG_SEEN | MARK_CUT,
		    words, 1000000000 + uids[i] };
		list[i].uid = uids[i];
		id_of(uids[i], list[i].id);
	}
	if (r == 0)
		r = door_import(&door, box, list, n, uid_r, &validity);
	free(list);
	free(name);
	return r;
}

static int
put(uint32_t box, uint32_t from, size_t n, uint32_t *uid_r)
{
	uint32_t *uids = mem_zalloc(n, sizeof(*uids));
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		uids[i] = from + 2 * (uint32_t)i;
	r = put_list(box, uids, n, uid_r);
	free(uids);
	return r;
}

/* Messages of the mailbox with text, id and all else of their uid. */
static size_t
good(struct door *d, const struct door_mailbox *box)
{
	struct buf ids = BUF_INIT(0);
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	unsigned char id[DOOR_ID];
	char text[40];
	size_t i, n, n_gone;
	int complete;

	assert_int_equal(door_records(d, box->id, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_int_equal(n, box->messages);
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "uid %u", rec[i].uid);
		assert_int_equal(rig_find(&rig, d, box->id, text, &n_gone), 1);
		assert_int_equal(door_ids(d, box->id, &rec[i].uid, 1, &ids), 0);
		id_of(rec[i].uid, id);
		assert_int_equal(ids.len, 4 + DOOR_ID);
		assert_memory_equal(ids.data + 4, id, DOOR_ID);
		assert_int_equal(rec[i].date, 1000000000 + rec[i].uid);
		assert_int_equal(rec[i].flags, FLAG_SEEN | MARK_CUT);
		assert_int_equal(rec[i].keywords, 3);
	}
	free(rec);
	free(gone);
	buf_clear(&ids);
	return n;
}

/* INBOX, which a session has selected, gets numbers and messages. */
static void
test_inbox(void **state)
{
	struct door *session = &rig.imap[0];
	struct door_mailbox before, m, again;
	const uint32_t *list;
	uint32_t uid, recent;
	int changed, i;
	size_t n;

	assert_int_equal(door_select(session, 1, 1, &before, &recent), 0);
	assert_int_equal(door_adopt(&door, "INBOX", 0, VALIDITY, 0, &m), 0);
	assert_int_equal(m.uidvalidity, VALIDITY);
	assert_int_not_equal(m.id, before.id);
	assert_int_equal(m.attrs, before.attrs);
	/* what it had is gone, and it is told of the list */
	assert_int_equal(door_status(session, before.id, &again), -1);
	assert_int_equal(door_error(session), D_ABSENT);
	assert_int_equal(door_events(session, &list, &n, &changed), 1);
	assert_true(changed);
	/* the same again is nothing, nor are other numbers from now on */
	assert_int_equal(door_adopt(&door, "INBOX", 0, VALIDITY, 0, &again), 0);
	assert_int_equal(again.id, m.id);
	assert_int_equal(door_select(session, m.id, 1, &again, &recent), 0);
	assert_int_equal(again.uidvalidity, VALIDITY);
	assert_int_equal(put(m.id, 7, 3, &uid), 0);
	assert_int_equal(uid, 7);
	/* a session that has it open hears of the messages */
	for (i = 0; i < 1000 && door_events(session, &list, &n, &changed) == 0;
	    i++)
		usleep(10000);
	assert_int_equal(n, 1);
	assert_int_equal(list[0], m.id);
	assert_int_equal(door_adopt(&door, "INBOX", 0, 99, NEXT, &again), 0);
	assert_int_equal(again.id, m.id);
	assert_int_equal(again.uidvalidity, VALIDITY);
	assert_int_equal(again.uidnext, NEXT);
	assert_int_equal(good(session, &again), 3);
	assert_int_equal(put(m.id, 0, 1, &uid), 0);
	assert_int_equal(uid, NEXT);
}

static void
test_numbers(void **state)
{
	const uint32_t down[] = { 40, 30 }, same[] = { 40, 40 };
	const uint32_t high[] = { 40, 4294967290 };
	struct door_mailbox m;
	uint32_t uid;

	assert_int_equal(door_adopt(&door, "a/b", ATTR_SUBSCRIBED, 5, 20, &m),
	    0);
	assert_int_equal(m.uidvalidity, 5);
	assert_int_equal(m.uidnext, 20);
	assert_int_equal(m.attrs, ATTR_SUBSCRIBED);
	assert_int_equal(put(m.id, 19, 1, &uid), -1);
	assert_int_equal(door_error(&door), D_EXISTS);
	assert_int_equal(put_list(m.id, down, 2, &uid), -1);
	assert_int_equal(door_error(&door), D_EXISTS);
	assert_int_equal(put_list(m.id, same, 2, &uid), -1);
	assert_int_equal(door_error(&door), D_EXISTS);
	assert_int_equal(put_list(m.id, high, 2, &uid), -1);
	assert_int_equal(door_error(&door), D_REFUSED);
	assert_int_equal(door_adopt(&door, "c", 0, 4294967295, 0, &m), -1);
	assert_int_equal(door_error(&door), D_REFUSED);
	assert_int_equal(door_adopt(&door, "c", 0, 0, 4294967295, &m), -1);
	assert_int_equal(door_error(&door), D_REFUSED);
	assert_int_equal(door_adopt(&door, "../c", 0, 4, 0, &m), -1);
	assert_int_equal(door_error(&door), D_REFUSED);
	assert_int_equal(door_adopt(&door, "a//b", 0, 4, 0, &m), -1);
	assert_int_equal(door_error(&door), D_REFUSED);
	/* none of it took a number */
	assert_int_equal(door_adopt(&door, "a/b", 0, 5, 0, &m), 0);
	assert_int_equal(m.uidnext, 20);
	assert_int_equal(m.messages, 0);
	assert_int_equal(put(m.id, 20, 1, &uid), 0);
	/* a mailbox that is made later lies above what was wanted */
	assert_int_equal(door_adopt(&door, "d", 0, 4000000000, 0, &m), 0);
	assert_int_equal(m.uidvalidity, 4000000000);
	assert_int_equal(door_create(&door, "e", 0, &m), 0);
	assert_int_equal(m.uidvalidity, 4000000001);
}

static uint32_t
attrs_of(const char *name)
{
	struct door_mailbox *list;
	uint32_t attrs = 0;
	size_t n, i;

	assert_int_equal(door_list(&door, &list, &n), 0);
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			attrs = list[i].attrs;
	door_list_free(&list, n);
	return attrs;
}

/* A special use goes to the mailbox that has mail. */
static void
test_uses(void **state)
{
	struct door_mailbox m;
	uint32_t uid;

	assert_int_equal(attrs_of("Sent"), ATTR_SENT | ATTR_SUBSCRIBED);
	assert_int_equal(door_adopt(&door, "Gesendet", ATTR_SENT, 5, 0, &m), 0);
	assert_int_equal(m.attrs, ATTR_SENT);
	assert_int_equal(attrs_of("Sent"), ATTR_SUBSCRIBED);
	assert_int_equal(put(m.id, 1, 1, &uid), 0);
	assert_int_equal(door_adopt(&door, "Sent", ATTR_SENT, 0, 0, &m), 0);
	assert_int_equal(m.attrs, ATTR_SUBSCRIBED);
	assert_int_equal(attrs_of("Gesendet"), ATTR_SENT);
}

/* It passes the quota; and only who is there has a door. */
static void
test_account(void **state)
{
	struct door_mailbox m;
	uint32_t uid;

	door_clear(&door);
	assert_false(open_door("nobody@example.test"));
	assert_true(open_door(BERT));
	assert_int_equal(door_adopt(&door, "INBOX", 0, 3, 0, &m), 0);
	assert_int_equal(put(m.id, 1, 3, &uid), 0);
	assert_int_equal(good(&rig.imap[2], &(struct door_mailbox){
	    .id = m.id, .messages = 3 }), 3);
}

/* Where the disk fails the numbers are free again. */
static void
test_trouble(void **state)
{
	struct door_mailbox m;
	uint32_t uid;

	assert_int_equal(door_adopt(&door, "box", 0, 3, 0, &m), 0);
	atomic_store(no_sync, 1);
	assert_int_equal(put(m.id, 11, 2, &uid), -1);
	assert_int_equal(door_error(&door), D_LATER);
	atomic_store(no_sync, 0);
	assert_int_equal(put(m.id, 11, 2, &uid), 0);
	assert_int_equal(door_adopt(&door, "box", 0, 3, 0, &m), 0);
	assert_int_equal(good(&door, &m), 2);
}

/* One run of an import, which takes up what is there: 1, or 0: it died. */
static int
run(void)
{
	static const char *const boxes[] = { "INBOX", "old/mail" };
	struct door_mailbox m;
	uint32_t uid, from;
	int i, b;

	for (b = 0; b < 2; b++) {
		if (door_adopt(&door, boxes[b], 0, VALIDITY, 0, &m) == -1)
			return 0;
		assert_int_equal(m.uidvalidity, VALIDITY);
		for (i = 0; i < 2 - b; i++) {
			from = 10 + 2 * BATCH * (uint32_t)i;
			if (m.uidnext <= from &&
			    put(m.id, from, BATCH, &uid) == -1)
				return 0;
			assert_true(m.uidnext < from || m.uidnext > from +
			    2 * BATCH - 2 || m.uidnext == from - 1);
		}
		if (door_adopt(&door, boxes[b], 0, VALIDITY, NEXT, &m) == -1)
			return 0;
		assert_int_equal(m.uidnext, NEXT);
	}
	return 1;
}

static void
verify(void)
{
	struct buf out = BUF_INIT(100000);
	struct door *d = &rig.imap[0];
	struct door_mailbox m;
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(door_status(d, rig_mailbox(&rig, d,
		    i == 0 ? "INBOX" : "old/mail"), &m), 0);
		assert_int_equal(m.uidvalidity, VALIDITY);
		assert_int_equal(m.messages, (2 - i) * BATCH);
		assert_true(m.uidnext >= NEXT);
		assert_int_equal(good(d, &m), m.messages);
	}
	if (rig_control(&rig, C_CHECK, NULL, &out) != 0)
		fail_msg("%s", buf_str(&out));
	buf_clear(&out);
}

/* 1 where call n was reached. */
static int
run_to(int n, int rebuild)
{
	struct buf out = BUF_INIT(100000);
	int died = 0;

	rig_init_memory(&rig);
	rig_start(&rig);
	assert_true(open_door(ANNA));
	atomic_store(die_in, n);
	while (!run()) {
		if (died)
			fail_msg("it fails behind a death at %d", n);
		died = 1;
		door_clear(&door);
		rig_kill(&rig);
		rig_start(&rig);
		assert_true(open_door(ANNA));
	}
	atomic_store(die_in, 0);
	door_clear(&door);
	if (rebuild)
		assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) >= 0);
	rig_kill(&rig);
	rig_start(&rig);
	verify();
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&out);
	return died;
}

static void
test_every_call(void **state)
{
	int n;

	for (n = 1; n < STEP_MAX && run_to(n, 0); n++)
		;
	print_message("died at each of %d points\n", n - 1);
	assert_true(n > 30 && n < STEP_MAX);
}

/* What a rebuild finds has its ids and numbers, but that UIDNEXT is higher. */
static void
test_rebuild(void **state)
{
	(void)run_to(0, 1);
}

/* What migrate gets where the operator did not say that it may. */
static void
test_door_that_adds(void **state)
{
	static const char *const id[] = { C_DOOR_ADDS, C_DOOR_REMOVES };
	struct door_mailbox m;
	uint32_t uid, *gone;
	uint64_t modseq;
	struct door d;
	size_t n;
	int i;

	assert_int_equal(door_adopt(&door, "INBOX", 0, VALIDITY, 0, &m), 0);
	assert_int_equal(put(m.id, 7, 2, &uid), 0);
	for (i = 0; i < 2; i++) {
		assert_true(open_a_door(ANNA, id[i], &d));
		assert_int_equal(door_expunge(&d, m.id, &uid, 1, 1, &gone, &n,
		    &modseq), i == 0 ? -1 : 0);
		if (i == 0)
			assert_int_equal(door_error(&d), D_REFUSED);
		assert_int_equal(n, i);
		free(gone);
		/* It may add either way. */
		assert_int_equal(door_adopt(&d, "INBOX", 0, 0, 0, &m), 0);
		assert_int_equal(m.messages, 2 - i);
		door_clear(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inbox, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trouble, setup, teardown),
		cmocka_unit_test_setup_teardown(test_door_that_adds, setup,
		    teardown),
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_rebuild),
	};

	no_sync = mmap(NULL, 2 * sizeof(*no_sync), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (no_sync == MAP_FAILED)
		return 1;
	die_in = no_sync + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
