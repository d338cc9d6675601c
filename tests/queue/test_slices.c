/*
 * Work on messages of many recipients goes in slices, so that no turn of the
 * loop is long for whoever else waits: results, bounces, what has just come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_expand.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_message.h"
#include "queue/queue_report.h"
#include "queue/queue_table.h"

enum { MANY = 1000, MESSAGES = 6 };

/* The table, the lanes, the files: what was asked of them. */
static unsigned rows, begun;
static int fails;
static enum bdb_room room;
static struct task *in_lane;
static struct task *all[MESSAGES];
static unsigned lanes, expanded, refreshed;
static uint64_t saved[MESSAGES * 2];
static unsigned n_saved, n_refused;

void	__wrap_table_begin(void);
void	__wrap_table_put(uint64_t id, enum record r, uint32_t index,
	    const void *p, size_t len);
int	__wrap_table_commit(enum commit c);
enum bdb_room __wrap_table_room(void);
void	__wrap_lane_put(struct lane *l, struct task *t);
int	__wrap_body_take_spare(uint64_t *id_r, int *fd_r);
int	__wrap_body_room(void);
int	__wrap_expand(struct tables *t, const struct envelope *e,
	    struct targets *out);
void	__wrap_tables_refresh(struct tables *t);
enum lookup __wrap_tables_keys(struct tables *t, const char *domain,
	    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r);

void
__wrap_tables_refresh(struct tables *t)
{
	refreshed++;
}

enum lookup
__wrap_tables_keys(struct tables *t, const char *domain,
    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r)
{
	return LOOKUP_ABSENT;
}

void
__wrap_table_begin(void)
{
	rows = 0;
	begun++;
}

void
__wrap_table_put(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len)
{
	rows++;
}

int
__wrap_table_commit(enum commit c)
{
	return fails ? -1 : 0;
}

enum bdb_room
__wrap_table_room(void)
{
	return room;
}

void
__wrap_lane_put(struct lane *l, struct task *t)
{
	in_lane = t;
	if (lanes < MESSAGES)
		all[lanes] = t;
	lanes++;
}

int
__wrap_body_take_spare(uint64_t *id_r, int *fd_r)
{
	*id_r = 4711;
	*fd_r = -1;
	return 0;
}

int
__wrap_body_room(void)
{
	return 1;
}

int
__wrap_expand(struct tables *t, const struct envelope *e, struct targets *out)
{
	expanded++;
	return -1;	/* "later" will do */
}

static void
on_saved(struct message *m)
{
	saved[n_saved++] = m->id;
}

static struct message *kept[MESSAGES];
static unsigned n_kept;

static void
on_accepted(struct message *m)
{
	kept[n_kept++] = m;
}

static const struct commit_hooks hooks = {
	.accepted = on_accepted, .saved = on_saved
};

/* One with n targets, each with a result that is new. */
static struct message *
message(uint64_t id, size_t n)
{
	struct message *m = message_new(id);
	struct entry *e = sched_add(&queue.sched, id);
	size_t i;

	e->msg = m;
	m->entry = e;
	queue.active++;
	m->env.arena = mem_strdup("s@far.test");
	m->env.sender = m->env.arena;
	m->env.client = m->env.login = m->env.message_id = "";
	m->env.n_rcpt = n;
	m->env.rcpt = mem_zalloc(n, sizeof(*m->env.rcpt));
	m->targets.n = n;
	m->targets.t = mem_zalloc(n, sizeof(*m->targets.t));
	for (i = 0; i < n; i++) {
		m->env.rcpt[i].address = m->env.rcpt[i].orcpt = "a@far.test";
		m->targets.t[i] = (struct target){ .address = "a@far.test",
			.way = "far.test", .kind = TARGET_REMOTE,
			.rcpt = (uint32_t)i };
		target_set(&m->targets.t[i], TARGET_REFUSED, "5.0.0 no", 8,
		    NULL, 0);
	}
	return m;
}

static void
drop(struct message *m)
{
	struct entry *e = m->entry;

	message_free(m);
	if (e != NULL)
		sched_remove(&queue.sched, e);
}

/* What the sync lane has is done: 1 where it had something. */
static int
flushed(void)
{
	struct task *t = in_lane;

	in_lane = NULL;
	if (t != NULL)
		t->done(t);
	return t != NULL;
}

