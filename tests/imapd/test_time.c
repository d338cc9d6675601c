/*
 * What time does to a session: one in IDLE hears that somebody is there, one
 * that says nothing ends, and so does one that stands still in the middle of
 * something. The clock is the test's, and so is the timer, when it is set.
 */
#include <stdio.h>
#include <string.h>

#include "tests/imapd/rig.h"

#include "lib/base/clock.h"

#include "imapd/imapd_session.h"

enum { KEEPALIVE = 120, TIMEOUT = 1800, STALL = IMAPD_STALL_MS / 1000 };

static atomic_llong ahead;		/* of the clock, ms */
static ev_timer *timer;			/* the one that is repeated */

int64_t	__real_clock_mono_ms(void);
int64_t	__wrap_clock_mono_ms(void);
int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + atomic_load(&ahead);
}

void	__real_ev_timer_again(struct ev_loop *l, ev_timer *w);
void	__wrap_ev_timer_again(struct ev_loop *l, ev_timer *w);
void
__wrap_ev_timer_again(struct ev_loop *l, ev_timer *w)
{
	timer = w;
	__real_ev_timer_again(l, w);
}

static void
expire(struct ev_loop *l)
{
	assert_true(ev_is_active(timer));
	timer->cb(l, timer, EV_TIMER);
}

static void
nothing(struct ev_loop *l)
{
}

/* So many seconds pass, and the timer expires. What was under way is over
   before: a session notes the time behind its write. */
static void
pass(int seconds)
{
	rig_call(nothing);
	rig_call(nothing);
	assert_non_null(timer);
	assert_true(timer->repeat <= 60.);
	atomic_fetch_add(&ahead, seconds * 1000LL);
	rig_call(expire);
}

/* Nothing was said to the client since the last time. */
static void
expect_alone(const char *command, const char *want)
{
	say(command);
	expect(want);
	assert_string_equal(buf_str(&got), want);
}

static void
test_keepalive(void **state)
{
	say("a IDLE\r\n");
	expect("+ idling\r\n");
	buf_reset(&got);
	pass(KEEPALIVE - 2);
	pass(3);
	expect("* OK Still here\r\n");
	pass(KEEPALIVE - 2);
	pass(3);
	expect("* OK Still here\r\n* OK Still here\r\n");
	/* However long. */
	pass(10 * TIMEOUT);
	more("DONE\r\n");
	expect("a OK IDLE completed\r\n");
	assert_string_equal(buf_str(&got), "* OK Still here\r\n"
	    "* OK Still here\r\n* OK Still here\r\na OK IDLE completed\r\n");
}

static void
test_silence(void **state)
{
	select_inbox();
	pass(TIMEOUT - 10);
	expect_alone("b NOOP\r\n", "b OK NOOP completed\r\n");
	pass(TIMEOUT - 10);
	expect_alone("c NOOP\r\n", "c OK NOOP completed\r\n");
	buf_reset(&got);
	pass(TIMEOUT);
	expect(NULL);
	assert_string_equal(buf_str(&got), "* BYE Idle for too long\r\n");
}

/* Others are looked at each for itself. */
static void
test_one_of_two(void **state)
{
	say("a NOOP\r\n");
	expect("a OK ");
	pass(TIMEOUT - 10);
	rig_client(1);
	expect_alone("b NOOP\r\n", "b OK NOOP completed\r\n");
	pass(10);
	expect_alone("c NOOP\r\n", "c OK NOOP completed\r\n");
	rig_client(0);
	buf_reset(&got);
	expect(NULL);
	assert_string_equal(buf_str(&got), "* BYE Idle for too long\r\n");
}

/* In the middle of a line or a literal: each octet is a sign of life. */
static void
stalls(const char *text, const char *next, const char *rest,
    const char *answer)
{
	say(text);
	pass(STALL - 10);
	more(next);
	pass(STALL - 10);
	more(rest);
	expect(answer);
	say(text);
	pass(STALL);
	expect(NULL);
	assert_null(strstr(buf_str(&got), "BYE"));
}

static void
test_stalled_line(void **state)
{
	stalls("a NO", "O", "P\r\n", "a OK NOOP completed\r\n");
}

static void
test_stalled_literal(void **state)
{
	stalls("a STATUS {5+}\r\nIN", "B", "OX (FOO)\r\n", "a BAD ");
}

/* A client that does not read its answer. */
static void
test_stalled_reader(void **state)
{
	store.messages = 200000;
	select_inbox();
	say("b FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE MODSEQ)\r\n");
	expect("* 1 FETCH");
	rig_client(1);
	expect_alone("n NOOP\r\n", "n OK NOOP completed\r\n");
	pass(STALL - 10);
	expect_alone("o NOOP\r\n", "o OK NOOP completed\r\n");
	pass(10);
	rig_client(0);
	expect(NULL);
	assert_null(strstr(buf_str(&got), "b OK"));
}

static int
begin(void **state)
{
	atomic_store(&ahead, 0);
	return rig_begin(state);
}

#define RIG(test)	cmocka_unit_test_setup_teardown(test, begin, rig_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(test_keepalive), RIG(test_silence), RIG(test_one_of_two),
		RIG(test_stalled_line), RIG(test_stalled_literal),
		RIG(test_stalled_reader),
	};

	rig_init();
	imapd_conf.keepalive = KEEPALIVE;
	imapd_conf.idle_timeout = TIMEOUT;
	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
