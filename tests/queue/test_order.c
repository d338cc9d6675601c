/*
 * The order of what is written: each promise of queue is durable before its
 * word is given. Calls are wrapped, and noted by a letter each:
 *
 *	d  the folder of the bodies is synced
 *	B  blank files are there to be given
 *	w  a body is written	f  and synced
 *	c  a transaction of the table is committed
 *	t  the table is flushed
 *	W  the message was told of in a bounce that is accepted
 *	u  a body's name goes
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_message.h"
#include "queue/queue_notify.h"
#include "queue/queue_report.h"
#include "queue/queue_spare.h"
#include "queue/queue_table.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char events[1000];
static char failing;		/* the call that fails with EIO; 0: none */
static char dir[] = "/tmp/test_order.XXXXXX";
static int told;
static __thread int in_flush;

/* Notes the call. -1 where it fails. */
static int
note(char what)
{
	size_t len;
	int fails;

	pthread_mutex_lock(&lock);
	len = strlen(events);
	if (len + 1 < sizeof(events))
		events[len] = what;
	fails = failing == what;
	pthread_mutex_unlock(&lock);
	if (fails)
		errno = EIO;
	return fails ? -1 : 0;
}

enum lookup __wrap_tables_keys(struct tables *t, const char *domain,
	    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r);
enum lookup
__wrap_tables_keys(struct tables *t, const char *domain,
    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r)
{
	return LOOKUP_ABSENT;
}

void	__wrap_tables_refresh(struct tables *t);
void
__wrap_tables_refresh(struct tables *t)
{
}

int	__real_fd_sync(int fd);
int	__wrap_fd_sync(int fd);
int
__wrap_fd_sync(int fd)
{
	/* A body's alone: the table is flushed beside, and may. */
	return !in_flush && note('f') == -1 ? -1 : __real_fd_sync(fd);
}

int	__real_fd_sync_dir(int fd);
int	__wrap_fd_sync_dir(int fd);
int
__wrap_fd_sync_dir(int fd)
{
	return note('d') == -1 ? -1 : __real_fd_sync_dir(fd);
}

int	__real_fd_write_all(int fd, const void *p, size_t len);
int	__wrap_fd_write_all(int fd, const void *p, size_t len);
int
__wrap_fd_write_all(int fd, const void *p, size_t len)
{
	return note('w') == -1 ? -1 : __real_fd_write_all(fd, p, len);
}

int	__real_table_commit(enum commit c);
int	__wrap_table_commit(enum commit c);
int
__wrap_table_commit(enum commit c)
{
	int r = __real_table_commit(c);

	return note('c') == -1 ? -1 : r;
}

int	__real_table_flush(void);
int	__wrap_table_flush(void);
int
__wrap_table_flush(void)
{
	int r;

	in_flush = 1;
	r = __real_table_flush();
	in_flush = 0;
	note('t');
	return r;
}

int	__real_spare_keep(int at, const char *name);
int	__wrap_spare_keep(int at, const char *name);
int
__wrap_spare_keep(int at, const char *name)
{
	note('u');
	return __real_spare_keep(at, name);
}

static void
on_stock(void)
{
	note('B');
}

static void
accepted(struct message *m)
{
	sched_add(&queue.sched, m->id);
	message_free(m);
}

static void
saved(struct message *m)
{
	struct entry *e = m->entry;

	if (m->fate != FATE_GONE)
		return;
	message_free(m);
	sched_remove(&queue.sched, e);
}

static void
on_told(struct message *m, int yes)
{
	note('W');
	told = yes ? 1 : -1;
}

static int
setup(void **state)
{
	static const struct commit_hooks hooks = { accepted, saved };
	struct buf why = BUF_INIT(200), path = BUF_INIT(0);

	log_init("test_order", 1);
	assert_non_null(mkdtemp(dir));
	queue.loop = ev_default_loop(0);
	queue.hostname = "mx.example.test";
	queue.sync = lane_new(queue.loop, "sync");
	queue.files = lane_new(queue.loop, "files");
	queue.reports = lane_new(queue.loop, "reports");
	queue.slow = lane_new(queue.loop, "slow");
	sched_init(&queue.sched);
	buf_printf(&path, "%s/db", dir);
	assert_int_equal(table_open(buf_str(&path), &why), 0);
	commit_start(&hooks);
	events[0] = '\0';
	assert_int_equal(body_start(dir, 0, on_stock, &why), 0);
	buf_clear(&path);
	return 0;
}

static int fenced;

static void
fence_run(struct task *t)
{
}

static void
fence_done(struct task *t)
{
	fenced = 1;
}

/* What the lane of files was given before is done, and freed. */
static void
fence(void)
{
	struct task t = { .run = fence_run, .done = fence_done };

	lane_put(queue.files, &t);
	while (!fenced)
		ev_run(queue.loop, EVRUN_ONCE);
}

