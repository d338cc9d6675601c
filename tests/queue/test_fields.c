/*
 * What an envelope says beyond sender and recipients, from Q_SUBMIT to the
 * jobs: each worker hears what it has to know, also after a kill.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/mail/limits.h"
#include "lib/mail/notes.h"
#include "tests/queue/fixture.h"

static struct chan collect;	/* who alone says from which account it comes */
static struct chan *from;	/* who submits */

/* Begins a submission that is as plain as can be. */
static void
begin(const char *id, const struct buf *recipients, uint32_t flags)
{
	msg_begin(from, &proto_queue, Q_SUBMIT, 8);
	msg_text(from, QF_FILE, id);
	msg_text(from, QF_SENDER, "s@far.test");
	msg_bytes(from, QF_RECIPIENTS, recipients->data, recipients->len);
	msg_text(from, QF_CLIENT, "rig [127.0.0.1]");
	msg_u64(from, QF_TIME, (uint64_t)time(NULL));
	msg_u64(from, QF_LENGTH, strlen(TEXT));
	msg_u32(from, QF_CRC, crc32c(0, TEXT, strlen(TEXT)));
	msg_u32(from, QF_FINAL, 0);
	msg_u32(from, QF_FORWARD, 0);
	msg_u32(from, QF_FLAGS, flags);
}

static void
end(int answer)
{
	assert_int_equal(msg_end(from), 0);
	assert_int_equal(chan_send(from, RIG_WAIT), 0);
	assert_int_equal(rig_answer(from), answer);
}

static void
file(char id[17])
{
	int fd;

	assert_int_equal(rig_file(from, id, &fd), 0);
	rig_write(fd, TEXT);
}

static void
add(struct buf *recipients, const char *address, const char *orcpt,
    uint32_t notify)
{
	buf_put_lv(recipients, address, strlen(address));
	buf_put_lv(recipients, orcpt, strlen(orcpt));
	buf_put_u32(recipients, notify);
}

static void
job(struct chan *c, struct msg *m)
{
	struct buf why = BUF_INIT(300);

	assert_int_equal(msg_recv(m, &proto_job, PEER_QUEUE, c, RIG_WAIT,
	    &why), 1);
}

static void
assert_text(const struct msg *m, uint8_t tag, const char *want)
{
	char *got = msg_get_dup(m, tag);

	assert_string_equal(got, want);
	free(got);
}

static const struct buf *
notes(void)
{
	static struct buf packed;

	buf_reset(&packed);
	assert_int_equal(notes_add(&packed, "spf", "pass"), 0);
	assert_int_equal(notes_add(&packed, "score", "4.5"), 0);
	return &packed;
}

static void
assert_full(void)
{
	struct cursor c;
	const char *p;
	struct msg m;
	size_t len;

	job(&deliver, &m);
	assert_int_equal(msg_get_u32(&m, JF_ORIGIN), Q_ORIGIN_COLLECTOR);
	assert_text(&m, JF_ACCOUNT, "anna@provider.test");
	assert_text(&m, JF_UIDL, "000001b74e");
	assert_int_equal(msg_get_u32(&m, JF_FLAGS), Q_8BIT | Q_SMTPUTF8 |
	    Q_REQUIRETLS);
	p = msg_get(&m, JF_NOTES, &len);
	assert_int_equal(len, notes()->len);
	assert_memory_equal(p, notes()->data, len);
	assert_false(msg_has(&m, JF_RET));
	msg_done(&m);
	job(&relay, &m);
	assert_text(&m, JF_ROUTE, "one.test");
	assert_text(&m, JF_ENVID, "QQ314159");
	assert_int_equal(msg_get_u32(&m, JF_RET), Q_RET_HDRS);
	assert_int_equal(msg_get_u32(&m, JF_BODY), Q_BODY_BINARYMIME);
	assert_int_equal(msg_get_u32(&m, JF_FLAGS), Q_8BIT | Q_SMTPUTF8 |
	    Q_REQUIRETLS);
	assert_false(msg_has(&m, JF_NOTES));
	p = msg_get(&m, JF_RCPT_DSN, &len);
	cursor_init(&c, p, len);
	/* The second of two, and only that one. */
	assert_int_equal(cursor_u32(&c), 2);
	p = cursor_lv(&c, &len, ORCPT_MAX);
	assert_int_equal(len, 17);
	assert_memory_equal(p, "rfc822;B@one.test", 17);
	assert_int_equal(cursor_u32(&c), Q_NOTIFY_SUCCESS | Q_NOTIFY_DELAY);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.bad);
	msg_done(&m);
}

