/*
 * The store dies by SIGKILL at each of its system calls on files, before and
 * behind it, one after the other, until a run ends without reaching the next.
 * After each death it is started again and what was not answered is repeated:
 * nothing may be lost, no delivery made twice, and check finds nothing. Then
 * it dies at random moments under load. And a DELETE that is cut short leaves
 * nothing that counts.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/map/map.h"
#include "lib/mail/proto.h"
#include "store/account.h"
#include "store/index.h"
#include "store/op_move.h"
#include "store/shard.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

enum { STEP_MAX = 2000, KILLS = 25, LOAD = 1500, OUTSTANDING = 40,
	APPENDED = 3 };

static int die_at;		/* 0: never */
static atomic_int calls;
static atomic_int *armed;	/* shared: calls left from now on; 0: none */

static void
point(void)
{
	if (armed != NULL && atomic_load(armed) > 0 &&
	    atomic_fetch_sub(armed, 1) == 1)
		kill(getpid(), SIGKILL);
	if (die_at > 0 && atomic_fetch_add(&calls, 1) + 1 == die_at)
		kill(getpid(), SIGKILL);
}

#define WRAP(type, name, params, args)		\
type	__real_##name params;			\
type	__wrap_##name params;			\
type						\
__wrap_##name params				\
{						\
	type r;					\
						\
	point();				\
	r = __real_##name args;			\
	point();				\
	return r;				\
}

WRAP(int, linkat, (int a, const char *b, int c, const char *d, int e),
    (a, b, c, d, e))
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c))
WRAP(int, fsync, (int a), (a))
WRAP(int, fdatasync, (int a), (a))

static atomic_int *commits;	/* shared: a MOVE's commits left; 0: none */
static _Thread_local const struct engine_batch *moving;	/* the next of them */

void	__real_moved_note(const struct moved *v, uint32_t to);
void	__wrap_moved_note(const struct moved *v, uint32_t to);
void	__real_moved_delete(struct moved *v);
void	__wrap_moved_delete(struct moved *v);
uint64_t __real_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);

void
__wrap_moved_note(const struct moved *v, uint32_t to)
{
	__real_moved_note(v, to);
	moving = &v->m->account->batch;
}

void
__wrap_moved_delete(struct moved *v)
{
	__real_moved_delete(v);
	moving = &v->m->account->batch;
}

/* Whether this is one of a MOVE's: other accounts have theirs meanwhile. */
static int
is_moving(struct engine_batch *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n && list[i] != moving; i++)
		;
	if (i == n)
		return 0;
	moving = NULL;
	return 1;
}

/* Dies after a commit that is durable, before anything else is. */
uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	uint64_t token = __real_engine_commit(db, list, n);

	if (is_moving(list, n) && commits != NULL &&
	    atomic_load(commits) > 0 && atomic_fetch_sub(commits, 1) == 1) {
		(void)!engine_durable(store.engine, token);
		kill(getpid(), SIGKILL);
	}
	return token;
}

static int untold;		/* whether a file is there cannot be told */

int	__real_body_present(const char *user, uint32_t mailbox, uint32_t uid);
int	__wrap_body_present(const char *user, uint32_t mailbox, uint32_t uid);

int
__wrap_body_present(const char *user, uint32_t mailbox, uint32_t uid)
{
	return untold ? -1 : __real_body_present(user, mailbox, uid);
}

static struct rig rig;
static char first[17], second[17];

/* The steps: 1 when done, 0 when the store went away. */

static int
deliver_first(struct door *d)
{
	return rig_deliver(&rig, first, ANNA, NULL) == RESULT_DELIVERED;
}

static int
deliver_second(struct door *d)
{
	return rig_deliver(&rig, second, ANNA, NULL) == RESULT_DELIVERED;
}

static int
create_box(struct door *d)
{
	struct door_mailbox m;

	return door_create(d, "box", 0, &m) == 0 || door_error(d) == D_EXISTS;
}

