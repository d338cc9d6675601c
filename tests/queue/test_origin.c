/*
 * A real queue process and what collect brings: of each message there is a row
 * if, and only if, the message was accepted, whatever is killed when, until
 * collect drops it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/packed.h"
#include "tests/queue/fixture.h"

enum { ROWS = 100, ROUNDS = 25 };

static struct chan collect;

/* The rows that queue has told. */
static struct {
	uint32_t row;
	uint64_t length;
	char	 account[80], key[80], message_id[80];
} rows[ROWS];
static size_t n_rows;

static void
wire(void)
{
	chan_clear(&collect);
	rig_wire(&rig, PEER_COLLECT, &collect);
}

static int
setup_collect(void **state)
{
	chan_init(&collect, -1);
	setup(state);
	wire();
	return 0;
}

static int
teardown_collect(void **state)
{
	chan_clear(&collect);
	return teardown(state);
}

#define TC(f) cmocka_unit_test_setup_teardown(f, setup_collect, \
    teardown_collect)

static void
note(const struct packed_origin *o)
{
	assert_true(n_rows < ROWS);
	rows[n_rows].row = o->row;
	rows[n_rows].length = o->length;
	snprintf(rows[n_rows].account, 80, "%.*s", (int)o->account_len,
	    o->account);
	snprintf(rows[n_rows].key, 80, "%.*s", (int)o->key_len, o->key);
	snprintf(rows[n_rows].message_id, 80, "%.*s",
	    (int)o->message_id_len, o->message_id);
	n_rows++;
}

/* Asks for all rows; what is answered before (Q_DONE) does not matter. */
static void
ask_rows(void)
{
	struct buf why = BUF_INIT(300);
	struct packed_origin o;
	struct cursor c;
	struct msg m;
	const char *p;
	size_t len;
	int last = 0;

	n_rows = 0;
	msg_begin(&collect, &proto_queue, Q_ORIGINS, 5);
	assert_int_equal(msg_end(&collect), 0);
	assert_int_equal(chan_send(&collect, RIG_WAIT), 0);
	while (!last) {
		assert_int_equal(msg_recv(&m, &proto_queue, PEER_QUEUE,
		    &collect, RIG_WAIT, &why), 1);
		if (m.type == Q_ORIGIN_ROWS) {
			assert_int_equal(m.id, 5);
			p = msg_get(&m, QF_ROWS, &len);
			cursor_init(&c, p, len);
			while (packed_origin(&c, &o) == 1)
				note(&o);
			assert_false(c.bad);
			last = (int)msg_get_u32(&m, QF_LAST);
		}
		msg_done(&m);
	}
	buf_clear(&why);
}

static void
drop(uint32_t row)
{
	struct buf b = BUF_INIT(0);

	buf_put_u32(&b, row);
	msg_begin(&collect, &proto_queue, Q_ORIGIN_DROP, 0);
	msg_bytes(&collect, QF_ROWS, b.data, b.len);
	assert_int_equal(msg_end(&collect), 0);
	assert_int_equal(chan_send(&collect, RIG_WAIT), 0);
	buf_clear(&b);
}

/* Sends a message of that key and waits for nothing. */
static void
submit(const char *key)
{
	char id[17];
	int fd;

	assert_int_equal(rig_file(&collect, id, &fd), 0);
	rig_write(fd, TEXT);
	rig_collect(&collect, id, "home", key, TEXT);
}

/* The row of Q_DONE, which must come. */
static uint32_t
done_row(void)
{
	struct buf why = BUF_INIT(300);
	uint32_t row;
	struct msg m;

	assert_int_equal(msg_recv(&m, &proto_queue, PEER_QUEUE, &collect,
	    RIG_WAIT, &why), 1);
	assert_int_equal(m.type, Q_DONE);
	assert_true(msg_has(&m, QF_ROW));
	row = msg_get_u32(&m, QF_ROW);
	msg_done(&m);
	buf_clear(&why);
	return row;
}

/* Delivers all there is. How many these were. */
static size_t
deliver_all(void)
{
	struct rig_job j;
	size_t n = 0;

	while (rig_job(&deliver, &j, 500) == 1) {
		assert_string_equal(j.body, TEXT);
		assert_string_equal(j.sender, "anna@example.test");
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
		rig_job_clear(&j);
		n++;
	}
	return n;
}

