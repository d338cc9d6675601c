/*
 * The steps of a message, with the table, the disk and the lanes played: what
 * each says where it fails, and what has changed then.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_body.h"
#include "queue/queue_bounce.h"
#include "queue/queue_commit.h"
#include "queue/queue_expand.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_message.h"
#include "queue/queue_notify.h"
#include "queue/queue_record.h"
#include "queue/queue_report.h"
#include "queue/queue_table.h"

#define HEADER "Subject: what was sent\r\n"

enum { FAR = 1 << 30, FINAL = 10, BLANK = 4711, SOON = 7 };

/* What was asked of them, and what they are to say. */
static int fails, full, failing, blanks, unclosed;
static unsigned rows, lanes;
static struct buf written = BUF_INIT(0);	/* the last of them */
static struct task *in_lane, *flush;	/* of bounces, of the table */
static uint64_t dropped, aside;
static struct submission sent;
static int bounce_fd;
static enum target_kind kinds[2];
static size_t n_kinds;

void	__wrap_table_begin(void);
void	__wrap_table_put(uint64_t id, enum record r, uint32_t index,
	    const void *p, size_t len);
void	__wrap_table_forget(uint64_t id, int all);
int	__wrap_table_commit(enum commit c);
enum bdb_room __wrap_table_room(void);
void	__wrap_lane_put(struct lane *l, struct task *t);
int	__wrap_body_take(uint64_t *id_r, int *fd_r);
int	__wrap_body_take_spare(uint64_t *id_r, int *fd_r);
int	__wrap_body_room(void);
int	__wrap_body_failing(void);
int	__wrap_body_open(uint64_t id);
void	__wrap_body_drop(uint64_t id);
int	__wrap_body_set_aside(uint64_t id);
void	__wrap_commit_submit(const struct submission *s);
int	__wrap_expand(struct tables *t, const struct envelope *e,
	    struct targets *out);
void	__wrap_tables_refresh(struct tables *t);
enum lookup __wrap_tables_keys(struct tables *t, const char *domain,
	    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r);
int	__real_fd_close(int *fd);
int	__wrap_fd_close(int *fd);

/* What a file system says only then, of what was written before. */
int
__wrap_fd_close(int *fd)
{
	int is = unclosed && *fd == bounce_fd, r = __real_fd_close(fd);

	if (is)
		errno = EIO;
	return is ? -1 : r;
}

void
__wrap_tables_refresh(struct tables *t)
{
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
}

void
__wrap_table_put(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len)
{
	rows++;
	buf_reset(&written);
	buf_append(&written, p, len);
}

void
__wrap_table_forget(uint64_t id, int all)
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
	return BDB_ROOM;
}

void
__wrap_lane_put(struct lane *l, struct task *t)
{
	if (l != queue.reports) {
		flush = t;
		return;
	}
	in_lane = t;
	lanes++;
}

/* What the mail that comes in takes. */
int
__wrap_body_take(uint64_t *id_r, int *fd_r)
{
	fail_msg("a bounce takes what is kept for mail");
	return -1;
}

int
__wrap_body_take_spare(uint64_t *id_r, int *fd_r)
{
	if (blanks == 0)
		return -1;
	blanks--;
	*id_r = BLANK;
	*fd_r = bounce_fd;
	return 0;
}

int
__wrap_body_room(void)
{
	return !full;
}

int
__wrap_body_failing(void)
{
	return failing;
}

int
__wrap_body_open(uint64_t id)
{
	int fd = memfd_create("body", MFD_CLOEXEC);

	assert_int_equal(pwrite(fd, HEADER "\r\n", sizeof(HEADER) + 1, FINAL),
	    sizeof(HEADER) + 1);
	return fd;
}

void
__wrap_body_drop(uint64_t id)
{
	dropped = id;
}

int
__wrap_body_set_aside(uint64_t id)
{
	aside = id;
	return 0;
}

void
__wrap_commit_submit(const struct submission *s)
{
	sent = *s;
}

