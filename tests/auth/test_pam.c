/*
 * Accounts whose password PAM judges: what is asked, how often, by whom, and what
 * becomes of it where no answer comes. The test is the process that asks PAM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "auth/auth_bound.h"
#include "auth/auth_pam.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/auth/rig.h"

enum { QUIET_MS = 100, WORKERS = 4 };

static struct chan worker[WORKERS];
static int64_t later;		/* than it is */

int64_t	__real_clock_mono_ms(void);
int64_t	__wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + later;
}

static const char with_app[] = "app=phone,*,1,$6$rounds=1000$saltsalt$"
    "MtSr52xsH2MUnn6KKtgHHhXN82DdNIXENgb/99HGpw29zSodu2yVcWbUnaF83VBKXBkkCqbH"
    "YeoDarvcbAQ66.:pam=carl";

static void
begin_delayed(unsigned workers, int64_t delay)
{
	static char own[200];
	const char *const rows[][2] = {
		{ "anna@example.test", "pam=anna" },
		{ "bert@example.test", "pam=bert:protocols=imap" },
		{ "carl@example.test", with_app },
		{ "dora@example.test", own },
		{ "gone@example.test", "disabled=yes" },
		{ NULL, NULL }
	};
	unsigned i;
	int fd[2];

	snprintf(own, sizeof(own), "crypt=%s:pam=dora", hash6);
	later = 0;
	write_passwd(rows);
	open_serve(PEER_SMTPD, delay);
	for (i = 0; i < WORKERS; i++)
		chan_init(&worker[i], -1);
	for (i = 0; i < workers; i++) {
		assert_int_equal(fd_pair(fd), 0);
		fd_nonblock(fd[0], 1);
		fd_nonblock(fd[1], 1);
		auth_serve_peer(serve, PEER_PAM, 100 + i, fd[0]);
		chan_init(&worker[i], fd[1]);
	}
}

static void
begin(unsigned workers)
{
	begin_delayed(workers, 0);
}

static void
end(void)
{
	unsigned i;

	close_serve();
	for (i = 0; i < WORKERS; i++)
		chan_clear(&worker[i]);
}

/* The next question to that process: its id, or 0 where none comes. */
static uint32_t
question(unsigned i, const char *user, const char *pw, int ms)
{
	struct buf why = BUF_INIT(200);
	int64_t until = __real_clock_mono_ms() + ms;
	uint32_t id = 0;
	struct msg m;
	char *s;
	int r;

	while ((r = msg_next(&m, &proto_pam, PEER_AUTH, &worker[i], &why)) ==
	    0 && __real_clock_mono_ms() < until) {
		ev_run(loop, EVRUN_NOWAIT);
		if (chan_read(&worker[i]) != 1)
			usleep(500);
	}
	if (r == 1) {
		assert_int_equal(m.type, P_ASK);
		s = msg_get_dup(&m, PF_USER);
		assert_string_equal(s, user);
		free(s);
		s = msg_get_dup(&m, PF_PASSWORD);
		assert_string_equal(s, pw);
		free(s);
		s = msg_get_dup(&m, PF_REMOTE);
		assert_string_equal(s, "192.0.2.1");
		free(s);
		id = m.id;
		msg_done(&m);
	}
	buf_clear(&why);
	return id;
}

static void
say(unsigned i, uint32_t id, uint32_t result)
{
	msg_begin(&worker[i], &proto_pam, P_ANSWER, id);
	msg_u32(&worker[i], PF_RESULT, result);
	msg_text(&worker[i], PF_WORDS, "as the test says");
	assert_int_equal(msg_end(&worker[i]), 0);
	assert_int_equal(chan_flush(&worker[i]), 1);
}

/* A login that is asked about, and its outcome. */
static void
login(uint32_t id, const char *user, const char *pw, uint32_t result,
    enum a_reason reason)
{
	char account[80];
	uint32_t q;

	snprintf(account, sizeof(account), "%s@example.test", user);
	ask(id, SERVICE_SUBMISSION, account, pw);
	q = question(0, user, pw, ANSWER_MS);
	assert_int_not_equal(q, 0);
	say(0, q, result);
	if (result == P_PASSED && reason == 0)
		expect_ok(id, account);
	else
		expect_no(id, reason);
}

/* One that is not. */
static void
unasked(uint32_t id, const char *account, const char *pw, enum a_reason reason)
{
	ask(id, SERVICE_SUBMISSION, account, pw);
	expect_no(id, reason);
	assert_int_equal(question(0, "", "", QUIET_MS), 0);
}

static void
test_results(void **state)
{
	begin(1);
	login(1, "anna", "right", P_PASSED, 0);
	login(2, "anna", "wrong", P_WRONG, A_BAD);
	login(3, "anna", "right", P_REFUSED, A_BAD);
	login(4, "anna", "right", P_LATER, A_LATER);
	login(5, "anna", "right", 77, A_LATER);
	/* Whose password it is says PAM; where it counts, the tables. */
	login(6, "bert", "right", P_PASSED, A_PROTOCOL);
	unasked(7, "gone@example.test", "right", A_BAD);
	unasked(8, "nobody@example.test", "right", A_BAD);
	end();
}