static int
copy_first(struct door *d)
{
	uint32_t uid = 1, *from, *to, validity;
	size_t n;

	/* Trash is the fifth that the first use makes */
	if (door_copy(d, 1, 5, &uid, 1, 0, &from, &to, &n, &validity) == -1)
		return 0;
	assert_int_equal(n, 1);
	free(from);
	free(to);
	return 1;
}

static int
move_second(struct door *d)
{
	uint32_t uid = 2, *from, *to, validity;
	size_t n;

	if (door_copy(d, 1, 7, &uid, 1, 1, &from, &to, &n, &validity) == -1)
		return 0;
	free(from);
	free(to);
	return 1;
}

static int
flag_first(struct door *d)
{
	char *words[] = { "Red", NULL };
	uint32_t uid = 1, *failed;
	struct door_record *rec;
	size_t n, n_failed;

	if (door_store(d, 1, &uid, 1, DOOR_ADD, FLAG_DELETED, words,
	    UINT64_MAX, &rec, &n, &failed, &n_failed) == -1)
		return 0;
	free(rec);
	free(failed);
	return 1;
}

static int
expunge_first(struct door *d)
{
	uint32_t uid = 1, *gone;
	uint64_t modseq;
	size_t n;

	/* a lost flag may have to be set again */
	if (!flag_first(d) || door_expunge(d, 1, &uid, 1, 0, &gone, &n,
	    &modseq) == -1)
		return 0;
	free(gone);
	return 1;
}

static int
rename_box(struct door *d)
{
	return door_rename(d, "box", "sub/box") == 0 ||
	    door_error(d) == D_ABSENT;
}

/* Into Drafts, the third that the first use makes: all of them or none. */
static int
append_three(struct door *d)
{
	static const char text[] = "third";
	struct door_appended m[APPENDED];
	char name[APPENDED][DOOR_FILE_NAME + 1];
	uint32_t id, uid, validity;
	const uint32_t *list;
	struct door_mailbox box;
	int fd, listed;
	size_t i, n;

	if (door_status(d, 3, &box) == -1)
		return 0;
	assert_int_equal(box.messages % APPENDED, 0);
	for (i = 0; i < APPENDED; i++) {
		if (door_file(d, &fd, name[i]) == -1)
			return 0;
		assert_int_equal(fd_write_all(fd, text, 5), 0);
		close(fd);
		m[i] = (struct door_appended){ .file = name[i], .size = 5,
		    .crc = crc32c(0, text, 5), .header_len = 5 };
	}
	if (door_append_begin(d, 3, m, APPENDED, &id) == -1)
		return 0;
	while (!door_answered(d) &&
	    poll(&(struct pollfd){ d->chan.fd, POLLIN, 0 }, 1, 1000) >= 0)
		if (door_events(d, &list, &n, &listed) == -1)
			break;
	return door_append_end(d, id, &uid, &validity) == 0;
}

static int (*const steps[])(struct door *) = {
	deliver_first, deliver_second, create_box, copy_first, move_second,
	flag_first, expunge_first, rename_box, append_three,
};

static void
verify(void)
{
	struct buf out = BUF_INIT(100000);
	struct door *d = &rig.imap[0];
	size_t n;

	assert_int_equal(rig_find(&rig, d, 1, "first", &n), 0);
	assert_int_equal(n, 0);
	assert_true(rig_find(&rig, d, 5, "first", &n) >= 1);
	assert_int_equal(rig_find(&rig, d, rig_mailbox(&rig, d, "sub/box"),
	    "second", &n), 1);
	assert_int_equal(n, 1);
	assert_true(rig_find(&rig, d, 3, "third", &n) >= APPENDED);
	assert_int_equal(n % APPENDED, 0);
	n = (size_t)rig_control(&rig, C_CHECK, NULL, &out);
	if (n != 0)
		print_error("die_at %d: %s\n", die_at, buf_str(&out));
	assert_int_equal(n, 0);
	buf_clear(&out);
}