int
__wrap_expand(struct tables *t, const struct envelope *e, struct targets *out)
{
	size_t i;

	out->t = mem_zalloc(n_kinds, sizeof(*out->t));
	out->n = n_kinds;
	for (i = 0; i < n_kinds; i++)
		out->t[i] = (struct target){ .address = "a@far.test",
			.way = kinds[i] == TARGET_FAILED ? "5.1.1 nobody" :
			"far.test", .kind = (uint8_t)kinds[i] };
	return 0;
}

static const struct commit_hooks hooks = {
	.accepted = life_accepted, .saved = life_fate
};

static int
setup(void **state)
{
	static char none[1], lane;

	memset(&queue, 0, sizeof(queue));
	queue.conf.relay_host = none;
	queue.reports = (void *)&lane;	/* told by its address */
	sched_init(&queue.sched);
	queue.loop = ev_default_loop(0);
	queue.conf.active_max = 100;
	queue.conf.per_destination = 20;
	queue.conf.retry_min = SOON;
	queue.conf.retry_max = 1000;
	queue.conf.lifetime = FAR;
	queue.hostname = "mx.test";
	commit_start(&hooks);
	job_start(life_settle);
	fails = full = failing = unclosed = 0;
	blanks = 10000;
	rows = lanes = 0;
	in_lane = NULL;
	dropped = aside = 0;
	sent.m = NULL;
	bounce_fd = -1;
	return 0;
}

static int
teardown(void **state)
{
	struct task *t = flush;

	flush = NULL;
	if (t != NULL)
		t->done(t);
	assert_true(commit_quiet());
	assert_int_equal(queue.sched.n, 0);
	sched_clear(&queue.sched);
	return 0;
}

/* One that is loaded, with one target in that state. */
static struct message *
message(uint64_t id, enum target_state state)
{
	struct message *m = message_new(id);
	struct entry *e = sched_add(&queue.sched, id);

	sched_set(&queue.sched, e, ENTRY_ACTIVE);
	e->msg = m;
	e->next = FAR;
	m->entry = e;
	queue.active++;
	m->env.arena = mem_strdup("s@far.test");
	m->env.sender = m->env.arena;
	m->env.client = m->env.login = m->env.message_id = m->env.envid = "";
	m->env.time = (uint64_t)queue_now() - 100;
	m->env.final = FINAL;
	m->env.n_rcpt = 1;
	m->env.rcpt = mem_zalloc(1, sizeof(*m->env.rcpt));
	m->env.rcpt->address = m->env.rcpt->orcpt = "a@far.test";
	m->targets.n = 1;
	m->targets.t = mem_zalloc(1, sizeof(*m->targets.t));
	m->targets.t[0] = (struct target){ .address = "a@far.test",
		.way = "far.test", .kind = TARGET_REMOTE };
	if (state != TARGET_OPEN)
		target_set(&m->targets.t[0], state, "5.0.0 no", 8, NULL, 0);
	return m;
}

static void
forget(struct message *m)
{
	struct entry *e = m->entry;

	message_free(m);
	if (e != NULL)
		sched_remove(&queue.sched, e);
}

/* What is to become of it is written; its entry stays, in that state. */
static void
assert_becomes(struct message *m, enum entry_state want)
{
	struct entry *e = m->entry;

	commit_turn();
	assert_null(e->msg);
	assert_int_equal(e->state, want);
	sched_remove(&queue.sched, e);
}

static void
assert_next(const struct message *m, int64_t seconds)
{
	assert_in_range(m->entry->next - seconds, queue_now() - 60,
	    queue_now());
}

