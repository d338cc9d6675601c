/*
 * A real queue process: what it promises, and that it keeps it when it is
 * killed at any of its steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "queue/queue_envelope.h"
#include "queue/queue_table.h"
#include "tests/queue/rig.h"

#define TO(...) (const char *const []){ __VA_ARGS__, NULL }
#define TEXT "Subject: test\r\nX-Header: \303\244\r\n\r\nbody\r\n"

static struct rig rig;
static struct chan smtpd, deliver, relay;
static const char *conf = "";

static void
wire_all(void)
{
	chan_clear(&smtpd);
	chan_clear(&deliver);
	chan_clear(&relay);
	rig_wire(&rig, PEER_SMTPD, &smtpd);
	rig_wire(&rig, PEER_DELIVER, &deliver);
	rig_wire(&rig, PEER_RELAY, &relay);
}

static int
setup(void **state)
{
	rig_init(&rig, conf);
	chan_init(&smtpd, -1);
	chan_init(&deliver, -1);
	chan_init(&relay, -1);
	rig_start(&rig);
	wire_all();
	return 0;
}

static int
setup_quick(void **state)
{
	conf = "queue_retry_min = 1s\nqueue_retry_max = 2s\n";
	return setup(state);
}

static int
setup_smart(void **state)
{
	conf = "relay_host = smart.test\n";
	return setup(state);
}

static int
teardown(void **state)
{
	chan_clear(&smtpd);
	chan_clear(&deliver);
	chan_clear(&relay);
	rig_clear(&rig);
	conf = "";
	return 0;
}

static void
again(void)
{
	rig_kill(&rig);
	rig_start(&rig);
	wire_all();
}

static void
nap(int ms)
{
	poll(NULL, 0, ms);
}

/* Body files go a little after the record. */
static void
assert_empty(void)
{
	int i;

	for (i = 0; i < 50 && rig_files(&rig, "body", 0) > 0; i++)
		nap(100);
	assert_int_equal(rig_files(&rig, "body", 0), 0);
}

static void
assert_idle(struct chan *c)
{
	struct rig_job j;

	assert_int_equal(rig_job(c, &j, 300), 0);
}

static void
take(struct chan *c, struct rig_job *j)
{
	assert_int_equal(rig_job(c, j, RIG_WAIT), 1);
}

static void
test_deliver(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna+tag@example.test"), TEXT), 0);
	take(&deliver, &j);
	assert_int_equal(j.type, J_DELIVER);
	assert_string_equal(j.file, id);
	assert_string_equal(j.sender, "s@far.test");
	assert_int_equal(j.n, 1);
	assert_string_equal(j.rcpt[0].owner, "anna@example.test");
	assert_string_equal(j.rcpt[0].address, "anna+tag@example.test");
	assert_string_equal(j.body, TEXT);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
	again();
	assert_idle(&deliver);
}

static void
test_many_in_one(void **state)
{
	struct rig_job j, k;
	char id[17];

	/* An alias, one of its targets, the alias domain's name of another,
	   and a recipient elsewhere twice: each mailbox one copy. */
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("sales@example.test", "anna@example.test", "bert@alias.test",
	    "far@remote.test", "x@Remote.TEST", "nobody@example.test"),
	    TEXT), 0);
	take(&deliver, &j);
	assert_int_equal(j.n, 2);
	take(&relay, &k);
	assert_int_equal(k.type, J_RELAY);
	assert_string_equal(k.dest, "remote.test");
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [::1]");
	rig_job_clear(&j);
	rig_job_clear(&k);
	/* x@remote.test was given directly, far@ came by the alias: two. */
	take(&relay, &k);
	assert_string_equal(k.dest, "remote.test");
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [::1]");
	rig_job_clear(&k);
	/* And the sender hears of nobody@example.test. */
	take(&relay, &k);
	assert_string_equal(k.dest, "far.test");
	assert_string_equal(k.sender, "");
	assert_non_null(strstr(k.body, "nobody@example.test"));
	assert_non_null(strstr(k.body, "Status: 5.1.1"));
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [::1]");
	rig_job_clear(&k);
	assert_empty();
}

