#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

struct rig rig;
struct chan smtpd, deliver, relay;
char fixture_said[300];
const char *fixture_conf = "";

void
wire_all(void)
{
	chan_clear(&smtpd);
	chan_clear(&deliver);
	chan_clear(&relay);
	rig_wire(&rig, PEER_SMTPD, &smtpd);
	rig_wire(&rig, PEER_DELIVER, &deliver);
	rig_wire(&rig, PEER_RELAY, &relay);
}

int
setup(void **state)
{
	rig_init(&rig, fixture_conf);
	chan_init(&smtpd, -1);
	chan_init(&deliver, -1);
	chan_init(&relay, -1);
	rig_start(&rig);
	wire_all();
	return 0;
}

int
setup_quick(void **state)
{
	fixture_conf = "queue_retry_min = 1s\nqueue_retry_max = 2s\n";
	return setup(state);
}

int
setup_smart(void **state)
{
	fixture_conf = "relay_host = smart.test\n";
	return setup(state);
}

int
teardown(void **state)
{
	chan_clear(&smtpd);
	chan_clear(&deliver);
	chan_clear(&relay);
	rig_clear(&rig);
	unsetenv("ROHRPOST_CLOCK_SHIFT");
	fixture_conf = "";
	return 0;
}

void
again(void)
{
	rig_kill(&rig);
	rig_start(&rig);
	wire_all();
}

void
again_at(const char *seconds)
{
	if (seconds != NULL)
		setenv("ROHRPOST_CLOCK_SHIFT", seconds, 1);
	else
		unsetenv("ROHRPOST_CLOCK_SHIFT");
	again();
}

void
nap(int ms)
{
	poll(NULL, 0, ms);
}

void
assert_empty(void)
{
	int i;

	for (i = 0; i < 50 && rig_files(&rig, "body", 0) > 0; i++)
		nap(100);
	assert_int_equal(rig_files(&rig, "body", 0), 0);
}

void
assert_idle(struct chan *c)
{
	struct rig_job j;

	assert_int_equal(rig_job(c, &j, 300), 0);
}

void
take(struct chan *c, struct rig_job *j)
{
	assert_int_equal(rig_job(c, j, RIG_WAIT), 1);
}

/* Appends a value and a blank; those of a list one by one. */
static void
put_value(char *out, size_t size, uint8_t type, const char *p, size_t len)
{
	struct cursor list;

	if (type == C_TEXTS) {
		cursor_init(&list, p, len);
		while (cursor_left(&list) > 0) {
			p = cursor_lv(&list, &len, 2000);
			assert_non_null(p);
			put_value(out, size, C_TEXT, p, len);
		}
	} else if (strlen(out) + len + 2 < size) {
		strncat(out, p, len);
		strcat(out, " ");
	}
}

unsigned
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
	uint8_t type;

	out[0] = fixture_said[0] = '\0';
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
			p = msg_get(&m, CF_WORDS, &len);
			snprintf(fixture_said, sizeof(fixture_said), "%.*s",
			    (int)len, p != NULL ? p : "");
			msg_done(&m);
			break;
		}
		rows++;
		p = msg_get(&m, CF_VALUES, &len);
		cursor_init(&cur, p, len);
		for (i = 0; cursor_left(&cur) > 0; i++) {
			type = cursor_u8(&cur);
			p = cursor_lv(&cur, &len, 2000);
			if (i == column && p != NULL)
				put_value(out, size, type, p, len);
		}
		assert_false(cur.bad);
		msg_done(&m);
	}
	chan_clear(&c);
	buf_clear(&why);
	return rows;
}

void
assert_column(unsigned column, const char *want)
{
	uint32_t status;
	char out[400];
	int i;

	for (i = 0; i < RIG_WAIT / 50; i++) {
		ask(C_LIST, NULL, column, out, sizeof(out), &status);
		if (status == C_OK && strcmp(out, want) == 0)
			return;
		nap(50);
	}
	assert_string_equal(out, want);
}

void
assert_states(const char *want)
{
	assert_column(1, want);
}

void
assert_status(const char *want)
{
	size_t len = strlen(want);
	uint32_t status;
	char out[400];
	int i;

	for (i = 0; i < RIG_WAIT / 50; i++) {
		ask(C_STATUS, NULL, 1, out, sizeof(out), &status);
		if (status == C_OK && strncmp(out, want, len) == 0)
			return;
		nap(50);
	}
	out[len] = '\0';
	assert_string_equal(out, want);
}