/* The operator's word: the table has it first. */
static void
test_hold(void **state)
{
	static const struct {
		int fails;
		enum fate before, after;
		int hold;
	} row[] = {
		{ 1, FATE_STAY, FATE_STAY, 0 },
		{ 1, FATE_WAIT, FATE_WAIT, 0 },
		{ 0, FATE_WAIT, FATE_HELD, 1 },
		{ 0, FATE_STAY, FATE_HELD, 1 },
		{ 0, FATE_GONE, FATE_GONE, 0 },
		{ 0, FATE_ASIDE, FATE_ASIDE, 0 },
	};
	struct message *m;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		m = message(1, TARGET_OPEN);
		m->fate = (uint8_t)row[i].before;
		job_add(m, &m->targets.t[0], 0);
		fails = row[i].fails;
		assert_int_equal(life_hold(m), fails ? -1 : 0);
		fails = 0;
		assert_int_equal(m->hold, row[i].hold);
		assert_int_equal(m->fate, row[i].after);
		assert_int_equal(m->jobs, !row[i].hold);
		/* No worker had it: that was no attempt. */
		assert_int_equal(m->entry->attempts, 0);
		job_abandon(m);
		if (row[i].hold && row[i].before == FATE_STAY)
			assert_becomes(m, ENTRY_HELD);
		else
			forget(m);
	}
}

static void
test_release(void **state)
{
	static const struct {
		int fails;
		enum fate before, after;
		int hold;
	} row[] = {
		{ 1, FATE_HELD, FATE_HELD, 1 },
		{ 1, FATE_STAY, FATE_STAY, 1 },
		{ 0, FATE_HELD, FATE_WAIT, 0 },
		{ 0, FATE_STAY, FATE_STAY, 0 },
	};
	struct message *m;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		m = message(1, TARGET_OPEN);
		m->hold = 1;
		m->fate = (uint8_t)row[i].before;
		fails = row[i].fails;
		assert_int_equal(life_release(m), fails ? -1 : 0);
		assert_int_equal(m->hold, row[i].hold);
		assert_int_equal(m->fate, row[i].after);
		if (fails)
			assert_int_equal(m->entry->next, FAR);
		else
			assert_next(m, 0);
		assert_int_equal(m->jobs, !fails && row[i].before ==
		    FATE_STAY);
		job_abandon(m);
		forget(m);
	}
	fails = 0;
}

/* What the table would not forget is not deleted. */
static void
test_delete(void **state)
{
	struct message *m = message(1, TARGET_OPEN);

	job_add(m, &m->targets.t[0], 0);
	fails = 1;
	assert_int_equal(life_delete(m), -1);
	assert_int_equal(m->drop, 0);
	assert_int_equal(m->jobs, 1);
	assert_int_equal(m->fate, FATE_STAY);
	fails = 0;
	assert_int_equal(life_delete(m), 0);
	assert_int_equal(m->jobs, 0);
	assert_int_equal(m->fate, FATE_GONE);
	commit_turn();
	assert_null(sched_find(&queue.sched, 1));
}

/* Runs what the lane of bounces has. */
static void
lane_done(void)
{
	struct task *t = in_lane;

	assert_non_null(t);
	in_lane = NULL;
	t->run(t);
	t->done(t);
}

/* A bounce that cannot be written: its file goes, and it is tried later. */
static void
test_untold(void **state)
{
	struct message *m = message(1, TARGET_REFUSED);

	life_settle(m);
	assert_int_equal(m->reporting, 1);
	report_turn();
	lane_done();
	assert_null(sent.m);
	assert_int_equal(dropped, BLANK);
	assert_int_equal(queue.reported, 0);
	assert_int_equal(m->reporting, 0);
	assert_int_equal(m->targets.t[0].state, TARGET_REFUSED);
	assert_int_equal(m->fate, FATE_WAIT);
	assert_next(m, SOON);
	assert_int_equal(m->entry->attempts, 0);
	report_turn();
	assert_int_equal(lanes, 1);
	assert_becomes(m, ENTRY_WAITING);
}