static void
test_killed_before_the_word(void **state)
{
	struct rig_job j;
	char id[17];
	int fd;

	/* Blank, written, submitted but not answered: none was promised. */
	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	again();
	close(fd);
	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	rig_write(fd, TEXT);
	again();
	assert_idle(&deliver);
	/* The old name cannot be submitted at the new process. */
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"), TEXT);
	assert_int_equal(rig_answer(&smtpd), 0);
	assert_int_equal(rig_retired(&rig, 2000), rig.instance - 2);
	assert_int_equal(rig_job(&deliver, &j, 300), 0);
}

static void
test_killed_after_the_word(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	again();
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	assert_string_equal(j.body, TEXT);
	rig_job_clear(&j);
	again();			/* under way, not answered */
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_killed_between_results(void **state)
{
	struct rig_job j, k;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test", "a@one.test", "b@two.test"), TEXT), 0);
	take(&deliver, &j);
	take(&relay, &k);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	assert_string_equal(k.dest, "one.test");
	rig_job_clear(&j);
	rig_job_clear(&k);
	take(&relay, &k);		/* so the results were taken */
	assert_string_equal(k.dest, "two.test");
	rig_job_clear(&k);
	again();
	take(&relay, &k);
	assert_string_equal(k.dest, "two.test");
	assert_int_equal(k.n, 1);
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&k);
	assert_idle(&deliver);
	assert_idle(&relay);
	assert_empty();
}

static void
test_partial_results(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("u1@example.test", "u2@example.test", "u3@example.test"),
	    TEXT), 0);
	take(&deliver, &j);
	assert_int_equal(j.n, 3);
	rig_result(&deliver, &j, 1, RESULT_DELIVERED, "2.0.0 ok", "");
	nap(200);
	rig_job_clear(&j);
	again();
	take(&deliver, &j);
	assert_int_equal(j.n, 2);
	assert_string_equal(j.rcpt[0].owner, "u1@example.test");
	assert_string_equal(j.rcpt[1].owner, "u3@example.test");
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_worker_lost(void **state)
{
	struct chan other;
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	rig_job_clear(&j);
	chan_clear(&deliver);
	rig_wire(&rig, PEER_DELIVER, &other);
	take(&other, &j);
	assert_string_equal(j.file, id);
	/* Refused: the same worker gets it again after a moment. */
	rig_words(&other, &j, J_REFUSED, "4.3.0 the mail store went away");
	rig_job_clear(&j);
	assert_int_equal(rig_job(&other, &j, 100), 0);
	take(&other, &j);
	rig_result(&other, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
	chan_clear(&other);
}

static void
test_writer_left(void **state)
{
	struct rig_job j;
	char id[17];
	int fd;

	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	assert_int_equal(fd_write_all(fd, TEXT, strlen(TEXT)), 0);
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"), TEXT);
	assert_int_equal(rig_answer(&smtpd), Q_LATER);
	assert_int_equal(rig_retired(&rig, RIG_WAIT), rig.instance - 2);
	assert_int_equal(rig_job(&deliver, &j, 300), 0);
	close(fd);
}

static void
test_wrong_length(void **state)
{
	char id[17];
	int fd;

	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	rig_write(fd, TEXT);
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"),
	    TEXT "more");
	assert_int_equal(rig_answer(&smtpd), Q_LATER);
	/* And the worker may go on. */
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
}

/* Asks and reads all rows; their number. The values of column are in out. */
static unsigned
ask(unsigned command, const char *id, unsigned column, char *out, size_t size,
    uint32_t *status_r)
{
	struct buf why = BUF_INIT(300);
	struct cursor cur;
	struct chan c;
	const char *p;
	struct msg m;
	size_t len;
	unsigned i, rows = 0;

	out[0] = '\0';
	*status_r = 99;
	rig_control(&rig, &c);
	msg_begin(&c, &proto_ctl, command, 3);
	if (id != NULL)
		msg_text(&c, CF_ID, id);
	assert_int_equal(msg_end(&c), 0);
	assert_int_equal(chan_send(&c, RIG_WAIT), 0);
	while (msg_recv(&m, &proto_ctl, PEER_QUEUE, &c, RIG_WAIT, &why) == 1) {
		if (m.type == C_END) {
			*status_r = msg_get_u32(&m, CF_STATUS);
			msg_done(&m);
			break;
		}
		rows++;
		p = msg_get(&m, CF_VALUES, &len);
		cursor_init(&cur, p, len);
		for (i = 0; cursor_left(&cur) > 0; i++) {
			cursor_u8(&cur);
			p = cursor_lv(&cur, &len, 2000);
			if (i == column && strlen(out) + len + 2 < size) {
				strncat(out, p, len);
				strcat(out, " ");
			}
		}
		assert_false(cur.bad);
		msg_done(&m);
	}
	chan_clear(&c);
	buf_clear(&why);
	return rows;
}