/* The operator sees it. */
static void
assert_shown(const char *id)
{
	static const char *const want[] = { " collector 8bit smtputf8 "
	    "requiretls anna@provider.test 000001b74e HDRS BINARYMIME spf=pass "
	    "score=4.5 <m1@remote.test> ", " anna@example.test  NEVER ",
	    " b@one.test rfc822;B@one.test SUCCESS DELAY " };
	char out[1000];
	uint32_t status;
	size_t i;

	ask(C_SHOW, id, 1, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_non_null(strstr(out, want[i]));
}

static void
test_all(void **state)
{
	struct buf to = BUF_INIT(0);
	char id[17];

	chan_init(&collect, -1);
	rig_wire(&rig, PEER_COLLECT, &collect);
	from = &collect;
	file(id);
	add(&to, "anna@example.test", "", Q_NOTIFY_NEVER);
	add(&to, "a@one.test", "", 0);
	add(&to, "b@one.test", "rfc822;B@one.test", Q_NOTIFY_SUCCESS |
	    Q_NOTIFY_DELAY);
	begin(id, &to, Q_8BIT | Q_SMTPUTF8 | Q_REQUIRETLS);
	msg_text(from, QF_ENVID, "QQ314159");
	msg_u32(from, QF_ORIGIN, Q_ORIGIN_COLLECTOR);
	msg_text(from, QF_ACCOUNT, "anna@provider.test");
	msg_text(from, QF_UIDL, "000001b74e");
	msg_text(from, QF_MESSAGE_ID, "<m1@remote.test>");
	msg_u32(from, QF_RET, Q_RET_HDRS);
	msg_u32(from, QF_BODY, Q_BODY_BINARYMIME);
	msg_bytes(from, QF_NOTES, notes()->data, notes()->len);
	end(Q_DONE);
	assert_full();
	again();
	assert_full();
	assert_shown(id);
	chan_clear(&collect);
	buf_clear(&to);
}

static void
test_plain(void **state)
{
	static const uint8_t absent[] = { JF_LOGIN, JF_CREDENTIAL, JF_TLS,
		JF_ENVID, JF_RET, JF_RCPT_DSN, JF_BODY, JF_ORIGIN, JF_ACCOUNT,
		JF_UIDL, JF_NOTES };
	struct msg m;
	char id[17];
	size_t i;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test", "a@one.test"), TEXT), 0);
	job(&deliver, &m);
	for (i = 0; i < sizeof(absent); i++)
		assert_false(msg_has(&m, absent[i]));
	msg_done(&m);
	job(&relay, &m);
	for (i = 0; i < sizeof(absent); i++)
		assert_false(msg_has(&m, absent[i]));
	msg_done(&m);
}

/* What is out of bounds is a broken rule: the worker is retired. */
static void
assert_refused(uint8_t tag, uint32_t number, const char *bytes, size_t len)
{
	struct buf to = BUF_INIT(0);
	char id[17];

	from = &smtpd;
	file(id);
	add(&to, "anna@example.test", "", 0);
	begin(id, &to, 0);
	if (bytes != NULL)
		msg_bytes(from, tag, bytes, len);
	else
		msg_u32(from, tag, number);
	end(0);
	assert_true(rig_retired(&rig, 2000) > 0);
	wire_all();
	buf_clear(&to);
}

static void
test_bounds(void **state)
{
	assert_refused(QF_RET, Q_RET_HDRS + 1, NULL, 0);
	assert_refused(QF_BODY, Q_BODY_BINARYMIME + 1, NULL, 0);
	assert_refused(QF_NOTES, 0, "\1\0\0\0n", 5);
	assert_idle(&deliver);
	assert_empty();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all), T(test_plain), T(test_bounds),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