static int
setup(void **state)
{
	memset(&queue, 0, sizeof(queue));
	sched_init(&queue.sched);
	queue.loop = ev_default_loop(0);
	queue.conf.active_max = 100;
	queue.hostname = "mx.test";
	commit_start(&hooks);
	rows = begun = lanes = expanded = n_saved = n_kept = n_refused = 0;
	refreshed = 0;
	fails = 0;
	room = BDB_ROOM;
	in_lane = NULL;
	return 0;
}

static int
teardown(void **state)
{
	sched_clear(&queue.sched);
	return 0;
}

/* Results of a thousand targets each: a message a turn, in their order. */
static void
test_results(void **state)
{
	struct message *m[MESSAGES];
	unsigned i;

	for (i = 0; i < MESSAGES; i++) {
		m[i] = message(i + 1, MANY);
		commit_dirty(m[i]);
	}
	for (i = 0; i < MESSAGES; i++) {
		queue.more = 0;
		commit_turn();
		assert_in_range(rows, MANY, 2 * MANY);
		assert_int_equal(n_saved, i + 1);
		assert_int_equal(saved[i], i + 1);
		assert_int_equal(queue.more, i + 1 < MESSAGES);
		/* So much is flushed before the table has to. */
		assert_true(flushed());
	}
	assert_true(commit_quiet());
	for (i = 0; i < MESSAGES; i++)
		drop(m[i]);
}

/* Those of few targets go together. */
static void
test_few_results(void **state)
{
	struct message *m[MESSAGES];
	unsigned i;

	for (i = 0; i < MESSAGES; i++) {
		m[i] = message(i + 1, 1);
		commit_dirty(m[i]);
	}
	commit_turn();
	assert_int_equal(begun, 1);
	assert_int_equal(n_saved, MESSAGES);
	assert_int_equal(queue.more, 0);
	assert_false(flushed());
	for (i = 0; i < MESSAGES; i++)
		drop(m[i]);
}

/* What the table refused is written first when it takes some again, and what
   came meanwhile behind it. */
static void
test_refused(void **state)
{
	struct message *m[4];
	unsigned i;

	for (i = 0; i < 2; i++) {
		m[i] = message(i + 1, MANY);
		commit_dirty(m[i]);
	}
	fails = 1;
	commit_turn();
	assert_int_equal(n_saved, 0);
	/* There is nothing to flush. */
	assert_false(flushed());
	for (; i < 4; i++) {
		m[i] = message(i + 1, 1);
		commit_dirty(m[i]);
	}
	/* It waits for a while. */
	fails = 0;
	commit_turn();
	assert_int_equal(n_saved, 0);
	while (n_saved == 0) {
		ev_run(queue.loop, EVRUN_ONCE);
		commit_turn();
	}
	for (i = 0; i < 10 && !commit_quiet(); i++) {
		(void)flushed();
		commit_turn();
	}
	assert_int_equal(n_saved, 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(saved[i], i + 1);
		drop(m[i]);
	}
}

static void
on_done(const struct submission *s, int durable)
{
	assert_false(durable);
	n_refused++;
}

/* What comes in is refused for want of room: the results that were written
   with it are flushed all the same. */
static void
test_little_room(void **state)
{
	struct message *m = message(1, MANY);

	room = BDB_LOW;
	commit_dirty(m);
	commit_submit(&(struct submission){ .m = message(2, 1),
	    .done = on_done });
	commit_turn();
	assert_int_equal(n_saved, 1);
	assert_int_equal(n_refused, 1);
	assert_int_equal(lanes, 0);
	commit_turn();
	assert_int_equal(lanes, 1);
	assert_true(flushed());
	drop(m);
}

/* Bounces about many targets do not make a flush long for what comes in. */
static void
test_round(void **state)
{
	struct message *about[3], *m;
	unsigned i;

	for (i = 0; i < 3; i++) {
		about[i] = message(i + 1, MANY);
		m = message(i + 11, 1);
		m->env.rcpt[0].address = about[i]->env.sender;
		commit_submit(&(struct submission){ .m = m,
		    .about = about[i] });
	}
	commit_submit(&(struct submission){ .m = message(20, 1) });
	for (i = 0; i < 3; i++) {
		commit_turn();
		assert_int_equal(lanes, i + 1);
		assert_in_range(rows, MANY, MANY + 10);
		assert_true(flushed());
		/* The first flush has the first bounce, and the mail. */
		assert_int_equal(n_kept, i + 2);
		assert_int_equal(kept[i > 0 ? i + 1 : 0]->id, i + 11);
	}
	assert_int_equal(kept[1]->id, 20);
	assert_true(commit_quiet());
	for (i = 0; i < 3; i++)
		drop(about[i]);
	for (i = 0; i < n_kept; i++)
		drop(kept[i]);
}