static void
test_broken(void **state)
{
	struct rig_job j;
	char id[17], out[400];
	uint32_t status;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test", "a@one.test"), TEXT), 0);
	take(&deliver, &j);
	rig_words(&deliver, &j, J_BROKEN, "4.3.0 checksum");
	rig_job_clear(&j);
	nap(300);
	assert_int_equal(rig_files(&rig, "bad", 0), 1);
	assert_int_equal(rig_files(&rig, "body", 0), 0);
	ask(C_LIST, NULL, 1, out, sizeof(out), &status);
	assert_string_equal(out, "broken broken ");
	again();
	ask(C_LIST, NULL, 1, out, sizeof(out), &status);
	assert_string_equal(out, "broken broken ");
	assert_idle(&deliver);
	ask(C_RETRY, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	take(&deliver, &j);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_deferred_and_control(void **state)
{
	char id[17], id2[17], out[400];
	struct rig_job j;
	uint32_t status;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 greylisted", "mx.one");
	rig_job_clear(&j);
	nap(100);
	assert_int_equal(ask(C_LIST, NULL, 10, out, sizeof(out), &status), 1);
	assert_string_equal(out, "4.7.1 greylisted ");
	again();
	assert_idle(&relay);
	ask(C_LIST, NULL, 10, out, sizeof(out), &status);
	assert_string_equal(out, "4.7.1 greylisted ");
	ask(C_HOLD, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	ask(C_LIST, NULL, 1, out, sizeof(out), &status);
	assert_string_equal(out, "held ");
	ask(C_RETRY, NULL, 1, out, sizeof(out), &status);
	assert_idle(&relay);
	ask(C_RELEASE, id, 1, out, sizeof(out), &status);
	take(&relay, &j);
	assert_string_equal(j.file, id);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 greylisted", "mx.one");
	rig_job_clear(&j);
	nap(100);
	ask(C_RETRY, NULL, 1, out, sizeof(out), &status);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 greylisted", "mx.one");
	rig_job_clear(&j);
	nap(100);
	assert_true(ask(C_SHOW, id, 0, out, sizeof(out), &status) > 5);
	assert_int_equal(rig_send(&smtpd, id2, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	ask(C_DELETE, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	ask(C_DELETE, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_REFUSED);
	ask(C_DELETE, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_REFUSED);
	ask(C_STATUS, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
	again();
	assert_idle(&relay);
}

static void
test_backoff(void **state)
{
	int64_t start = clock_mono_ms();
	struct rig_job j;
	char id[17];
	int i;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	for (i = 0; i < 3; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx.one");
		rig_job_clear(&j);
	}
	assert_true(clock_mono_ms() - start >= 1900);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.7.1 no", "mx.one");
	rig_job_clear(&j);
	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_non_null(strstr(j.body, "5.7.1"));
	/* Nobody is told of a bounce that fails. */
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx.far");
	rig_job_clear(&j);
	assert_empty();
	assert_idle(&relay);
}

static void
test_bounce_killed(void **state)
{
	struct rig_job j;
	char id[17], out[400];
	uint32_t status;
	int i;

	assert_int_equal(rig_send(&smtpd, id, "anna@example.test",
	    TO("a@one.test"), TEXT), 0);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx.one");
	rig_job_clear(&j);
	/* However often it is killed now, anna hears of it. */
	for (i = 0; i < 8; i++) {
		nap(i * 3);
		again();
	}
	for (i = 0; i < 2; i++) {
		if (rig_job(&relay, &j, 500) != 1)
			break;
		rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx.one");
		rig_job_clear(&j);
	}
	take(&deliver, &j);
	assert_string_equal(j.sender, "");
	assert_string_equal(j.rcpt[0].owner, "anna@example.test");
	assert_non_null(strstr(j.body, "Subject: test"));
	assert_null(strchr(j.body, '\303'));
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	while (rig_job(&deliver, &j, 300) == 1) {
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
		rig_job_clear(&j);
	}
	/* A bounce that was written and not accepted leaves its file, for the
	   sweeper; but no record. */
	ask(C_STATUS, NULL, 1, out, sizeof(out), &status);
	assert_memory_equal(out, "0 0 0 0 0 0 ", 12);
}

static void
test_destinations(void **state)
{
	struct chan more[5];
	struct rig_job j[6];
	char id[17];
	int i, r, got = 0;

	for (i = 0; i < 5; i++)
		rig_wire(&rig, PEER_RELAY, &more[i]);
	for (i = 0; i < 8; i++)
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("a@one.test"), TEXT), 0);
	/* Six workers are free; four at most go to one place. */
	for (i = 0; i < 6; i++) {
		r = rig_job(i == 5 ? &relay : &more[i], &j[i], 200);
		got += r == 1;
		rig_job_clear(&j[i]);
	}
	assert_int_equal(got, 4);
	for (i = 0; i < 5; i++)
		chan_clear(&more[i]);
}

static void
test_smarthost(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("a@one.test", "b@two.test"), TEXT), 0);
	take(&relay, &j);
	assert_string_equal(j.dest, "");
	assert_int_equal(j.n, 2);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "smart");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_down(void **state)
{
	char id[17], out[400];
	struct rig_job j;
	uint32_t status;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("a@one.test"), TEXT), 0);
	/* Nobody answers twice: the others need no try. */
	for (i = 0; i < 2; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, "4.4.1 refused", "");
		rig_job_clear(&j);
	}
	assert_idle(&relay);
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status), 5);
	assert_string_equal(out,
	    "deferred deferred deferred deferred deferred ");
	/* The operator wants it now. */
	ask(C_RETRY, NULL, 1, out, sizeof(out), &status);
	for (i = 0; i < 5; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0", "mx");
		rig_job_clear(&j);
	}
	assert_empty();
}