/* Nor is one made whose file the disk says it has lost when it is closed. */
static void
test_unclosed(void **state)
{
	struct message *m = message(1, TARGET_REFUSED);

	assert_true((bounce_fd = memfd_create("b", 0)) != -1);
	unclosed = 1;
	life_settle(m);
	report_turn();
	lane_done();
	assert_null(sent.m);
	assert_int_equal(dropped, BLANK);
	assert_int_equal(m->targets.t[0].state, TARGET_REFUSED);
	assert_becomes(m, ENTRY_WAITING);
}

/* A message of two targets, one refused and one with a job, that is too old. */
static struct message *
late(void)
{
	struct message *m = message(1, TARGET_REFUSED);

	m->targets.t = mem_realloc(m->targets.t, 2, sizeof(*m->targets.t));
	m->targets.t[1] = (struct target){ .address = "b@far.test",
		.way = "far.test", .kind = TARGET_REMOTE };
	m->targets.n = 2;
	m->entry->tried = 1;
	m->entry->attempts = 9;
	queue.conf.lifetime = 50;
	queue.jump.wall = queue_now();
	job_add(m, &m->targets.t[1], 1);
	return m;
}

/*
 * What the operator took from its line, and released while the sender was
 * told of another recipient, was not tried: it is not given up, and that was
 * no attempt.
 */
static void
test_withheld(void **state)
{
	struct message *m = late();

	assert_true((bounce_fd = memfd_create("b", 0)) != -1);
	assert_int_equal(life_hold(m), 0);
	assert_int_equal(m->jobs, 0);
	assert_int_equal(m->reporting, 1);
	assert_int_equal(life_release(m), 0);
	assert_int_equal(m->jobs, 0);
	report_turn();
	lane_done();
	sent.done(&sent, 1);
	message_free(sent.m);
	assert_int_equal(m->targets.t[0].state, TARGET_REPORTED);
	assert_int_equal(m->targets.t[1].state, TARGET_OPEN);
	assert_int_equal(m->entry->attempts, 9);
	assert_next(m, 0);
	assert_becomes(m, ENTRY_WAITING);
}

/* When a message of that age is given up, and when not yet. */
static void
test_given_up(void **state)
{
	static const struct {
		uint64_t lifetime;
		unsigned tried, attempts, hold, behind, gone;
	} row[] = {
		{ 100, 1, 2, 0, 0, 1 }, { 101, 1, 2, 0, 0, 0 },
		{ 99, 1, 2, 0, 0, 1 }, { 100, 0, 2, 0, 0, 0 },
		{ 100, 1, 1, 0, 0, 0 }, { 100, 1, 9, 1, 0, 0 },
		{ 100, 1, 9, 0, 1, 0 }, { 0, 0, 0, 0, 0, 1 },
		{ 0, 0, 0, 1, 0, 0 },
	};
	struct message *m;
	struct target *t;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		m = message(1, TARGET_OPEN);
		t = &m->targets.t[0];
		queue.jump.wall = queue_now();
		m->env.time = (uint64_t)queue.jump.wall - 100;
		queue.conf.lifetime = row[i].lifetime;
		queue.failed = 0;
		m->entry->tried = (uint8_t)row[i].tried;
		m->entry->attempts = row[i].attempts;
		m->hold = (uint8_t)row[i].hold;
		m->behind = (uint8_t)row[i].behind;
		target_set(t, TARGET_OPEN, "4.7.1 no", 8, "mx", 2);
		target_tell(t, TELL_DELAY);
		life_settle(m);
		assert_int_equal(queue.failed, row[i].gone);
		assert_int_equal(t->state, row[i].gone ? TARGET_REFUSED :
		    TARGET_OPEN);
		assert_string_equal(t->words, row[i].gone ?
		    "4.4.7 not delivered in time; last: 4.7.1 no" :
		    "4.7.1 no");
		assert_string_equal(t->host, "mx");
		/* Of what failed no delay is told any more. */
		assert_int_equal(t->tell, row[i].gone ? TELL_NOTHING :
		    TELL_DELAY);
		assert_int_equal(m->reporting, 1);
		report_turn();
		lane_done();
		commit_turn();
		sched_remove(&queue.sched, sched_find(&queue.sched, 1));
	}
}

