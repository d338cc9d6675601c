/*
 * An account gets another name, in another domain and another database. The
 * store dies by SIGKILL at each of its system calls on files and after each
 * commit of it: the mail is whole under one name, and the same request, or the
 * first use of the new name, finishes it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "store/index.h"
#include "store/shard.h"
#include "tests/store/rig.h"

#define BERT "bert@example.test"
#define OLD "spool/mail/other.test/bernd"
#define NEW "spool/mail/example.test/bert"

enum { MESSAGES = 6, STEPS = 400 };

static atomic_int *armed;	/* shared: calls left; 0: none */
static int *is_renamed, *no_bert;	/* shared, for the rig */

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
	rig.renamed = is_renamed;
	rig.no_bert = no_bert;
	*is_renamed = 0;
	*no_bert = 1;
}

static enum result
deliver(const char *text, const char *who)
{
	char id[17];

	rig_file(&rig, text, id);
	return rig_deliver(&rig, id, who, NULL);
}

static void
fill(void)
{
	char text[20];
	int i;

	for (i = 0; i < MESSAGES; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		assert_int_equal(deliver(text, RIG_FORMER), RESULT_DELIVERED);
	}
}

/* The tables' edit. */
static void
edit(void)
{
	*is_renamed = 1;
	*no_bert = 0;
}

static int
there(const char *name)
{
	return access(rig_path(&rig, name), F_OK) == 0;
}

static int
rename_him(void)
{
	buf_reset(&out);
	return rig_control(&rig, C_RENAME, BERT, &out);
}

static void
has_all(int more)
{
	size_t n;

	assert_int_equal(rig_find(&rig, &rig.imap[2], 1, "message 5", &n), 1);
	assert_int_equal(n, MESSAGES + more);
}

static unsigned
count_rows(const char *name)
{
	struct index_key from;
	struct buf why = BUF_INIT(300);
	struct buf v = BUF_INIT(0);
	unsigned i, n = 0;
	struct engine *e;
	uint32_t number;
	int fresh, clean;

	e = engine_open(rig_path(&rig, "spool/index"), 8 << 20, &fresh,
	    &clean, &why);
	assert_non_null(e);
	for (i = 0; i < ENGINE_DBS; i++) {
		if (index_number(engine_db(e, i), name, &number) !=
		    ENGINE_DONE)
			continue;
		from = index_key_u32(number, 'M', 1);
		n += engine_get(engine_db(e, i), ENGINE_CORE, from.k,
		    from.len, &v) == ENGINE_DONE;
	}
	engine_close(&e);
	buf_clear(&v);
	buf_clear(&why);
	return n;
}

/* 1 where there was a call n. late: nobody repeats the request, mail comes. */
static int
rename_to(int n, int late, int *old)
{
	int r, i;

	begin();
	rig_start(&rig);
	fill();
	assert_int_equal(rename_him(), 0);	/* that name is free */
	edit();
	atomic_store(armed, n);
	r = rename_him();
	atomic_store(armed, 0);
	rig_kill(&rig);
	assert_int_equal(there(OLD) + there(NEW), 1);
	*old += there(OLD);
	rig_start(&rig);
	if (late)
		for (i = 0; i < 300 && deliver("late", BERT) !=
		    RESULT_DELIVERED; i++)
			usleep(100000);
	else
		assert_int_equal(rename_him(), 0);
	assert_false(there(OLD));
	has_all(late);
	assert_int_equal(deliver("x", RIG_FORMER), RESULT_LATER);
	assert_int_equal(rig_control(&rig, C_CHECK, BERT, &out), 0);
	assert_int_equal(rig_stop(&rig), 0);
	assert_int_equal(count_rows(RIG_FORMER), 0);
	assert_int_equal(count_rows(BERT), 1);
	rig_clear(&rig);
	return r == RIG_DIED;
}

static void
test_every_call(void **state)
{
	int n, old = 0;

	(void)state;
	for (n = 1; n < STEPS && rename_to(n, n % 8 == 3, &old); n++)
		;
	print_message("died at each of %d points, %d of them before the end\n",
	    n - 1, old);
	assert_true(n > 12 && n < STEPS && old > 5 && old < n);
}

/* What was seen of it by a client is the same; what comes is above it. */
static void
test_numbers(void **state)
{
	struct door_mailbox before, after;

	(void)state;
	begin();
	rig_start(&rig);
	fill();
	edit();
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	/* It is another one's already. */
	assert_int_equal(rig_control(&rig, C_REMOVE, RIG_FORMER, &out), -1);
	assert_int_equal(rename_him(), 0);
	assert_int_equal(door_status(&rig.imap[2], 1, &before), 0);
	assert_int_equal(before.uidnext, MESSAGES + 1);
	assert_int_equal(deliver("new", BERT), RESULT_DELIVERED);
	assert_int_equal(door_status(&rig.imap[2], 1, &after), 0);
	assert_int_equal(after.uidnext, MESSAGES + 2);
	assert_int_equal(after.uidvalidity, before.uidvalidity);
	assert_true(after.highestmodseq > before.highestmodseq);
	rig_clear(&rig);
}

/* Nobody wrote to the old name: the new one begins with nothing. And a name
   that has mail is not free. */
static void
test_edges(void **state)
{
	size_t n;
	int i;

	(void)state;
	begin();
	rig_start(&rig);
	edit();
	for (i = 0; i < 300 && deliver("first", BERT) != RESULT_DELIVERED; i++)
		usleep(100000);
	(void)rig_find(&rig, &rig.imap[2], 1, "first", &n);
	assert_int_equal(n, 1);
	assert_int_equal(rename_him(), 0);
	*no_bert = 1;
	*is_renamed = 0;
	assert_int_equal(rename_him(), -1);
	assert_int_equal(rig_control(&rig, C_RENAME, "x", &out), -1);
	rig_clear(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_every_call),
	};

	armed = shared(sizeof(*armed));
	no_bert = shared(sizeof(int));
	is_renamed = shared(sizeof(int));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
