/*
 * What the operator is shown of the queue, to the last value, and the words
 * with which a command of his is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

static char id[17], out[4000];
static uint32_t status;

/* That column of what is shown of the message: these values. */
static void
assert_shown(unsigned command, unsigned column, const char *want)
{
	ask(command, id, column, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	assert_string_equal(out, want);
}

static void
assert_refused(unsigned command, const char *which, const char *words)
{
	ask(command, which, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_REFUSED);
	assert_string_equal(fixture_said, words);
}

/* One to a list of three, delivered, refused and deferred. */
static void
post(void)
{
	static const struct rig_wish wish = { Q_NOTIFY_FAILURE |
		Q_NOTIFY_DELAY, Q_RET_HDRS, Q_8BIT, "rfc822;list@far.test",
		"QQ7" };
	struct rig_job j;

	rig_ask(&smtpd, "s@far.test", TO("sales@example.test"), TEXT, &wish);
	take(&deliver, &j);
	snprintf(id, sizeof(id), "%s", j.file);
	rig_result(&deliver, &j, 0, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_result(&deliver, &j, 1, RESULT_LATER, "4.2.2 full", "");
	rig_job_clear(&j);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx");
	rig_job_clear(&j);
	assert_states("deferred deferred deferred ");
}

/* A time of now, and the blank behind it. */
static const char *
skip_time(const char *p, time_t least, time_t most)
{
	char *end;
	long t = strtol(p, &end, 10);

	assert_in_range(t, least, most);
	assert_int_equal(*end, ' ');
	return end + 1;
}

static const char *
behind(const char *p, const char *want)
{
	size_t len = strlen(want);

	if (strncmp(p, want, len) != 0)
		fail_msg("%s for %s", p, want);
	return p + len;
}

static void
test_show(void **state)
{
	time_t before = time(NULL);
	char first[100];
	const char *p;

	post();
	assert_shown(C_SHOW, 0, "id state sender login client envelope_id "
	    "origin flags account uidl ret body notes message_id arrived size "
	    "body_offset attempts next recipient orcpt notify "
	    "target result class reason owner target result class reason owner "
	    "target result class reason owner more ");
	ask(C_SHOW, id, 1, out, sizeof(out), &status);
	snprintf(first, sizeof(first), "%s deferred s@far.test  rig "
	    "[127.0.0.1] QQ7  8bit   HDRS   ", id);
	p = behind(out, first);
	p = skip_time(p, before, time(NULL));
	p = behind(p, "37 0 1 ");
	p = skip_time(p, before + 300, time(NULL) + 300);
	assert_string_equal(p, "sales@example.test rfc822;list@far.test "
	    "FAILURE DELAY anna@example.test delivered  2.0.0 ok  "
	    "bert@example.test waiting temporary 4.2.2 full  "
	    "far@remote.test waiting temporary 4.7.1 no   ");
}

/* Behind a list its owner is shown with what the list sends on. */
static void
test_owner(void **state)
{
	struct rig_job j;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("team@example.test", "u9@example.test"), TEXT), 0);
	take(&deliver, &j);
	rig_job_clear(&j);
	ask(C_SHOW, id, 1, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	assert_non_null(strstr(out, " anna@example.test waiting   "
	    "u1@example.test "));
	assert_non_null(strstr(out, " bert@example.test waiting   "
	    "u2@example.test "));
	assert_non_null(strstr(out, " u9@example.test  u9@example.test "
	    "waiting     "));
}

static void
test_list(void **state)
{
	static const char *const want[] = { NULL, "deferred deferred deferred ",
		NULL, "37 37 37 ", "s@far.test s@far.test s@far.test ",
		"sales@example.test sales@example.test sales@example.test ",
		"anna@example.test bert@example.test far@remote.test ",
		"delivered waiting waiting ", "1 1 1 ", NULL,
		" temporary temporary ", "2.0.0 ok 4.2.2 full 4.7.1 no " };
	time_t before = time(NULL);
	unsigned i, k;
	const char *p;

	post();
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (want[i] != NULL)
			assert_shown(C_LIST, i, want[i]);
	ask(C_LIST, NULL, 0, out, sizeof(out), &status);
	for (p = out, k = 0; k < 3; k++)
		p = behind(behind(p, id), " ");
	assert_string_equal(p, "");
	ask(C_LIST, NULL, 2, out, sizeof(out), &status);
	for (p = out, k = 0; k < 3; k++)
		p = skip_time(p, before, time(NULL));
	/* Who has it waits for no attempt. */
	ask(C_LIST, NULL, 9, out, sizeof(out), &status);
	p = behind(out, " ");
	for (k = 0; k < 2; k++)
		p = skip_time(p, before + 300, time(NULL) + 300);
	assert_string_equal(p, "");
}

static void
test_words(void **state)
{
	char held[100];

	post();
	assert_refused(C_DELETE, NULL, "a queue id is needed");
	assert_refused(C_SHOW, NULL, "a queue id is needed");
	assert_refused(C_CHECK, NULL, "queue does not know that");
	assert_refused(C_RETRY, "0000000000000001", "0000000000000001: no "
	    "such message in the queue (\"rohrpost trace\" tells what became "
	    "of it)");
	assert_refused(C_HOLD, "none", "none: no such message in the queue "
	    "(\"rohrpost trace\" tells what became of it)");
	ask(C_HOLD, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	assert_string_equal(fixture_said, "1 messages");
	assert_shown(C_LIST, 1, "held held held ");
	assert_shown(C_LIST, 9, "   ");
	ask(C_SHOW, id, 1, out, sizeof(out), &status);
	assert_non_null(strstr(out, " 37 0 1  sales@example.test "));
	snprintf(held, sizeof(held), "%s: held: release it first", id);
	assert_refused(C_RETRY, id, held);
	/* Of many, one that is held is no failure. */
	ask(C_RETRY, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	assert_string_equal(fixture_said, "0 messages");
	assert_shown(C_RELEASE, 0, "");
	assert_string_equal(fixture_said, "");
}

/* Two commands on one connection, each with its own count. */
static void
test_counts(void **state)
{
	struct buf why = BUF_INIT(300);
	struct chan c;
	const char *p;
	struct msg m;
	size_t len;
	int i;

	post();
	rig_control(&rig, &c);
	for (i = 0; i < 3; i++) {
		msg_begin(&c, &proto_ctl, C_HOLD, 3);
		assert_int_equal(msg_end(&c), 0);
		assert_int_equal(chan_send(&c, RIG_WAIT), 0);
		assert_int_equal(msg_recv(&m, &proto_ctl, PEER_QUEUE, &c,
		    RIG_WAIT, &why), 1);
		assert_int_equal(m.type, C_END);
		p = msg_get(&m, CF_WORDS, &len);
		assert_int_equal(len, 10);
		assert_memory_equal(p, "1 messages", len);
		msg_done(&m);
	}
	chan_clear(&c);
	buf_clear(&why);
}

/* What is broken is shown, and stays where its body is not to be had. */
static void
test_broken(void **state)
{
	char path[200];
	struct rig_job j;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	rig_words(&deliver, &j, J_BROKEN, "4.3.0 it is broken");
	rig_job_clear(&j);
	assert_states("broken ");
	assert_shown(C_LIST, 9, " ");
	assert_shown(C_SHOW, 0, "id state sender login client envelope_id "
	    "origin flags account uidl ret body notes message_id arrived size "
	    "body_offset attempts next recipient orcpt notify "
	    "target result class reason owner more ");
	snprintf(path, sizeof(path), "%s/spool/queue/bad/%s", rig.dir, id);
	assert_int_equal(unlink(path), 0);
	assert_refused(C_RETRY, id, "its body cannot be brought back");
	assert_states("broken ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_show), T(test_owner), T(test_list), T(test_words),
		T(test_broken), T(test_counts),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