static int
teardown(void **state)
{
	char cmd[100];

	fence();
	lane_free(&queue.sync);
	lane_free(&queue.files);
	lane_free(&queue.reports);
	lane_free(&queue.slow);
	body_stop();
	table_close();
	sched_clear(&queue.sched);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* A turn of the loop, as queue_main has it. */
static void
turn(void)
{
	report_turn();
	commit_turn();
	ev_run(queue.loop, EVRUN_ONCE);
}

static int
noted(char what)
{
	int is;

	pthread_mutex_lock(&lock);
	is = strchr(events, what) != NULL;
	pthread_mutex_unlock(&lock);
	return is;
}

/* These are noted, each of them first behind the one before. */
static void
assert_order(const char *want)
{
	const char *p, *last = events;

	for (; *want != '\0'; want++, last = p)
		if ((p = strchr(last, *want)) == NULL)
			fail_msg("no %c in its place: %s", *want, events);
}

static void
forget(void)
{
	pthread_mutex_lock(&lock);
	memset(events, 0, sizeof(events));
	pthread_mutex_unlock(&lock);
}

/* The names of blank files are durable before one is given. */
static void
test_blanks(void **state)
{
	uint64_t id;
	int fd;

	while (!noted('B'))
		turn();
	assert_order("dB");
	/* Where they cannot be made so, none is. */
	forget();
	failing = 'd';
	while (body_take(&id, &fd) == 0)
		close(fd);
	while (!noted('B'))
		turn();
	assert_order("dB");
	assert_int_equal(body_failing(), EIO);
	assert_int_equal(body_take(&id, &fd), -1);
	failing = 0;
	while (body_failing())
		turn();
	assert_int_equal(body_take(&id, &fd), 0);
	close(fd);
}

/* A message of ours that cannot be delivered. */
static struct message *
refused(uint64_t id)
{
	struct message *m = message_new(id);

	m->env.length = 1;
	m->env.sender = "anna@example.test";
	m->env.client = m->env.login = m->env.envid = "";
	m->env.rcpt = mem_zalloc(1, sizeof(*m->env.rcpt));
	m->env.rcpt->address = "a@one.test";
	m->env.rcpt->orcpt = "";
	m->env.n_rcpt = 1;
	m->targets.t = mem_zalloc(1, sizeof(*m->targets.t));
	m->targets.n = 1;
	m->targets.t->kind = TARGET_REMOTE;
	m->targets.t->address = "a@one.test";
	m->targets.t->way = "one.test";
	target_set(m->targets.t, TARGET_REFUSED, "5.1.1 no", 8, NULL, 0);
	m->entry = sched_add(&queue.sched, id);
	sched_set(&queue.sched, m->entry, ENTRY_ACTIVE);
	m->entry->msg = m;
	queue.active++;
	return m;
}

static void
report(struct message *m)
{
	told = 0;
	forget();
	assert_int_equal(report_begin(m, on_told), 1);
	while (told == 0)
		turn();
}

/*
 * The bounce is on the disk, then its record and the mark of what it reports,
 * then the message is as told; and the message's name goes when its record is
 * gone for good.
 */
static void
test_bounce(void **state)
{
	struct message *m = refused(1);

	report(m);
	assert_int_equal(told, 1);
	assert_int_equal(m->targets.t->state, TARGET_REPORTED);
	assert_order("wfctW");
	forget();
	m->fate = FATE_GONE;
	commit_dirty(m);
	while (!noted('u'))
		turn();
	assert_order("ctu");
}

/* The same where the sender asked to hear of success: told, and once. */
static void
test_success(void **state)
{
	struct message *m = refused(9);

	m->env.rcpt->notify = Q_NOTIFY_SUCCESS;
	target_set(m->targets.t, TARGET_DONE, "2.0.0 ok", 8, NULL, 0);
	notify_result(m, m->targets.t, 0);
	assert_int_equal(m->targets.t->tell, TELL_SUCCESS);
	failing = 'f';
	report(m);
	failing = 0;
	assert_int_equal(told, -1);
	assert_int_equal(m->targets.t->tell, TELL_SUCCESS);
	report(m);
	assert_int_equal(told, 1);
	assert_order("wfctW");
	assert_int_equal(m->targets.t->state, TARGET_DONE);
	assert_int_equal(m->targets.t->tell, TELL_NOTHING);
	assert_int_equal(report_begin(m, on_told), 0);
	m->fate = FATE_GONE;
	commit_dirty(m);
	turn();
}

/* One that could not be synced is no bounce: nothing is said of it. */
static void
test_bounce_fails(void **state)
{
	struct message *m = refused(2);

	failing = 'f';
	report(m);
	failing = 0;
	assert_int_equal(told, -1);
	assert_int_equal(m->targets.t->state, TARGET_REFUSED);
	assert_false(noted('c'));
	report(m);
	assert_int_equal(told, 1);
	assert_order("wfctW");
	m->fate = FATE_GONE;
	commit_dirty(m);
	turn();
}

/* Results that were not written are written later, with those that follow. */
static void
test_results_stay(void **state)
{
	struct message *m[3];
	int i;

	for (i = 0; i < 3; i++) {
		m[i] = refused((uint64_t)i + 3);
		m[i]->fate = FATE_GONE;
	}
	failing = 'c';
	commit_dirty(m[0]);
	commit_turn();
	assert_int_equal(m[0]->dirty, 1);
	failing = 0;
	commit_dirty(m[1]);
	commit_dirty(m[2]);
	while (!commit_quiet())
		turn();
	for (i = 0; i < 3; i++)
		assert_null(sched_find(&queue.sched, (uint64_t)i + 3));
}

/* Set aside, it is in the one folder for good before it is gone from the other;
   where that cannot be, it is not said. */
static void
test_aside(void **state)
{
	uint64_t id;
	int fd;

	while (body_take(&id, &fd) == -1)
		turn();
	close(fd);
	forget();
	assert_int_equal(body_set_aside(id), 0);
	assert_string_equal(events, "dd");
	forget();
	assert_int_equal(body_bring_back(id), 0);
	assert_string_equal(events, "dd");
	failing = 'd';
	assert_int_equal(body_set_aside(id), -1);
	failing = 0;
	assert_int_equal(body_bring_back(id), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blanks), cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_bounce_fails),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_results_stay),
		cmocka_unit_test(test_aside),
	};

	return cmocka_run_group_tests_name("order", tests, setup, teardown);
}