/* The waits between attempts: doubled, but short where workers died of it. */
static void
test_waits(void **state)
{
	static const struct {
		uint32_t attempts;
		unsigned deaths;
		int64_t wait;
	} row[] = {
		{ 0, 0, SOON }, { 1, 0, 2 * SOON }, { 2, 0, 4 * SOON },
		{ 20, 0, 1000 }, { 0, 1, 10 }, { 4, 1, 10 },
		{ 5, 1, 32 * SOON },
	};
	struct message *m;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		m = message(1, TARGET_OPEN);
		m->entry->attempts = row[i].attempts;
		m->deaths = (uint8_t)row[i].deaths;
		life_settle(m);
		assert_int_equal(m->entry->attempts, row[i].attempts + 1);
		assert_int_equal(m->entry->tried, 1);
		assert_next(m, row[i].wait);
		assert_int_equal(queue.deferred, i + 1);
		assert_becomes(m, ENTRY_WAITING);
	}
}

/* Of a delay the sender hears once, when it is long enough, and if he asked. */
static void
test_delay(void **state)
{
	static const struct {
		uint32_t notify;
		uint64_t after;
		enum target_state state;
		enum target_tell before, tell;
	} row[] = {
		{ Q_NOTIFY_DELAY, 100, TARGET_OPEN, TELL_NOTHING, TELL_DELAY },
		{ Q_NOTIFY_DELAY, 101, TARGET_OPEN, TELL_NOTHING,
		    TELL_NOTHING },
		{ Q_NOTIFY_FAILURE, 100, TARGET_OPEN, TELL_NOTHING,
		    TELL_NOTHING },
		{ 0, 100, TARGET_OPEN, TELL_NOTHING, TELL_NOTHING },
		{ Q_NOTIFY_DELAY, 100, TARGET_DONE, TELL_NOTHING,
		    TELL_NOTHING },
		{ Q_NOTIFY_DELAY, 100, TARGET_OPEN, TELL_WARNED, TELL_WARNED },
	};
	struct message *m;
	struct target *t;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		m = message(1, row[i].state);
		t = &m->targets.t[0];
		queue.jump.wall = queue_now();
		m->env.time = (uint64_t)queue.jump.wall - 100;
		m->env.rcpt->notify = row[i].notify;
		queue.conf.delay_report = row[i].after;
		t->tell = (uint8_t)row[i].before;
		notify_delay(m);
		assert_int_equal(t->tell, row[i].tell);
		/* Told of a delay it is not told again; of a success it is. */
		if (t->tell == TELL_DELAY) {
			assert_int_equal(target_told(t), 1);
			assert_int_equal(t->tell, TELL_WARNED);
			notify_delay(m);
			assert_int_equal(t->tell, TELL_WARNED);
		}
		assert_int_equal(target_told(t), 0);
		forget(m);
	}
}

/* The record of a bounce is of what was written. */
static void
assert_sent(const struct message *about, int fd)
{
	char text[BOUNCE_HEADER_MAX], *p;
	const struct envelope *e = &sent.m->env;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(sent.m->id, BLANK);
	assert_ptr_equal(sent.about, about);
	assert_int_equal(e->length, n);
	assert_int_equal(e->crc, crc32c(0, text, (size_t)n));
	assert_int_equal(e->origin, Q_ORIGIN_REPORT);
	assert_in_range(e->time, (uint64_t)queue_now() - 60,
	    (uint64_t)queue_now());
	assert_string_equal(e->sender, "");
	assert_int_equal(e->n_rcpt, 1);
	assert_string_equal(e->rcpt->address, "s@far.test");
	/* Delivery adds its lines before the one, forwarding the other. */
	assert_int_equal(e->forward, strlen("Return-Path: <>\r\n"));
	assert_int_equal(e->final, e->forward +
	    strlen("Delivered-To: s@far.test\r\n"));
	assert_memory_equal(text + e->final, "Received: ", 10);
	assert_non_null(p = strstr(text, "\r\n" HEADER));
	assert_true((size_t)(p - text) > e->final);
}

