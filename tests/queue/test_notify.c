/*
 * A real queue process: what senders asked to hear (RFC 3461) they hear once,
 * and nothing else; what they asked for goes on to relay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/queue/fixture.h"

#define BODY "Subject: sent\r\nX-Header: \303\244\r\n\r\nthe body \303\244\r\n"

static void
send_to(const char *const *to, uint32_t notify)
{
	rig_ask(&smtpd, "s@far.test", to, BODY, &(struct rig_wish){
	    .notify = notify, .orcpt = "rfc822;Orig+2B@x.test",
	    .envid = "QQ+2B1" });
}

/* The next job of the worker, all of it with that result. */
static void
answer(struct chan *c, const char *to, enum result r, const char *words)
{
	struct rig_job j;

	take(c, &j);
	assert_string_equal(j.rcpt[0].address, to);
	rig_result(c, &j, -1, r, words, c == &relay ? "mx.test" : "");
	rig_job_clear(&j);
}

/* The report is the next job of relay: it has these, and no other. */
static void
report(const char *const *has, const char *const *has_not)
{
	struct rig_job j;

	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_string_equal(j.sender, "");
	assert_string_equal(j.rcpt[0].address, "s@far.test");
	assert_int_equal(j.rcpt[0].notify, Q_NOTIFY_NEVER);
	assert_string_equal(j.rcpt[0].orcpt, "");
	for (; *has != NULL; has++)
		if (strstr(j.body, *has) == NULL)
			fail_msg("no \"%s\" in %s", *has, j.body);
	for (; *has_not != NULL; has_not++)
		if (strstr(j.body, *has_not) != NULL)
			fail_msg("\"%s\" is in %s", *has_not, j.body);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.far");
	rig_job_clear(&j);
}

static void
test_delivered(void **state)
{
	send_to(TO("anna@example.test"), Q_NOTIFY_SUCCESS);
	answer(&deliver, "anna@example.test", RESULT_DELIVERED,
	    "2.0.0 delivered");
	report(TO("Subject: Successful mail delivery report\r\n",
	    "\r\nOriginal-Envelope-Id: QQ+1\r\n",
	    "\r\nOriginal-Recipient: rfc822;Orig+@x.test\r\n"
	    "Final-Recipient: rfc822; anna@example.test\r\n"
	    "Action: delivered\r\nStatus: 2.0.0\r\n\r\n",
	    "\r\nSubject: sent\r\n"), TO("failed", "the body", "Diagnostic"));
}

/* What is not wanted is not told; nor is anything to a null sender. */
static void
test_silent(void **state)
{
	static const struct {
		const char *from;
		uint32_t notify;
		enum result r;
	} row[] = {
		{ "s@far.test", 0, RESULT_DELIVERED },
		{ "s@far.test", Q_NOTIFY_NEVER, RESULT_DELIVERED },
		{ "s@far.test", Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY,
		  RESULT_DELIVERED },
		{ "", Q_NOTIFY_SUCCESS, RESULT_DELIVERED },
		{ "s@far.test", Q_NOTIFY_NEVER, RESULT_NEVER },
		{ "s@far.test", Q_NOTIFY_SUCCESS, RESULT_NEVER },
		{ "s@far.test", Q_NOTIFY_SUCCESS | Q_NOTIFY_DELAY,
		  RESULT_NEVER },
		{ "", Q_NOTIFY_FAILURE, RESULT_NEVER },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		rig_ask(&smtpd, row[i].from, TO("anna@example.test"), BODY,
		    &(struct rig_wish){ .notify = row[i].notify, .orcpt = "",
		    .envid = "" });
		answer(&deliver, "anna@example.test", row[i].r,
		    row[i].r == RESULT_NEVER ? "5.1.1 no" : "2.0.0 ok");
	}
	assert_empty();
	assert_idle(&relay);
}