/* What the account has of its own goes first. */
static void
test_other_passwords(void **state)
{
	begin(1);
	ask(1, SERVICE_SUBMISSION, "carl@example.test", app_password);
	expect_ok(1, "carl@example.test");
	login(2, "carl", "right", P_PASSED, 0);
	login(3, "carl", "wrong", P_WRONG, A_BAD);
	ask(4, SERVICE_SUBMISSION, "dora@example.test", password);
	expect_ok(4, "dora@example.test");
	unasked(5, "dora@example.test", "wrong", A_BAD);
	end();
}

/* Two wrong ones, and PAM hears of no third. */
static void
test_bound(void **state)
{
	uint32_t id;

	begin(1);
	login(1, "anna", "right", P_PASSED, 0);
	login(2, "anna", "one", P_WRONG, A_BAD);
	/* The same again is no second one. */
	for (id = 10; id < 20; id++)
		unasked(id, "anna@example.test", "one", A_BAD);
	login(20, "anna", "two", P_WRONG, A_BAD);
	for (id = 30; id < 150; id++) {
		char guess[20];

		snprintf(guess, sizeof(guess), "guess %u", id);
		ask(id, SERVICE_SUBMISSION, "anna@example.test", guess);
		expect_no(id, A_LIMIT);
	}
	assert_int_equal(question(0, "", "", QUIET_MS), 0);
	/* Who is right goes on; others have counts of their own. */
	login(150, "anna", "right", P_PASSED, 0);
	login(151, "bert", "one", P_WRONG, A_BAD);
	/* It is right no more: that is told once. */
	login(152, "anna", "right", P_WRONG, A_BAD);
	unasked(153, "anna@example.test", "right", A_BAD);
	later += AUTH_BOUND_MS - 5000;
	unasked(154, "anna@example.test", "three", A_LIMIT);
	later += 10000;
	login(155, "anna", "three", P_WRONG, A_BAD);
	end();
}

/* Who goes on is slowed down all the same: the password that was right the last
   time would be found by trying. */
static void
test_bound_is_no_free_guess(void **state)
{
	uint32_t id;
	struct msg m;

	begin_delayed(1, 50);
	login(1, "anna", "one", P_WRONG, A_BAD);
	login(2, "anna", "two", P_WRONG, A_BAD);
	for (id = 3; id < 8; id++) {
		char guess[20];

		snprintf(guess, sizeof(guess), "guess %u", id);
		ask(id, SERVICE_SUBMISSION, "anna@example.test", guess);
		expect_no(id, A_LIMIT);
	}
	ask(8, SERVICE_SUBMISSION, "anna@example.test", "guess 8");
	assert_int_equal(answer(&m, QUIET_MS), -1);
	expect_no(8, A_LIMIT);
	end();
}

/* Nothing that PAM could not say counts. */
static void
test_doubt_is_no_failure(void **state)
{
	uint32_t id;

	begin(1);
	for (id = 1; id < 10; id++)
		login(id, "anna", "right", P_LATER, A_LATER);
	login(10, "anna", "right", P_PASSED, 0);
	end();
}

/* The bound holds for those that wait, too. */
static void
test_one_at_a_time(void **state)
{
	uint32_t q, id;

	begin(2);
	for (id = 1; id <= 5; id++) {
		char guess[20];

		snprintf(guess, sizeof(guess), "guess %u", id);
		ask(id, SERVICE_SUBMISSION, "anna@example.test", guess);
	}
	q = question(0, "anna", "guess 1", ANSWER_MS);
	assert_int_not_equal(q, 0);
	assert_int_equal(question(1, "", "", QUIET_MS), 0);
	say(0, q, P_WRONG);
	expect_no(1, A_BAD);
	q = question(0, "anna", "guess 2", ANSWER_MS);
	assert_int_not_equal(q, 0);
	say(0, q, P_WRONG);
	for (id = 2; id <= 5; id++)
		expect_no(id, id == 2 ? A_BAD : A_LIMIT);
	assert_int_equal(question(0, "", "", QUIET_MS), 0);
	assert_int_equal(question(1, "", "", QUIET_MS), 0);
	end();
}

/* An address has half of the processes; who is known to be right goes ahead. */
static void
test_shares(void **state)
{
	uint32_t a, c;

	begin(2);
	login(1, "carl", "right", P_PASSED, 0);
	ask(2, SERVICE_SUBMISSION, "anna@example.test", "slow");
	a = question(0, "anna", "slow", ANSWER_MS);
	assert_int_not_equal(a, 0);
	ask(3, SERVICE_SUBMISSION, "bert@example.test", "slow");
	assert_int_equal(question(1, "", "", QUIET_MS), 0);
	ask(4, SERVICE_SUBMISSION, "carl@example.test", "right");
	c = question(1, "carl", "right", ANSWER_MS);
	assert_int_not_equal(c, 0);
	say(1, c, P_PASSED);
	expect_ok(4, "carl@example.test");
	say(0, a, P_WRONG);
	expect_no(2, A_BAD);
	a = question(0, "bert", "slow", ANSWER_MS);
	assert_int_not_equal(a, 0);
	say(0, a, P_WRONG);
	expect_no(3, A_BAD);
	end();
}

