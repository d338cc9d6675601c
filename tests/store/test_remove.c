/*
 * All mail of an account that is no more is removed. The store dies by SIGKILL
 * at each of its system calls on files and after each commit of it: what is
 * there then is all of the mail or none, the same request finishes it, and
 * numbers of mailboxes never come back.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "store/index.h"
#include "store/shard.h"
#include "tests/store/rig.h"

#define BERT "bert@example.test"
#define MAIL "spool/mail/example.test/bert"

enum { MESSAGES = 6, STEPS = 400 };

static atomic_int *armed;	/* shared: calls left; 0: none */

static void
point(void)
{
	if (atomic_load(armed) > 0 && atomic_fetch_sub(armed, 1) == 1)
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

WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c))
WRAP(int, fsync, (int a), (a))
WRAP(int, fdatasync, (int a), (a))

uint64_t __real_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);

uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	uint64_t token = __real_engine_commit(db, list, n);

	if (atomic_load(armed) > 0) {
		(void)!engine_durable(store.engine, token);
		point();
	}
	return token;
}

static struct rig rig;
static int *no_bert;		/* shared */
static struct buf out = BUF_INIT(100000);

static void *
shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

static void
begin(void)
{
	rig_init_memory(&rig);
	rig.no_bert = no_bert;
}

static void
deliver(const char *text)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, BERT, NULL), RESULT_DELIVERED);
}

/* Six messages, one of them expunged, one in a mailbox of his own. */
static void
fill(void)
{
	struct door *d = &rig.imap[2];
	uint32_t uid = 1, *from, *to, validity;
	struct door_mailbox m;
	char text[20];
	size_t n;
	int i;

	for (i = 0; i < MESSAGES; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		deliver(text);
	}
	assert_int_equal(door_create(d, "box", 0, &m), 0);
	assert_int_equal(door_copy(d, 1, m.id, &uid, 1, DOOR_MOVE, &from, &to,
	    &n, &validity), 0);
	free(from);
	free(to);
}

static uint32_t
highest_uidvalidity(struct door *d)
{
	struct door_mailbox *m;
	uint32_t high = 0;
	size_t n, i;

	assert_int_equal(door_list(d, &m, &n), 0);
	for (i = 0; i < n; i++)
		if (m[i].uidvalidity > high)
			high = m[i].uidvalidity;
	door_list_free(&m, n);
	return high;
}

static int
there(const char *name)
{
	return access(rig_path(&rig, name), F_OK) == 0;
}

/* What is left of him in the index but row 'D'. */
static int
count_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	(void)value;
	(void)vlen;
	*(unsigned *)arg += klen != 9 || ((const char *)key)[8] != 'D';
	return 0;
}

static unsigned
rows_left(void)
{
	struct index_key from, to;
	struct buf why = BUF_INIT(300);
	unsigned i, n = 0;
	struct engine_scan s;
	struct engine *e;
	uint32_t number;
	int fresh, clean, t;

	e = engine_open(rig_path(&rig, "spool/index"), 8 << 20, &fresh,
	    &clean, &why);
	assert_non_null(e);
	for (i = 0; i < ENGINE_DBS; i++) {
		if (index_number(engine_db(e, i), BERT, &number) !=
		    ENGINE_DONE)
			continue;
		from = index_group(number, 0);
		to = index_group(number + 1, 0);
		for (t = ENGINE_CORE; t <= ENGINE_CACHE; t++) {
			index_scan(&s, (enum engine_table)t, &from, &to);
			assert_int_equal(engine_scan(engine_db(e, i), &s,
			    count_row, &n), ENGINE_DONE);
		}
	}
	engine_close(&e);
	buf_clear(&why);
	return n;
}

static int
remove_mail(void)
{
	buf_reset(&out);
	return rig_control(&rig, C_REMOVE, BERT, &out);
}

/* After a death: all of his mail is there, or none, and neither in part. */
static void
all_or_none(int *was_there)
{
	size_t in_inbox, in_box, found;

	*was_there = there(MAIL);
	if (!*was_there)
		return;
	*no_bert = 0;
	found = rig_find(&rig, &rig.imap[2], 1, "message 5", &in_inbox);
	assert_int_equal(found, 1);
	assert_int_equal(in_inbox, MESSAGES - 1);
	assert_int_equal(rig_find(&rig, &rig.imap[2],
	    rig_mailbox(&rig, &rig.imap[2], "box"), "message 0", &in_box), 1);
	*no_bert = 1;
}