/* The next host has no DSN: relayed. It has: it tells, and we do not. */
static void
test_relayed(void **state)
{
	struct rig_job j;

	send_to(TO("a@one.test"), Q_NOTIFY_SUCCESS | Q_NOTIFY_FAILURE);
	take(&relay, &j);
	assert_string_equal(j.envid, "QQ+2B1");
	assert_string_equal(j.rcpt[0].orcpt, "rfc822;Orig+2B@x.test");
	assert_int_equal(j.rcpt[0].notify, Q_NOTIFY_SUCCESS |
	    Q_NOTIFY_FAILURE);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.1.5 mx.one [192.0.2.1]"
	    " said: 250 2.1.5 ok", "mx.one [192.0.2.1]");
	rig_job_clear(&j);
	report(TO("Final-Recipient: rfc822; a@one.test\r\n"
	    "Action: relayed\r\nStatus: 2.1.5\r\n"
	    "Remote-MTA: dns; mx.one\r\n"), TO("delivered to the", "failed"));
	send_to(TO("a@one.test"), Q_NOTIFY_SUCCESS | Q_NOTIFY_FAILURE);
	take(&relay, &j);
	rig_passed(&relay, &j);
	rig_job_clear(&j);
	assert_idle(&relay);
}

/* ORCPT is made of what RCPT said where something is told by it. */
static void
test_orcpt_added(void **state)
{
	static const struct rig_wish plain = { .orcpt = "", .envid = "" },
	    asked = { .notify = Q_NOTIFY_FAILURE, .orcpt = "", .envid = "" };
	struct rig_job j;

	rig_ask(&smtpd, "s@far.test", TO("a+b=c@one.test"), BODY, &plain);
	take(&relay, &j);
	assert_string_equal(j.rcpt[0].orcpt, "");
	rig_passed(&relay, &j);
	rig_job_clear(&j);
	rig_ask(&smtpd, "s@far.test", TO("a+b=c@one.test"), BODY, &asked);
	take(&relay, &j);
	assert_string_equal(j.rcpt[0].orcpt, "rfc822;a+2Bb+3Dc@one.test");
	rig_passed(&relay, &j);
	rig_job_clear(&j);
	rig_ask(&smtpd, "s@far.test", TO("sales@example.test"), BODY, &plain);
	take(&relay, &j);
	assert_string_equal(j.rcpt[0].address, "far@remote.test");
	assert_string_equal(j.rcpt[0].orcpt, "rfc822;sales@example.test");
	assert_int_equal(j.rcpt[0].notify, 0);
	rig_passed(&relay, &j);
	rig_job_clear(&j);
}

/*
 * RFC 3461 5.2.7: an alias of several is expanded, and those have NOTIFY
 * without SUCCESS; one of a single address is that address.
 */
static void
test_alias(void **state)
{
	struct rig_job j;

	send_to(TO("sales@example.test"), Q_NOTIFY_SUCCESS | Q_NOTIFY_FAILURE);
	take(&relay, &j);
	assert_string_equal(j.rcpt[0].address, "far@remote.test");
	assert_int_equal(j.rcpt[0].notify, Q_NOTIFY_FAILURE);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
	answer(&deliver, "anna@example.test", RESULT_DELIVERED, "2.0.0 ok");
	report(TO("Final-Recipient: rfc822; sales@example.test\r\n"
	    "Action: expanded\r\nStatus: 2.0.0\r\n"),
	    TO("relayed", "delivered", "Diagnostic", "anna@example.test"));
	send_to(TO("postmaster@example.test"), Q_NOTIFY_SUCCESS);
	answer(&deliver, "bert@example.test", RESULT_DELIVERED, "2.0.0 ok");
	report(TO("Final-Recipient: rfc822; postmaster@example.test\r\n"
	    "Action: delivered\r\n"), TO("expanded"));
	/* SUCCESS was all: the others have NEVER, and fail unheard. */
	send_to(TO("sales@example.test"), Q_NOTIFY_SUCCESS);
	take(&relay, &j);
	assert_int_equal(j.rcpt[0].notify, Q_NOTIFY_NEVER);
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx");
	rig_job_clear(&j);
	answer(&deliver, "anna@example.test", RESULT_NEVER, "5.1.1 no");
	report(TO("Action: expanded\r\n"), TO("failed", "5.1.1"));
}