/* One life with a death at call n; 1 where n was reached. */
static int
run_to(int n)
{
	size_t i;
	int died = 0;

	rig_init_memory(&rig);
	rig_file(&rig, "first", first);
	rig_file(&rig, "second", second);
	die_at = n;
	rig_start(&rig);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]);) {
		if (steps[i](&rig.imap[0])) {
			i++;
			continue;
		}
		if (died)
			fail_msg("step %zu fails behind a death at %d", i, n);
		died = 1;
		rig_kill(&rig);
		die_at = 0;
		rig_start(&rig);
	}
	die_at = 0;
	if (!died) {
		/* the stop has its calls too */
		died = rig_stop(&rig) != 0;
		rig_start(&rig);
	}
	verify();
	rig_kill(&rig);
	rig_start(&rig);
	verify();
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	return died;
}

static void
test_every_call(void **state)
{
	int n;

	for (n = 1; n < STEP_MAX && run_to(n); n++)
		;
	print_message("died at each of %d points\n", n - 1);
	assert_true(n > 50 && n < STEP_MAX);
}

static void
finds_nothing(const char *who)
{
	struct buf out = BUF_INIT(100000);

	if (rig_control(&rig, C_CHECK, who, &out) != 0)
		fail_msg("%s", buf_str(&out));
	buf_clear(&out);
}

/*
 * The account whose expunge a crash cut off is not used in the start behind
 * it, or cannot be looked at there: the expunge is finished in a later one,
 * though what came between ended in order.
 */
static void
expunge_later(int looked_at)
{
	static const char mailbox[] = "spool/mail/example.test/carl/1";
	struct buf out = BUF_INIT(1000);
	char cmd[300];

	rig_init_memory(&rig);
	die_at = 0;
	rig_file(&rig, "first", first);
	rig_start(&rig);
	assert_int_equal(rig_deliver(&rig, first, "carl@example.test", NULL),
	    RESULT_DELIVERED);
	/* a flags file that is behind would have the next start read it */
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	finds_nothing(ANNA);
	rig_kill(&rig);
	snprintf(cmd, sizeof(cmd), "cd '%s' && mkdir expunged && "
	    "mv 1 expunged/1", rig_path(&rig, mailbox));
	assert_int_equal(system(cmd), 0);
	untold = looked_at;
	rig_start(&rig);
	untold = 0;
	finds_nothing(ANNA);
	if (looked_at)
		assert_int_equal(rig_control(&rig, C_LIST, "carl@example.test",
		    &out), 1);
	buf_clear(&out);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	finds_nothing("carl@example.test");
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	finds_nothing("carl@example.test");
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

static void
test_expunge_later(void **state)
{
	expunge_later(0);
	expunge_later(1);
}

struct load {
	char	 id[LOAD][17];
	char	 answered[LOAD];
	unsigned sent, done, in_flight_kills, kills;
};

static struct load load;

/* Sends and takes answers until the store dies; or all is answered (1). */
static int
run_load(void)
{
	struct door *d = &rig.deliver[0];
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	char words[RESULT_WORDS_MAX + 1];
	unsigned i = 0, out = 0;
	enum result result;
	uint32_t tag;
	int got;

	for (;;) {
		for (; i < LOAD && out < OUTSTANDING; i++) {
			if (load.answered[i])
				continue;
			if (rig_send(d, i, load.id[i], ANNA,
			    rig_open(&rig, load.id[i]), 16, 1) == -1)
				return 0;
			out++;
		}
		while ((got = rig_answer(d, &tag, &result, words)) == 1) {
			out--;
			if (result == RESULT_DELIVERED) {
				load.done += !load.answered[tag];
				load.answered[tag] = 1;
			}
		}
		if (got == -1)
			return 0;
		if (out == 0 && i == LOAD)
			return 1;
		poll(&p, 1, 1000);
	}
}

static void
test_load(void **state)
{
	struct buf out = BUF_INIT(100000);
	char text[17];
	unsigned i;
	size_t n;
	pid_t killer;

	rig_init_memory(&rig);
	for (i = 0; i < LOAD; i++) {
		snprintf(text, sizeof(text), "%015u\n", i);
		rig_file(&rig, text, load.id[i]);
	}
	srandom(4711);
	die_at = 0;
	for (i = 0; ; i++) {
		rig_start(&rig);
		if (i == KILLS) {
			while (!run_load())
				fail_msg("died by itself");
			break;
		}
		killer = fork();
		if (killer == 0) {
			usleep((useconds_t)(random() % 60000 + 20000));
			kill(rig.pid, SIGKILL);
			_exit(0);
		}
		(void)random();
		(void)run_load();
		kill(rig.pid, SIGKILL);
		rig_kill(&rig);
		waitpid(killer, NULL, 0);
	}
	assert_int_equal(load.done, LOAD);
	for (i = 0; i < LOAD; i += 97) {
		snprintf(text, sizeof(text), "%015u\n", i);
		assert_int_equal(rig_find(&rig, &rig.imap[0], 1, text, &n), 1);
		assert_int_equal(n, LOAD);
	}
	n = (size_t)rig_control(&rig, C_CHECK, ANNA, &out);
	if (n != 0)
		print_error("%s\n", buf_str(&out));
	assert_int_equal(n, 0);
	buf_clear(&out);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

/* bert has three messages, as many as he may: two of them in a mailbox. */
static uint32_t
fill_bert(void)
{
	struct door *d = &rig.imap[2];
	uint32_t uids[] = { 1 }, *from, *to, validity;
	struct door_mailbox m;
	char id[17];
	size_t n;
	int i;

	rig_file(&rig, "first", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, NULL), RESULT_DELIVERED);
	assert_int_equal(door_create(d, "box", 0, &m), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(door_copy(d, 1, m.id, uids, 1, 0, &from, &to,
		    &n, &validity), 0);
		free(from);
		free(to);
	}
	return m.id;
}

static int
bert_is_full(void)
{
	struct buf why = BUF_INIT(300);
	struct map *m = map_cdb_open(rig_path(&rig, "jail/state/full.cdb"), 0,
	    &why);
	const char *p;
	size_t len;
	int r = m == NULL || map_find(m, BERT, strlen(BERT), &p, &len) !=
	    MAP_ABSENT;

	map_free(&m);
	buf_clear(&why);
	return r;
}

static int
count_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	unsigned *n = arg;

	(*n)++;
	return 0;
}