static void
test_loops(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "bert@example.test",
	    TO("ping@example.test"), TEXT), 0);
	take(&deliver, &j);
	assert_string_equal(j.sender, "");
	assert_string_equal(j.rcpt[0].owner, "bert@example.test");
	assert_non_null(strstr(j.body, "Status: 5.4.6"));
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_stop(void **state)
{
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	chan_clear(&relay);
	rig_stop(&rig);
	assert_int_equal(rig_files(&rig, "body", 1), 1);
	rig_start(&rig);
	wire_all();
	{
		struct rig_job j;

		take(&relay, &j);
		assert_string_equal(j.file, id);
		rig_job_clear(&j);
	}
}

static void
test_nonsense(void **state)
{
	static const char bad[64] = { 1, 99 };
	struct chan c;
	char id[17];
	int i;

	for (i = 0; i < 3; i++) {
		rig_wire(&rig, i == 0 ? PEER_SMTPD : i == 1 ? PEER_DELIVER :
		    PEER_RELAY, &c);
		assert_int_equal(fd_write_all(c.fd, bad, sizeof(bad)), 0);
		assert_int_equal(chan_read(&c), 0);
		chan_clear(&c);
	}
	for (i = 0; i < 40; i++) {
		rig_control(&rig, &c);
		assert_int_equal(fd_write_all(c.fd, bad, sizeof(bad)), 0);
		chan_clear(&c);
	}
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
}

enum { MANY = 100000 };