/* What succeeded, and what failed, of one attempt: in one report. */
static void
test_both(void **state)
{
	struct rig_job j;

	send_to(TO("anna@example.test", "bert@example.test"),
	    Q_NOTIFY_SUCCESS | Q_NOTIFY_FAILURE);
	take(&deliver, &j);
	assert_int_equal(j.n, 2);
	rig_result(&deliver, &j, 0, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_result(&deliver, &j, 1, RESULT_NEVER, "5.2.2 full", "");
	rig_job_clear(&j);
	report(TO("Subject: Undelivered mail returned to sender\r\n",
	    "rfc822; anna@example.test\r\nAction: delivered\r\n",
	    "rfc822; bert@example.test\r\nAction: failed\r\nStatus: 5.2.2\r\n"),
	    TO("the body"));
}

/* All of the message comes back where that was asked, of failures alone. */
static void
test_whole(void **state)
{
	static const char whole[] = "\r\nContent-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n" BODY "\r\n--=_";
	struct rig_wish w = { .ret = Q_RET_FULL, .orcpt = "", .envid = "",
		.notify = Q_NOTIFY_SUCCESS | Q_NOTIFY_FAILURE,
		.flags = Q_8BIT };

	rig_ask(&smtpd, "s@far.test", TO("anna@example.test"), BODY, &w);
	answer(&deliver, "anna@example.test", RESULT_NEVER, "5.1.1 no");
	report(TO(whole), TO("rfc822-headers"));
	rig_ask(&smtpd, "s@far.test", TO("anna@example.test"), BODY, &w);
	answer(&deliver, "anna@example.test", RESULT_DELIVERED, "2.0.0 ok");
	report(TO("rfc822-headers"), TO("the body"));
	w.ret = Q_RET_HDRS;
	rig_ask(&smtpd, "s@far.test", TO("anna@example.test"), BODY, &w);
	answer(&deliver, "anna@example.test", RESULT_NEVER, "5.1.1 no");
	report(TO("rfc822-headers", "X-Header: ??\r\n"), TO("the body"));
	/* Octets that no encoding could carry: the report must arrive. */
	w.ret = Q_RET_FULL;
	rig_ask(&smtpd, "s@far.test", TO("anna@example.test"),
	    "Content-Transfer-Encoding: base64\r\n\r\n\303\244the body\r\n",
	    &w);
	answer(&deliver, "anna@example.test", RESULT_NEVER, "5.1.1 no");
	report(TO("rfc822-headers"), TO("the body"));
}

/* A message of more than that comes back as its header. */
static void
test_whole_bound(void **state)
{
	enum { WHOLE_MAX = 1024 * 1024 };
	static char text[WHOLE_MAX + 2];
	static const char head[] = "Subject: long\r\n\r\n";
	const struct rig_wish w = { .ret = Q_RET_FULL, .orcpt = "",
		.envid = "" };

	memset(text, 'x', WHOLE_MAX + 1);
	memcpy(text, head, sizeof(head) - 1);
	rig_ask(&smtpd, "s@far.test", TO("anna@example.test"), text, &w);
	answer(&deliver, "anna@example.test", RESULT_NEVER, "5.1.1 no");
	report(TO("rfc822-headers\r\n\r\nSubject: long\r\n\r\n--"),
	    TO("xxx", "8bit"));
	text[WHOLE_MAX] = '\0';
	rig_ask(&smtpd, "s@far.test", TO("anna@example.test"), text, &w);
	answer(&deliver, "anna@example.test", RESULT_NEVER, "5.1.1 no");
	report(TO("message/rfc822\r\n\r\nSubject: long\r\n\r\nxxx"),
	    TO("8bit"));
}

/* A kill behind the results: what they owe is told by the next run, once. */
static void
test_kill(void **state)
{
	struct rig_job j;

	send_to(TO("anna@example.test", "a@one.test"), Q_NOTIFY_SUCCESS);
	answer(&deliver, "anna@example.test", RESULT_DELIVERED, "2.0.0 ok");
	/* It is in the table when the operator sees it there. */
	assert_column(7, "delivered waiting ");
	again();
	take(&relay, &j);
	assert_string_equal(j.rcpt[0].address, "a@one.test");
	rig_passed(&relay, &j);
	rig_job_clear(&j);
	report(TO("rfc822; anna@example.test\r\nAction: delivered\r\n"),
	    TO("relayed", "a@one.test"));
	assert_empty();
	again();
	assert_idle(&relay);
	assert_idle(&deliver);
}

/* The job that has that sender; behind a list it says no more of the first. */
static void
take_owned(struct chan *c, struct rig_job *j, const char *sender,
    const char *to)
{
	take(c, j);
	assert_string_equal(j->sender, sender);
	assert_int_equal(j->n, 1);
	assert_string_equal(j->rcpt[0].address, to);
	assert_int_equal(j->rcpt[0].notify, 0);
	assert_string_equal(j->envid, "");
	assert_int_equal(j->ret, 0);
}

static void
assert_owner_report(const struct rig_job *j, const char *to)
{
	static const char *const none[] = { "Original-Envelope-Id",
		"Original-Recipient", "message/rfc822", "Your message was" };
	size_t i;

	assert_string_equal(j->sender, "");
	assert_string_equal(j->rcpt[0].address, to);
	assert_non_null(strstr(j->body,
	    "Subject: Undelivered mail of a mailing list\r\n"));
	assert_non_null(strstr(j->body,
	    "    in the list <team@example.test>\r\n"));
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(strstr(j->body, none[i]));
}

/*
 * RFC 5321 3.9.2, RFC 3461 5.2.7.3: a list takes the message and sends it on in
 * its owner's name; what fails then the owner hears, each of his own list,
 * and the sender that the list took it.
 */
static void
test_list(void **state)
{
	struct rig_job j;

	rig_ask(&smtpd, "s@far.test", TO("team@example.test"), BODY,
	    &(struct rig_wish){ .notify = Q_NOTIFY_SUCCESS | Q_NOTIFY_NEVER |
	    Q_NOTIFY_FAILURE, .ret = Q_RET_FULL,
	    .orcpt = "rfc822;Orig@x.test", .envid = "QQ1" });
	take_owned(&relay, &j, "u1@example.test", "m@remote.test");
	assert_string_equal(j.rcpt[0].orcpt, "rfc822;m@remote.test");
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx");
	rig_job_clear(&j);
	take_owned(&relay, &j, "u2@example.test", "i@remote.test");
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
	take_owned(&deliver, &j, "u1@example.test", "anna@example.test");
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	take_owned(&deliver, &j, "u2@example.test", "bert@example.test");
	rig_result(&deliver, &j, -1, RESULT_NEVER, "5.2.2 full", "");
	rig_job_clear(&j);
	take(&deliver, &j);
	assert_owner_report(&j, "u1@example.test");
	assert_non_null(strstr(j.body, "rfc822; m@remote.test\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\n"));
	assert_null(strstr(j.body, "bert@example.test"));
	/* It fails itself: a null sender, of which nobody hears. */
	rig_result(&deliver, &j, -1, RESULT_NEVER, "5.2.2 full", "");
	rig_job_clear(&j);
	take(&deliver, &j);
	assert_owner_report(&j, "u2@example.test");
	assert_non_null(strstr(j.body, "rfc822; bert@example.test\r\n"
	    "Action: failed\r\nStatus: 5.2.2\r\n"));
	assert_null(strstr(j.body, "m@remote.test"));
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	report(TO("Original-Envelope-Id: QQ1", "Original-Recipient: "
	    "rfc822;Orig@x.test\r\nFinal-Recipient: rfc822; "
	    "team@example.test\r\nAction: delivered\r\nStatus: 2.0.0\r\n"),
	    TO("m@remote.test", "bert@example.test", "failed"));
	assert_empty();
	assert_idle(&deliver);
	assert_idle(&relay);
}

/*
 * What waits knows its list's owner behind a kill; and of two that hear, the
 * second does where the kill comes between them.
 */
static void
test_list_kill(void **state)
{
	int is_first, told[2] = { 0, 0 };
	struct rig_job j;
	unsigned i, n = 0;
	uint32_t status;
	char out[300];

	rig_ask(&smtpd, "s@far.test", TO("team@example.test"), BODY,
	    &(struct rig_wish){ .orcpt = "", .envid = "" });
	take_owned(&relay, &j, "u1@example.test", "m@remote.test");
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx");
	rig_job_clear(&j);
	take_owned(&deliver, &j, "u1@example.test", "anna@example.test");
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	take_owned(&relay, &j, "u2@example.test", "i@remote.test");
	rig_job_clear(&j);
	take_owned(&deliver, &j, "u2@example.test", "bert@example.test");
	rig_result(&deliver, &j, -1, RESULT_NEVER, "5.2.2 full", "");
	rig_job_clear(&j);
	assert_column(7, "delivered failed waiting failed ");
	again();
	take_owned(&relay, &j, "u2@example.test", "i@remote.test");
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
	take(&deliver, &j);
	assert_owner_report(&j, "u1@example.test");
	rig_job_clear(&j);
	again();
	/* The first report, which nobody answered, and the second, in any order;
	   and again what was delivered, where the kill was before that was
	   written. */
	for (i = 0; i < 100 && (n < 2 || ask(C_LIST, "", 7, out, sizeof(out),
	    &status) > 0); i++) {
		if (rig_job(&relay, &j, 50) == 1) {
			assert_string_equal(j.sender, "u2@example.test");
			assert_string_equal(j.rcpt[0].address, "i@remote.test");
			rig_result(&relay, &j, -1, RESULT_DELIVERED,
			    "2.0.0 ok", "mx");
			rig_job_clear(&j);
		}
		if (rig_job(&deliver, &j, 50) == 1) {
			is_first = strcmp(j.rcpt[0].address,
			    "u1@example.test") == 0;
			assert_owner_report(&j, is_first ? "u1@example.test" :
			    "u2@example.test");
			assert_int_equal(told[is_first]++, 0);
			rig_result(&deliver, &j, -1, RESULT_DELIVERED,
			    "2.0.0 ok", "");
			rig_job_clear(&j);
			n++;
		}
	}
	assert_int_equal(n, 2);
	assert_states("");
}

static int
setup_delay(void **state)
{
	fixture_conf = "queue_retry_min = 1s\nqueue_retry_max = 1s\n"
	    "queue_delay_report = 4h\n";
	return setup(state);
}

/* Who asked for it hears once that mail waits; then how it ended. */
static void
test_delay(void **state)
{
	struct rig_job j;
	int i;

	send_to(TO("a@one.test"), Q_NOTIFY_DELAY | Q_NOTIFY_SUCCESS);
	rig_ask(&smtpd, "s@far.test", TO("b@two.test"), BODY,
	    &(struct rig_wish){ .orcpt = "", .envid = "" });
	for (i = 0; i < 2; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 wait", "mx");
		rig_job_clear(&j);
	}
	assert_states("deferred deferred ");
	again_at("14401");
	for (i = 0; i < 3;) {
		take(&relay, &j);
		if (strcmp(j.dest, "far.test") == 0) {
			assert_non_null(strstr(j.body,
			    "Subject: Delayed mail is still being tried\r\n"));
			assert_non_null(strstr(j.body, "rfc822; a@one.test\r\n"
			    "Action: delayed\r\nStatus: 4.7.1\r\n"));
			assert_non_null(strstr(j.body, "Will-Retry-Until: "));
			assert_null(strstr(j.body, "two.test"));
			rig_passed(&relay, &j);
			i++;
		} else {
			rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 wait",
			    "mx");
			i += i > 0;
		}
		rig_job_clear(&j);
	}
	/* Not in the next run either. */
	again_at("14500");
	for (i = 0; i < 4; i++) {
		take(&relay, &j);
		assert_string_not_equal(j.dest, "far.test");
		rig_result(&relay, &j, -1, i < 3 ? RESULT_LATER :
		    RESULT_DELIVERED, "4.7.1 wait", "mx");
		rig_job_clear(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_delivered), T(test_silent), T(test_relayed),
		T(test_orcpt_added), T(test_alias), T(test_both),
		T(test_whole), T(test_whole_bound), T(test_kill), T(test_list), T(test_list_kill),
		cmocka_unit_test_setup_teardown(test_delay, setup_delay,
		    teardown),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