/* It ended within a question, with and without a word of master. */
static void
test_lost(void **state)
{
	begin(2);
	ask(1, SERVICE_SUBMISSION, "anna@example.test", "right");
	assert_int_not_equal(question(0, "anna", "right", ANSWER_MS), 0);
	chan_clear(&worker[0]);
	expect_no(1, A_LATER);
	ask(2, SERVICE_SUBMISSION, "anna@example.test", "right");
	assert_int_not_equal(question(1, "anna", "right", ANSWER_MS), 0);
	auth_serve_peer_gone(serve, PEER_PAM, 101);
	expect_no(2, A_LATER);
	/* Nobody is there: it waits, and is put off. */
	ask(3, SERVICE_SUBMISSION, "anna@example.test", "right");
	assert_int_equal(question(1, "", "", QUIET_MS), 0);
	later += AUTH_PAM_WAIT_MS;
	expect_no(3, A_LATER);
	end();
}

/* An answer that nobody asked for ends the channel, and lets nobody in. */
static void
test_foreign_answer(void **state)
{
	uint32_t q;

	begin(1);
	ask(1, SERVICE_SUBMISSION, "anna@example.test", "right");
	q = question(0, "anna", "right", ANSWER_MS);
	assert_int_not_equal(q, 0);
	say(0, q + 1, P_PASSED);
	expect_no(1, A_LATER);
	end();
}

/* The client went away: what was wrong counts all the same. */
static void
test_orphans_count(void **state)
{
	uint32_t id, q;
	int fd[2];

	begin(1);
	for (id = 1; id <= 2; id++) {
		char guess[20];

		snprintf(guess, sizeof(guess), "guess %u", id);
		ask(id, SERVICE_SUBMISSION, "anna@example.test", guess);
		q = question(0, "anna", guess, ANSWER_MS);
		assert_int_not_equal(q, 0);
		auth_serve_peer_gone(serve, PEER_SMTPD, 7);
		chan_clear(&asker);
		assert_int_equal(fd_pair(fd), 0);
		fd_nonblock(fd[0], 1);
		auth_serve_peer(serve, PEER_SMTPD, 7, fd[0]);
		chan_init(&asker, fd[1]);
		say(0, q, P_WRONG);
	}
	unasked(3, "anna@example.test", "guess 3", A_LIMIT);
	end();
}

/* The line is bounded: past it the answer comes at once. */
static void
test_line(void **state)
{
	unsigned i;

	begin(0);
	for (i = 0; i < AUTH_PAM_LINE; i++)
		ask(i + 1, SERVICE_SUBMISSION, "anna@example.test", "right");
	ask(9999, SERVICE_SUBMISSION, "anna@example.test", "right");
	expect_no(9999, A_LATER);
	later += AUTH_PAM_WAIT_MS;
	for (i = 0; i < AUTH_PAM_LINE; i++)
		expect_no(i + 1, A_LATER);
	end();
}

/* Account and user are part of what is remembered. */
static void
test_memory(void **state)
{
	struct auth_bound *b = auth_bound_new();

	auth_bound_passed(b, "a@x", "a", "pw", 0);
	assert_int_equal(auth_bound_judge(b, "a@x", "a", "pw", 1),
	    AUTH_BOUND_KNOWN);
	assert_int_equal(auth_bound_judge(b, "b@x", "a", "pw", 1),
	    AUTH_BOUND_ASK);
	assert_int_equal(auth_bound_judge(b, "a@x", "b", "pw", 1),
	    AUTH_BOUND_ASK);
	assert_int_equal(auth_bound_judge(b, "a@x", "a", "pw",
	    AUTH_BOUND_KNOWN_MS), AUTH_BOUND_ASK);
	auth_bound_failed(b, "a@x", "a", "pw", 10);
	assert_int_equal(auth_bound_judge(b, "a@x", "a", "pw", 11),
	    AUTH_BOUND_AGAIN);
	auth_bound_passed(b, "a@x", "a", "pw", 20);
	assert_int_equal(auth_bound_judge(b, "a@x", "a", "pw", 21),
	    AUTH_BOUND_KNOWN);
	auth_bound_failed(b, "a@x", "a", "two", 30);
	assert_int_equal(auth_bound_judge(b, "a@x", "a", "three", 31),
	    AUTH_BOUND_FULL);
	/* The first one goes first. */
	assert_int_equal(auth_bound_judge(b, "a@x", "a", "three",
	    10 + AUTH_BOUND_MS), AUTH_BOUND_ASK);
	auth_bound_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_other_passwords),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bound_is_no_free_guess),
		cmocka_unit_test(test_doubt_is_no_failure),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_foreign_answer),
		cmocka_unit_test(test_orphans_count),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