static void
test_told(void **state)
{
	struct message *m;
	int told, fd;

	for (told = 0; told < 2; told++) {
		m = message(1, TARGET_REFUSED);
		assert_true((bounce_fd = memfd_create("b", 0)) != -1);
		assert_true((fd = dup(bounce_fd)) != -1);
		life_settle(m);
		report_turn();
		lane_done();
		assert_sent(m, fd);
		assert_int_equal(m->reporting, 1);
		close(fd);
		sent.done(&sent, told);
		message_free(sent.m);
		assert_int_equal(m->targets.t[0].state, told ?
		    TARGET_REPORTED : TARGET_REFUSED);
		assert_int_equal(m->targets_stored, told);
		assert_int_equal(m->entry->stored, told);
		assert_int_equal(queue.reported, told);
		assert_int_equal(m->fate, told ? FATE_GONE : FATE_WAIT);
		assert_int_equal(dropped, 0);
		if (told) {
			commit_turn();
			assert_null(sched_find(&queue.sched, 1));
		} else {
			assert_becomes(m, ENTRY_WAITING);
		}
	}
}

/* What was deleted while it waited for its bounce takes no file, on a disk
   with none too. */
static void
test_deleted_in_line(void **state)
{
	struct message *m = message(1, TARGET_REFUSED);

	life_settle(m);
	assert_int_equal(life_delete(m), 0);
	assert_int_equal(m->fate, FATE_STAY);
	blanks = 0;
	report_turn();
	assert_int_equal(lanes, 0);
	assert_int_equal(m->fate, FATE_GONE);
	commit_turn();
	assert_null(sched_find(&queue.sched, 1));
}

/* No file, no room: it waits in the line, which goes on after it. */
static void
test_no_room(void **state)
{
	struct message *m = message(1, TARGET_REFUSED);

	life_settle(m);
	full = 1;
	report_turn();
	assert_int_equal(lanes, 0);
	full = 0;
	blanks = 0;
	report_turn();
	assert_int_equal(lanes, 0);
	queue.stopping = 1;
	blanks = 10;
	report_turn();
	assert_int_equal(lanes, 0);
	queue.stopping = 0;
	report_turn();
	assert_int_equal(lanes, 1);
	lane_done();
	assert_becomes(m, ENTRY_WAITING);
}

/* A line that is full: the next one comes again; 32 are written at a time, and
   each that is done makes room. */
static void
test_line(void **state)
{
	static struct message *m[REPORT_LINE];
	struct task *t[REPORT_WRITING];
	struct message *late;
	unsigned i, n;

	for (i = 0; i < REPORT_LINE; i++) {
		assert_int_equal(report_behind(), i >= REPORT_LINE / 2);
		m[i] = message(i + 1, TARGET_REFUSED);
		life_settle(m[i]);
		assert_int_equal(m[i]->reporting, 1);
	}
	full = 1;
	assert_false(report_behind());
	full = 0;
	failing = 1;
	assert_false(report_behind());
	failing = 0;
	late = message(i + 1, TARGET_REFUSED);
	life_settle(late);
	assert_int_equal(late->reporting, 0);
	assert_int_equal(late->fate, FATE_WAIT);
	assert_true(late->entry->next > queue_now() + 30);
	assert_becomes(late, ENTRY_WAITING);
	for (n = 0; n < REPORT_LINE; ) {
		for (i = 0; i < REPORT_WRITING && n + i < REPORT_LINE; i++) {
			blanks = 1;
			report_turn();
			t[i] = in_lane;
			assert_int_equal(lanes, n + i + 1);
		}
		blanks = 1;
		report_turn();
		assert_int_equal(lanes, n + i);
		n += i;
		while (i-- > 0) {
			in_lane = t[i];
			lane_done();
		}
	}
	assert_false(report_behind());
	for (i = 0; i < REPORT_LINE; i++)
		assert_int_equal(m[i]->fate, FATE_WAIT);
	while (queue.active > 0)
		commit_turn();
	for (i = 0; i < REPORT_LINE; i++)
		sched_remove(&queue.sched, sched_find(&queue.sched, i + 1));
}