static unsigned n_durable;

static void
on_durable(const struct submission *s, int durable)
{
	n_durable += durable != 0;
	n_refused += !durable;
}

/* One flush at a time: what comes meanwhile has the next one, and is told
   then. */
static void
test_one_flush(void **state)
{
	unsigned i;

	n_durable = 0;
	for (i = 0; i < 3; i++) {
		commit_submit(&(struct submission){ .m = message(i + 1, 1),
		    .done = on_durable });
		commit_turn();
		assert_int_equal(lanes, 1);
		assert_int_equal(n_durable, 0);
		assert_false(commit_quiet());
	}
	assert_true(flushed());
	assert_int_equal(n_durable, 1);
	assert_int_equal(n_kept, 1);
	assert_false(commit_quiet());
	commit_turn();
	assert_int_equal(lanes, 2);
	assert_true(flushed());
	assert_int_equal(n_durable, 3);
	assert_int_equal(n_refused, 0);
	assert_int_equal(n_kept, 3);
	assert_true(commit_quiet());
	for (i = 0; i < 3; i++)
		drop(kept[i]);
}

/* Of a worker that is gone: what is written is a message, but he hears nothing;
   what is not is dropped. Another one's stay. */
static void
test_abandon(void **state)
{
	static int one, other;
	unsigned i;

	n_durable = 0;
	commit_submit(&(struct submission){ .m = message(1, 1), .from = &one,
	    .done = on_durable });
	commit_submit(&(struct submission){ .m = message(2, 1),
	    .from = &other, .done = on_durable });
	commit_turn();
	for (i = 3; i < 7; i++)
		commit_submit(&(struct submission){ .m = message(i, 1),
		    .from = i & 1 ? &one : &other, .done = on_durable });
	commit_abandon(&one);
	assert_int_equal(n_refused, 0);
	assert_true(flushed());
	assert_int_equal(n_durable, 1);
	assert_int_equal(n_kept, 2);
	commit_turn();
	assert_true(flushed());
	assert_int_equal(n_durable, 3);
	assert_int_equal(n_kept, 4);
	assert_int_equal(kept[0]->id, 1);
	assert_int_equal(kept[1]->id, 2);
	assert_int_equal(kept[2]->id, 4);
	assert_int_equal(kept[3]->id, 6);
	for (i = 0; i < n_kept; i++)
		drop(kept[i]);
}

static void
told(struct message *m, int is)
{
}

/* Of bounces that are long to write one is begun in a turn. */
static void
test_reports(void **state)
{
	struct message *m[MESSAGES];
	unsigned i;

	for (i = 0; i < MESSAGES; i++) {
		m[i] = message(i + 1, i < 3 ? MANY : 1);
		assert_int_equal(report_begin(m[i], told), 1);
	}
	for (i = 0; i < 3; i++) {
		queue.more = 0;
		report_turn();
		assert_int_equal(lanes, i + 1);
		assert_int_equal(queue.more, 1);
	}
	queue.more = 0;
	report_turn();
	assert_int_equal(lanes, MESSAGES);
	assert_int_equal(queue.more, 0);
	/* None has a file, so none is told. */
	for (i = 0; i < MESSAGES; i++) {
		all[i]->run(all[i]);
		all[i]->done(all[i]);
		drop(m[i]);
	}
}

/* A thousand recipients are expanded as they come; what comes on top of them
   in the same turn is the first of the next. */
static void
test_accepted(void **state)
{
	struct message *m;
	unsigned i;

	life_turn();
	for (i = 0; i < 4; i++) {
		m = message(i + 1, i == 0 ? 1 : MANY);
		targets_clear(&m->targets);
		sched_remove(&queue.sched, m->entry);
		m->entry = NULL;
		queue.active--;
		life_accepted(m);
		assert_int_equal(expanded, i < 2 ? i + 1 : 2);
		/* One look at the tables in a turn. */
		assert_int_equal(refreshed, 1);
	}
	assert_true(life_ready());
	assert_int_equal(queue.sched.count[ENTRY_READY], 2);
	assert_null(sched_first(&queue.sched));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_results, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_few_results, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_round, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_one_flush, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_abandon, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_little_room, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_reports, setup,
		    teardown),
		cmocka_unit_test_setup(test_accepted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