/* 1 where there was a call n. */
static int
remove_to(int n, int *kept)
{
	uint32_t before, after;
	int r, was_there;

	begin();
	*no_bert = 0;
	rig_start(&rig);
	fill();
	before = highest_uidvalidity(&rig.imap[2]);
	*no_bert = 1;
	atomic_store(armed, n);
	r = remove_mail();
	atomic_store(armed, 0);
	rig_kill(&rig);
	rig_start(&rig);
	if (r == RIG_DIED) {
		all_or_none(&was_there);
		*kept += was_there;
		r = remove_mail();
		assert_true(was_there ? r == 1 : r == 1 || r == -1);
		r = RIG_DIED;
	} else {
		assert_int_equal(r, 1);
		assert_int_equal(remove_mail(), -1);
	}
	assert_false(there(MAIL));
	assert_false(there("spool/mail/.removed"));
	assert_int_equal(rig_stop(&rig), 0);
	assert_int_equal(rows_left(), 0);
	/* The next one of that name begins above all that there was. */
	*no_bert = 0;
	rig_start(&rig);
	deliver("anew");
	after = highest_uidvalidity(&rig.imap[2]);
	assert_true(after > before + 5);
	assert_int_equal(rig_control(&rig, C_CHECK, BERT, &out), 0);
	rig_clear(&rig);
	return r == RIG_DIED;
}

static void
test_every_call(void **state)
{
	int n, kept = 0;

	(void)state;
	for (n = 1; n < STEPS && remove_to(n, &kept); n++)
		;
	print_message("died at each of %d points, %d of them before the end\n",
	    n - 1, kept);
	assert_true(n > 20 && n < STEPS && kept > 3 && kept < n - 5);
}

/* Who is in the tables keeps his mail; who has none has none to remove. */
static void
test_refused(void **state)
{
	size_t n;

	(void)state;
	begin();
	*no_bert = 0;
	rig_start(&rig);
	fill();
	assert_int_equal(remove_mail(), -1);
	(void)rig_find(&rig, &rig.imap[2], 1, "message", &n);
	assert_int_equal(n, MESSAGES - 1);
	assert_int_equal(rig_control(&rig, C_REMOVE, "nobody@example.test",
	    &out), -1);
	assert_int_equal(rig_control(&rig, C_REMOVE, "../../x", &out), -1);
	/* Nothing outside of the mail folder goes by a link. */
	assert_int_equal(mkdir(rig_path(&rig, "elsewhere"), 0700), 0);
	assert_int_equal(symlink(rig_path(&rig, "elsewhere"),
	    rig_path(&rig, MAIL "/77")), 0);
	*no_bert = 1;
	assert_int_equal(remove_mail(), -1);
	*no_bert = 0;
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	(void)rig_find(&rig, &rig.imap[2], 1, "message", &n);
	assert_int_equal(n, MESSAGES - 1);
	rig_clear(&rig);
}

/* His doors end, whoever waits for the account is answered, and it goes while
   others are served. */
static void
test_doors(void **state)
{
	struct door_mailbox *m;
	char id[17];
	size_t n;

	(void)state;
	begin();
	*no_bert = 0;
	rig_start(&rig);
	fill();
	assert_int_equal(door_list(&rig.imap[2], &m, &n), 0);
	door_list_free(&m, n);
	*no_bert = 1;
	assert_int_equal(remove_mail(), 1);
	assert_string_equal(buf_str(&out), BERT "|6\n");
	assert_int_equal(door_list(&rig.imap[2], &m, &n), -1);
	rig_file(&rig, "late", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, NULL), RESULT_NEVER);
	assert_int_equal(door_list(&rig.imap[0], &m, &n), 0);
	door_list_free(&m, n);
	rig_clear(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_every_call),
	};

	armed = shared(sizeof(*armed));
	no_bert = shared(sizeof(int));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