/* One that comes while there is no room for its jobs stands in line; but not
   where a sender is to be told. */
static void
test_accepted(void **state)
{
	static const struct {
		size_t n;
		enum target_kind kind[2];
		int stopping, reported;
	} row[] = {
		{ 1, { TARGET_REMOTE, TARGET_REMOTE }, 0, 0 },
		{ 2, { TARGET_REMOTE, TARGET_LOCAL }, 0, 0 },
		{ 1, { TARGET_FAILED, TARGET_FAILED }, 1, 0 },
		{ 1, { TARGET_FAILED, TARGET_FAILED }, 0, 1 },
		{ 2, { TARGET_FAILED, TARGET_REMOTE }, 0, 1 },
		{ 2, { TARGET_LOCAL, TARGET_FAILED }, 0, 1 },
	};
	struct message *m;
	struct entry *e;
	size_t i;

	queue.conf.active_max = 0;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		m = message(2, TARGET_OPEN);
		targets_clear(&m->targets);
		sched_remove(&queue.sched, m->entry);
		m->entry = NULL;
		queue.active--;
		memcpy(kinds, row[i].kind, sizeof(kinds));
		n_kinds = row[i].n;
		queue.stopping = row[i].stopping;
		life_turn();
		life_accepted(m);
		queue.stopping = 0;
		assert_int_equal(queue.accepted, i + 1);
		assert_non_null(e = sched_find(&queue.sched, 2));
		assert_int_equal(e->state, row[i].reported ? ENTRY_ACTIVE :
		    ENTRY_READY);
		if (row[i].reported) {
			assert_int_equal(m->reporting, 1);
			report_turn();
			lane_done();
			assert_becomes(m, ENTRY_WAITING);
		} else {
			sched_remove(&queue.sched, e);
		}
	}
	assert_int_equal(queue.failed, 3);
}

/* Set aside: the file is moved, the table knows; what a worker has is not. */
static void
test_aside(void **state)
{
	struct message *m = message(1, TARGET_OPEN);
	struct schedule s;
	struct entry *e;

	job_add(m, &m->targets.t[0], 0);
	life_missing(1);
	assert_int_equal(m->entry->state, ENTRY_ACTIVE);
	assert_int_equal(rows, 0);
	life_aside(m, "4.3.0 broken");
	assert_int_equal(aside, 1);
	assert_int_equal(m->jobs, 0);
	assert_string_equal(m->aside, "4.3.0 broken");
	assert_becomes(m, ENTRY_ASIDE);
	life_missing(1);	/* there is none */
	e = sched_add(&queue.sched, 2);
	sched_wait(&queue.sched, e, FAR);
	rows = 0;
	life_missing(2);
	assert_int_equal(rows, 1);
	assert_int_equal(schedule_parse(&s, written.data, written.len), 0);
	assert_string_equal(s.words, "4.3.0 the body is missing");
	assert_int_equal(s.flags, SCHEDULE_ASIDE);
	free(s.words);
	buf_clear(&written);
	assert_int_equal(e->stored, 1);
	assert_int_equal(e->state, ENTRY_ASIDE);
	sched_remove(&queue.sched, e);
}

#define TS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TS(test_hold), TS(test_release), TS(test_delete),
		TS(test_untold), TS(test_unclosed), TS(test_withheld),
		TS(test_given_up), TS(test_waits), TS(test_delay),
		TS(test_told), TS(test_deleted_in_line),
		TS(test_no_room), TS(test_line), TS(test_accepted),
		TS(test_aside),
	};

	log_init("test_steps", 0);
	return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
