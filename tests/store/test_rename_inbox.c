/*
 * RENAME of INBOX: its messages move, all or none of them, wherever the store
 * dies; INBOX stays, and what comes meanwhile is in one of the two.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/proto.h"
#include "store/shard.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

enum { FEW = 3, MANY = DOOR_CHANGE_MAX + 100, POINT_MAX = 500 };

/* Shared with the store: calls, and commits, that it lives on; 0: for ever. */
static atomic_int *calls, *commits;

static void
point(atomic_int *left)
{
	if (left != NULL && atomic_load(left) > 0 &&
	    atomic_fetch_sub(left, 1) == 1)
		kill(getpid(), SIGKILL);
}

#define WRAP(type, name, params, args)		\
type	__real_##name params;			\
type	__wrap_##name params;			\
						\
type						\
__wrap_##name params				\
{						\
	type r;					\
						\
	point(calls);				\
	r = __real_##name args;			\
	point(calls);				\
	return r;				\
}

WRAP(int, linkat, (int a, const char *b, int c, const char *d, int e),
    (a, b, c, d, e))
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c))
WRAP(int, fsync, (int a), (a))

uint64_t __real_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);

/* Dies after a commit that is durable, before anything else is. */
uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	uint64_t token = __real_engine_commit(db, list, n);

	if (commits != NULL && atomic_load(commits) == 1)
		(void)!engine_durable(store.engine, token);
	point(commits);
	return token;
}

static struct rig rig;

static void
begin(void)
{
	rig_init_memory(&rig);
	rig_start(&rig);
}

static void
finish(void)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

/* Waits for the answer to a call that was begun. */
static void
answered(struct door *d)
{
	const uint32_t *list;
	int listed;
	size_t n;

	while (!door_answered(d)) {
		(void)poll(&(struct pollfd){ .fd = d->chan.fd,
		    .events = POLLIN }, 1, 100);
		if (door_events(d, &list, &n, &listed) == -1)
			break;
	}
}

/* n messages "<0>", "<1>" ... into INBOX, the second with that keyword. */
static void
fill(struct door *d, size_t n, const char *keyword)
{
	char word[20], *words[] = { word, NULL };
	static char text[700][12], name[700][DOOR_FILE_NAME + 1];
	static struct door_appended m[700];
	uint32_t id, uid, validity;
	size_t i, k, len;
	int fd;

	snprintf(word, sizeof(word), "%s", keyword != NULL ? keyword : "");
	for (i = 0; i < n; i += k) {
		for (k = 0; k < 700 && i + k < n; k++) {
			len = (size_t)snprintf(text[k], sizeof(text[k]),
			    "<%zu>", i + k);
			assert_int_equal(door_file(d, &fd, name[k]), 0);
			assert_int_equal(fd_write_all(fd, text[k], len), 0);
			close(fd);
			m[k] = (struct door_appended){ .file = name[k],
			    .size = len, .crc = crc32c(0, text[k], len),
			    .header_len = (uint32_t)len,
			    .keywords = k == 1 && keyword != NULL ? words :
			    NULL };
		}
		assert_int_equal(door_append_begin(d, 1, m, k, &id), 0);
		answered(d);
		assert_int_equal(door_append_end(d, id, &uid, &validity), 0);
	}
}

/* 0, or -1: the store went away. */
static int
rename_to(struct door *d, const char *name)
{
	uint32_t id;

	if (door_rename_begin(d, "INBOX", name, &id) == -1)
		return -1;
	answered(d);
	return door_rename_end(d, id);
}

static struct door_mailbox
status(struct door *d, uint32_t id)
{
	struct door_mailbox m = { 0 };

	if (id != 0)
		assert_int_equal(door_status(d, id, &m), 0);
	return m;
}

static void
finds_nothing(void)
{
	struct buf out = BUF_INIT(100000);

	if (rig_control(&rig, C_CHECK, ANNA, &out) != 0)
		fail_msg("%s", buf_str(&out));
	buf_clear(&out);
}