static int
find_bert(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct index_key u = index_account_key(0, 'u');
	struct cursor c;

	if (klen != u.len + strlen(BERT) ||
	    memcmp((const char *)key + u.len, BERT, strlen(BERT)) != 0)
		return 0;
	cursor_init(&c, value, vlen);
	*(uint32_t *)arg = cursor_u32(&c);
	return 1;
}

/* Rows of bert's mailbox in the index, which nobody has open. */
static unsigned
rows_left(uint32_t mailbox)
{
	struct index_key from, to, row;
	struct buf why = BUF_INIT(300), v = BUF_INIT(0);
	struct engine_db *db = NULL;
	struct engine_scan s;
	struct engine *e;
	uint32_t number = 0;
	unsigned i, n = 0;
	int fresh, clean;

	e = engine_open(rig_path(&rig, "spool/index"), 8 << 20, &fresh,
	    &clean, &why);
	assert_non_null(e);
	for (i = 0; i < ENGINE_DBS && number == 0; i++) {
		db = engine_db(e, i);
		index_scan_kind(&s, 0, 'u');
		assert_true(engine_scan(db, &s, find_bert, &number) <=
		    ENGINE_MORE);
	}
	assert_int_not_equal(number, 0);
	from = index_group(number, mailbox);
	to = index_group(number, mailbox + 1);
	index_scan(&s, ENGINE_CORE, &from, &to);
	assert_int_equal(engine_scan(db, &s, count_row, &n), ENGINE_DONE);
	row = index_key_u32(number, 'M', mailbox);
	n += engine_get(db, ENGINE_CORE, row.k, row.len, &v) == ENGINE_DONE;
	buf_clear(&why);
	buf_clear(&v);
	engine_close(&e);
	return n;
}