/* Records and files of messages that wait, as an earlier run left them. */
static void
fill(void)
{
	struct recipient to = { "a@one.test", "", 0 };
	struct envelope e = { .time = 1, .length = 1, .sender = "s@far.test",
		.client = "", .login = "", .envid = "", .rcpt = &to,
		.n_rcpt = 1 };
	struct schedule s = { .next = (uint64_t)1 << 40 };
	struct buf env = BUF_INIT(0), sched = BUF_INIT(0), path = BUF_INIT(0);
	struct buf why = BUF_INIT(300);
	int i, dir;

	buf_printf(&path, "%s/spool/queue/body", rig.dir);
	assert_int_equal(envelope_pack(&e, &env), 0);
	assert_int_equal(schedule_pack(&s, &sched), 0);
	assert_int_equal(mkdir(buf_str(&path), 0770), 0);
	assert_true((dir = open(buf_str(&path), O_RDONLY)) != -1);
	buf_set(&path, "%s/spool/queue/db", rig.dir);
	if (table_open(buf_str(&path), &why) == -1)
		fail_msg("%s", buf_str(&why));
	table_begin();
	for (i = 1; i <= MANY; i++) {
		table_put((uint64_t)i, RECORD_ENVELOPE, 0, env.data, env.len);
		table_put((uint64_t)i, RECORD_SCHEDULE, 0, sched.data,
		    sched.len);
		buf_set(&path, "%016x", i);
		/* One is missing. */
		if (i != MANY / 2)
			close(openat(dir, buf_str(&path), O_CREAT | O_WRONLY,
			    0660));
	}
	assert_int_equal(table_commit(COMMIT_WRITTEN), 0);
	table_close();
	_exit(0);
}

static void
test_start_with_many(void **state)
{
	char id[17], out[400];
	uint32_t status;
	int64_t start;
	pid_t pid;
	int st;

	rig_clear(&rig);
	rig_init(&rig, conf);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && (setgid(65534) == -1 ||
		    setuid(65534) == -1))
			_exit(1);
		fill();
	}
	waitpid(pid, &st, 0);
	assert_int_equal(st, 0);
	start = clock_mono_ms();
	rig_start(&rig);
	wire_all();
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	assert_true(clock_mono_ms() - start < 5000);
	assert_int_equal(ask(C_LIST, NULL, 9, out, sizeof(out), &status),
	    MANY + 1);
	assert_int_equal(status, C_OK);
	nap(3500);		/* the first sweep */
	ask(C_STATUS, NULL, 1, out, sizeof(out), &status);
	assert_memory_equal(out, "100001 1 0 99999 0 1 ", 21);
}

/* What the random kills remember. */
static char acked[4000][17];
static unsigned char came[4000];
static size_t n_acked;

static void
note(const char *id)
{
	size_t i;

	for (i = 0; i < n_acked; i++)
		if (strcmp(acked[i], id) == 0)
			came[i] = 1;
}

/* Answers what deliver has, as long as something comes. */
static void
drain(int timeout)
{
	struct rig_job j;

	while (rig_job(&deliver, &j, timeout) == 1) {
		note(j.file);
		assert_string_equal(j.body, TEXT);
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0", "");
		rig_job_clear(&j);
	}
}

static void
test_random_kills(void **state)
{
	char id[17], out[400];
	struct timespec t;
	uint32_t status;
	size_t i;
	int k, n, fd;

	clock_gettime(CLOCK_REALTIME, &t);
	srandom((unsigned)t.tv_nsec);
	for (k = 0; k < 25; k++) {
		for (n = 0; n < 40; n++) {
			if (rig_file(&smtpd, id, &fd) == -1)
				break;
			rig_write(fd, TEXT);
			rig_submit(&smtpd, id, "s@far.test",
			    TO("anna@example.test"), TEXT);
			if (random() % 30 == 0)
				break;	/* killed before the answer is read */
			if (rig_answer(&smtpd) == Q_DONE)
				strcpy(acked[n_acked++], id);
			if (random() % 4 == 0)
				drain(0);
		}
		again();
	}
	drain(500);
	for (i = 0; i < n_acked; i++)
		if (!came[i])
			fail_msg("%s was acknowledged and is lost", acked[i]);
	assert_true(n_acked > 100);
	ask(C_STATUS, NULL, 1, out, sizeof(out), &status);
	assert_memory_equal(out, "0 0 0 0 0 0 ", 12);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TQ(f) cmocka_unit_test_setup_teardown(f, setup_quick, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_deliver), T(test_many_in_one),
		T(test_killed_before_the_word), T(test_killed_after_the_word),
		T(test_killed_between_results), T(test_partial_results),
		T(test_worker_lost), T(test_writer_left), T(test_wrong_length),
		T(test_broken), T(test_deferred_and_control), TQ(test_backoff),
		TQ(test_bounce_killed), T(test_destinations), T(test_down),
		cmocka_unit_test_setup_teardown(test_smarthost, setup_smart,
		    teardown),
		T(test_loops), T(test_stop), T(test_nonsense),
		T(test_start_with_many), T(test_random_kills),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