static void
test_moves(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox was, m;
	struct door_record *rec;
	uint32_t to, *gone;
	uint64_t modseq;
	size_t n, n_gone, i;
	int complete;

	begin();
	assert_int_equal(door_create(d, "INBOX/below", 0, &m), 0);
	fill(d, FEW, "work");
	was = status(d, 1);
	assert_int_equal(rename_to(d, "a/b"), 0);
	to = rig_mailbox(&rig, d, "a/b");
	m = status(d, 1);
	assert_int_equal(m.messages, 0);
	assert_int_equal(m.uidvalidity, was.uidvalidity);
	assert_int_equal(m.uidnext, was.uidnext);
	assert_true(m.attrs & ATTR_SUBSCRIBED);
	assert_int_equal(rig_mailbox(&rig, d, "INBOX"), 1);
	assert_int_not_equal(rig_mailbox(&rig, d, "INBOX/below"), 0);
	/* Who has it selected is told what went. */
	assert_int_equal(door_records(d, 1, was.highestmodseq, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_true(complete && n == 0 && n_gone == FEW && modseq ==
	    m.highestmodseq);
	free(rec);
	free(gone);
	m = status(d, to);
	assert_int_equal(m.messages, FEW);
	assert_int_not_equal(m.uidvalidity, was.uidvalidity);
	assert_int_equal(m.uidnext, FEW + 1);
	assert_int_equal(door_records(d, to, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_int_equal(n, FEW);
	for (i = 0; i < n; i++)
		assert_true((rec[i].keywords != 0) == (i == 1));
	free(rec);
	free(gone);
	/* Of an empty one; and not to a name that is there. */
	assert_int_equal(rename_to(d, "empty"), 0);
	assert_int_equal(status(d, rig_mailbox(&rig, d, "empty")).messages, 0);
	assert_int_equal(rename_to(d, "a/b"), -1);
	assert_int_equal(door_error(d), D_EXISTS);
	finds_nothing();
	finish();
}

/* Where a message cannot be read nothing has moved, and no mailbox is made. */
static void
test_fails(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t id;

	begin();
	fill(d, FEW, NULL);
	id = status(d, 1).uidnext - 1;
	assert_int_equal(unlink(rig_path(&rig,
	    "spool/mail/example.test/anna/1/2")), 0);
	assert_int_equal(rename_to(d, "taken"), -1);
	assert_int_equal(status(d, 1).messages, FEW);
	assert_int_equal(status(d, 1).uidnext, id + 1);
	assert_int_equal(rig_mailbox(&rig, d, "taken"), 0);
	assert_int_equal(access(rig_path(&rig,
	    "spool/mail/example.test/anna/1/1"), F_OK), 0);
	finish();
}

/* What comes meanwhile is there when it is answered, in one of the two. */
static void
test_deliveries_between(void **state)
{
	struct door *d = &rig.imap[0], *in = &rig.deliver[0];
	char file[17], words[RESULT_WORDS_MAX + 1];
	uint32_t id, tag, to;
	enum result result;
	size_t k, n, m;
	int got = 0;

	begin();
	fill(d, MANY, NULL);
	rig_file(&rig, "came", file);
	assert_int_equal(door_rename_begin(d, "INBOX", "taken", &id), 0);
	for (k = 0; k < 20; k++, got = 0) {
		rig_file(&rig, "came", file);
		assert_int_equal(rig_send(in, (uint32_t)k, file, ANNA,
		    rig_open(&rig, file), 4, 1), 0);
		while (got == 0)
			got = rig_answer(in, &tag, &result, words);
		assert_int_equal(got, 1);
		assert_int_equal(result, RESULT_DELIVERED);
	}
	answered(d);
	assert_int_equal(door_rename_end(d, id), 0);
	to = rig_mailbox(&rig, d, "taken");
	assert_int_equal(rig_find(&rig, d, 1, "came", &n) +
	    rig_find(&rig, d, to, "came", &m), 20);
	assert_int_equal(n + m, MANY + 20);
	assert_true(m >= MANY);
	finds_nothing();
	finish();
}

/* After a death: each message is there once, and all are in one mailbox. */
static void
verify(size_t n)
{
	struct door *d = &rig.imap[0];
	uint32_t to = rig_mailbox(&rig, d, "taken");
	size_t in = status(d, 1).messages, out = status(d, to).messages, a, b;
	char text[30];

	if (in + out != n || (in != 0 && out != 0))
		fail_msg("%zu in INBOX, %zu in the other", in, out);
	snprintf(text, sizeof(text), "<%zu>", n / 2);
	assert_int_equal(rig_find(&rig, d, 1, text, &a) + (to == 0 ? 0 :
	    rig_find(&rig, d, to, text, &b)), 1);
	finds_nothing();
}

/* One life that ends at that call or commit; 1 where it was reached. */
static int
dies_at(atomic_int *left, int at, size_t n)
{
	int r, died;

	begin();
	fill(&rig.imap[0], n, NULL);
	atomic_store(left, at);
	r = rename_to(&rig.imap[0], "taken");
	/* It may die behind the answer, of what it does then. */
	died = atomic_exchange(left, 0) == 0;
	assert_true(r == 0 || died);
	if (died) {
		rig_kill(&rig);
		rig_start(&rig);
	}
	verify(n);
	rig_kill(&rig);
	rig_start(&rig);
	verify(n);
	finish();
	return died;
}

static void
test_every_call(void **state)
{
	int i;

	for (i = 1; i < POINT_MAX && dies_at(calls, i, FEW); i++)
		;
	print_message("died at each of %d points\n", i - 1);
	assert_true(i > 15 && i < POINT_MAX);
}

/* So many that the source's rows go in several commits. */
static void
test_every_commit(void **state)
{
	int i;

	for (i = 1; i < POINT_MAX && dies_at(commits, i, MANY); i++)
		;
	print_message("died behind each of %d commits\n", i - 1);
	assert_true(i > 5 && i < POINT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves), cmocka_unit_test(test_fails),
		cmocka_unit_test(test_deliveries_between),
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_every_commit),
	};

	calls = mmap(NULL, 2 * sizeof(*calls), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (calls == MAP_FAILED)
		return 1;
	commits = calls + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