/* A death at call n of a DELETE. 1 where n was reached. */
static int
delete_to(int n)
{
	uint32_t id;
	int i, died;
	size_t left;

	rig_init_memory(&rig);
	rig.quota_count = 3;
	rig_start(&rig);
	id = fill_bert();
	for (i = 0; i < 3000 && !bert_is_full(); i++)
		usleep(10000);
	atomic_store(armed, n);
	died = door_delete(&rig.imap[2], id) == -1;
	atomic_store(armed, 0);
	rig_kill(&rig);
	rig_start(&rig);
	/* Before the list was replaced there was no DELETE. */
	if (rig_mailbox(&rig, &rig.imap[2], "box") != 0) {
		(void)rig_find(&rig, &rig.imap[2], id, "first", &left);
		assert_int_equal(left, 2);
		assert_int_equal(door_delete(&rig.imap[2], id), 0);
	}
	for (i = 0; i < 12000 && bert_is_full(); i++)
		usleep(10000);
	assert_false(bert_is_full());
	assert_int_equal(rig_stop(&rig), 0);
	assert_int_equal(rows_left(id), 0);
	rig_clear(&rig);
	return died;
}

static void
test_delete(void **state)
{
	int n;

	armed = mmap(NULL, sizeof(*armed), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(armed != MAP_FAILED);
	for (n = 1; n < STEP_MAX && delete_to(n); n++)
		;
	print_message("died at each of %d points of a DELETE\n", n - 1);
	assert_true(n > 4 && n < STEP_MAX);
}

static int
lies_in(const char *name)
{
	return access(rig_path(&rig, name), F_OK) == 0;
}

/*
 * Dies after the n-th commit of a MOVE: 1 where there was one. The message is
 * in one of the mailboxes, once it is in the target it stays there, and its old
 * name goes, also where the index is made anew before the rest is done.
 */
static int
move_to(int n, int rebuild, unsigned *moved)
{
	static const char name[] = "spool/mail/example.test/anna/1/1";
	struct door *d = &rig.imap[0];
	struct buf out = BUF_INIT(100000);
	uint32_t uid = 1, *from = NULL, *to = NULL, validity;
	size_t a, z, pairs;
	int i, died;

	rig_init_memory(&rig);
	rig_file(&rig, "first", first);
	rig_start(&rig);
	assert_true(deliver_first(d));
	atomic_store(commits, n);
	died = door_copy(d, 1, 5, &uid, 1, DOOR_MOVE, &from, &to, &pairs,
	    &validity) == -1;
	atomic_store(commits, 0);
	free(from);
	free(to);
	rig_kill(&rig);
	rig_start(&rig);
	if (rebuild)
		(void)rig_control(&rig, C_REBUILD, ANNA, &out);
	for (i = 0; i < 500 && lies_in(name) &&
	    rig_find(&rig, d, 5, "first", &z) == 1; i++)
		usleep(10000);
	z = rig_find(&rig, d, 5, "first", &pairs);
	assert_int_equal(pairs, z);
	a = rig_find(&rig, d, 1, "first", &pairs);
	assert_int_equal(pairs, a);
	assert_int_equal(a + z, 1);
	assert_true(died || z == 1);
	assert_int_equal(lies_in(name), a);
	*moved += (unsigned)z;
	finds_nothing(ANNA);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&out);
	return died;
}

static void
test_move_between(void **state)
{
	unsigned moved = 0;
	int n, rebuild;

	die_at = 0;
	commits = mmap(NULL, sizeof(*commits), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(commits != MAP_FAILED);
	for (rebuild = 0; rebuild < 2; rebuild++) {
		for (n = 1; n < 50 && move_to(n, rebuild, &moved); n++)
			;
		print_message("died behind each of %d commits\n", n - 1);
		assert_int_equal(n, 3);
	}
	/* Once the first of them is durable the message is in the target. */
	assert_int_equal(moved, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expunge_later),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_move_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