/* A row outlives its message and queue, but not collect's word. */
static void
test_row(void **state)
{
	uint32_t first, second;

	ask_rows();
	assert_int_equal(n_rows, 0);
	submit("uid-1");
	first = done_row();
	assert_true(first != 0);
	submit("uid-2");
	second = done_row();
	assert_true(second != first);
	assert_int_equal(deliver_all(), 2);
	assert_empty();
	again();
	wire();
	ask_rows();
	assert_int_equal(n_rows, 2);
	assert_int_equal(rows[0].row, first);
	assert_string_equal(rows[0].account, "home");
	assert_string_equal(rows[0].key, "uid-1");
	assert_string_equal(rows[0].message_id, "<1@far.test>");
	assert_int_equal(rows[0].length, strlen(TEXT));
	assert_string_equal(rows[1].key, "uid-2");
	drop(first);
	drop(first);		/* again: it is gone already */
	ask_rows();
	assert_int_equal(n_rows, 1);
	assert_int_equal(rows[0].row, second);
	again();
	wire();
	ask_rows();
	assert_int_equal(n_rows, 1);
	assert_int_equal(rows[0].row, second);
	/* A number is not used again while its row is there. */
	submit("uid-3");
	assert_true(done_row() != second);
	/* A file of an older version's name: no gap came of the rows. */
	assert_int_equal(deliver_all(), 1);
}

/* Killed at any moment: message and row are there, or neither. */
static void
test_both_or_neither(void **state)
{
	size_t messages = 0, i;
	char key[20];

	for (i = 0; i < ROUNDS; i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		submit(key);
		usleep((useconds_t)(i * 400));
		again();
		wire();
		messages += deliver_all();
		ask_rows();
		assert_int_equal(n_rows, messages);
	}
}

/*
 * collect is killed, and a new one is there before queue has read what the old
 * one said last: what the new one is told is all that there will ever be.
 */
static void
test_collect_replaced(void **state)
{
	size_t i, messages = 0, told;
	char key[20];

	for (i = 0; i < ROUNDS; i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		submit(key);
		usleep((useconds_t)(i * 200));
		wire();
		ask_rows();
		told = n_rows;
		messages += deliver_all();
		assert_int_equal(told, messages);
		ask_rows();
		assert_int_equal(n_rows, told);
	}
	assert_true(messages > 0);
}

/* Who says what of whom. */
static void
test_whose(void **state)
{
	char id[17];
	int fd;

	/* smtpd brings nothing of an account. */
	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	rig_write(fd, TEXT);
	rig_collect(&smtpd, id, "home", "k", TEXT);
	assert_int_equal(rig_answer(&smtpd), 0);
	/* And collect nothing without one. */
	assert_int_equal(rig_file(&collect, id, &fd), 0);
	rig_write(fd, TEXT);
	rig_collect(&collect, id, "home", "", TEXT);
	assert_int_equal(rig_answer(&collect), 0);
	assert_int_equal(deliver_all(), 0);
	wire();
	ask_rows();
	assert_int_equal(n_rows, 0);
}

/* A worker of collect's that keeps its file open costs itself a message. */
static void
test_open(void **state)
{
	char id[17];
	int fd, i;

	for (i = 0; i < 6; i++) {
		assert_int_equal(rig_file(&collect, id, &fd), 0);
		rig_collect(&collect, id, "home", "k", TEXT);
		assert_int_equal(rig_answer(&collect), Q_LATER);
		close(fd);
	}
	ask_rows();
	assert_int_equal(n_rows, 0);
	submit("k");
	done_row();
}

/* What is not used is given back, and its file goes. */
static void
test_unused(void **state)
{
	char id[17];
	int fd;

	assert_int_equal(rig_file(&collect, id, &fd), 0);
	rig_write(fd, TEXT);
	assert_int_equal(rig_files(&rig, "body", 0), 1);
	msg_begin(&collect, &proto_queue, Q_UNUSED, 0);
	msg_text(&collect, QF_FILE, id);
	assert_int_equal(msg_end(&collect), 0);
	assert_int_equal(chan_send(&collect, RIG_WAIT), 0);
	assert_empty();
	/* It is nobody's now. */
	rig_collect(&collect, id, "home", "k", TEXT);
	assert_int_equal(rig_answer(&collect), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TC(test_row),
		TC(test_both_or_neither),
		TC(test_collect_replaced),
		TC(test_whose),
		TC(test_open),
		TC(test_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
