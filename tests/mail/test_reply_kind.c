/*
 * What hosts say, and what kind of refusal it is. The replies are of the
 * forms that large providers and common servers use; they are written for the
 * test, not copied from anywhere, and addresses in them are examples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/reply_kind.h"
#include "lib/mail/result.h"

#define T REPLY_TEMPORARY
#define P REPLY_POLICY
#define R REPLY_REPUTATION
#define A REPLY_ADDRESS

/* As relay keeps them (relay/relay_reply.h). */
static const struct {
	enum reply_kind want;
	const char *status, *reply;
} replies[] = {
	/* Gmail */
	{ A, "5.1.1", "550 5.1.1 The email account that you tried to reach "
	  "does not exist. Please try double-checking the recipient's email "
	  "address for typos or unnecessary spaces." },
	{ A, "5.2.2", "552 5.2.2 The recipient's inbox is out of storage "
	  "space." },
	{ T, "4.2.2", "452 4.2.2 The recipient's inbox is out of storage "
	  "space." },
	{ R, "5.7.1", "550 5.7.1 [192.0.2.1 12] Our system has detected that "
	  "this message is 5.7.1 likely unsolicited mail. To reduce the amount "
	  "of spam sent to Gmail, 5.7.1 this message has been blocked." },
	{ R, "5.7.1", "550 5.7.1 [192.0.2.1 19] Our system has detected that "
	  "this message is 5.7.1 likely suspicious due to the very low "
	  "reputation of the sending 5.7.1 domain." },
	{ R, "5.7.1", "550 5.7.1 [2001:db8::1] Our system has detected that "
	  "this message does 5.7.1 not meet IPv6 sending guidelines regarding "
	  "PTR records and 5.7.1 authentication." },
	{ R, "4.7.0", "421 4.7.0 [192.0.2.1 15] Our system has detected an "
	  "unusual rate of 4.7.0 unsolicited mail originating from your IP "
	  "address." },
	{ R, "4.7.28", "421 4.7.28 Gmail has detected a rate of mail from "
	  "this netblock that is higher than is usual." },
	{ P, "5.7.26", "550 5.7.26 This mail has been blocked because the "
	  "sender is unauthenticated. 5.7.26 Gmail requires all senders to "
	  "authenticate with either SPF or DKIM." },
	{ P, "5.7.1", "550 5.7.1 Unauthenticated email from example.org is "
	  "not accepted due to 5.7.1 domain's DMARC policy." },
	{ R, "5.7.25", "550 5.7.25 [192.0.2.1] The IP address sending this "
	  "message does not have a 5.7.25 PTR record setup" },
	/* Outlook.com, Exchange Online */
	{ R, "5.7.1", "550 5.7.1 Unfortunately, messages from [192.0.2.1] "
	  "weren't sent. Please contact your Internet service provider since "
	  "part of their network is on our block list (S3140)." },
	{ R, "5.7.606", "550 5.7.606 Access denied, banned sending IP "
	  "[192.0.2.1]." },
	{ R, "5.7.708", "550 5.7.708 Access denied, traffic not accepted from "
	  "this IP." },
	{ A, "5.5.0", "550 5.5.0 Requested action not taken: mailbox "
	  "unavailable (S2017062302)." },
	{ A, "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. "
	  "[AS(201806281)]" },
	{ A, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient "
	  "not found by SMTP address lookup" },
	{ P, "5.7.509", "550 5.7.509 Access denied, sending domain does not "
	  "pass DMARC verification" },
	{ T, "4.7.500", "451 4.7.500 Server busy. Please try again later from "
	  "[192.0.2.1]." },
	/* Yahoo, AOL */
	{ R, "4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily "
	  "deferred due to unexpected volume or user complaints" },
	{ R, "5.7.1", "553 5.7.1 [BL21] Connections will not be accepted from "
	  "192.0.2.1, because the ip is in Spamhaus's list" },
	{ A, "5.0.0", "554 delivery error: dd This user doesn't have a "
	  "yahoo.com account (bert@example.test) [0]" },
	{ P, "5.7.9", "554 5.7.9 Message not accepted for policy reasons." },
	/* GMX, WEB.DE, T-Online, iCloud, Comcast */
	{ R, "5.0.0", "554 gmx.net (mxgmx101) Nemesis ESMTP Service not "
	  "available No SMTP service Bad DNS PTR resource record." },
	{ R, "5.0.0", "554 web.de (mxweb012) Nemesis ESMTP Service not "
	  "available No SMTP service IP address is black listed." },
	{ P, "5.0.0", "550 Requested action not taken: mailbox unavailable "
	  "Reject due to policy restrictions." },
	{ A, "5.0.0", "550 Requested action not taken: mailbox unavailable" },
	{ R, "5.0.0", "554 IP=192.0.2.1 - A problem occurred. (Ask your "
	  "postmaster for help or to contact tosa@rx.t-online.de to clarify.)" },
	{ P, "5.7.1", "554 5.7.1 [CS01] Message rejected due to local policy." },
	{ R, "5.0.0", "554 resimta-po-01v.sys.comcast.net comcast 192.0.2.1 "
	  "Comcast BL000001 Blocked for spam." },
	/* Postfix */
	{ A, "5.1.1", "550 5.1.1 <bert@far.test>: Recipient address rejected: "
	  "User unknown in virtual mailbox table" },
	{ R, "5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.1] "
	  "blocked using zen.spamhaus.org" },
	{ R, "4.7.25", "450 4.7.25 Client host rejected: cannot find your "
	  "hostname, [192.0.2.1]" },
	{ R, "4.7.1", "450 4.7.1 Client host rejected: cannot find your "
	  "hostname, [192.0.2.1]" },
	{ T, "4.2.0", "450 4.2.0 <bert@far.test>: Recipient address rejected: "
	  "Greylisted, see http://postgrey.example/help" },
	{ P, "5.1.8", "550 5.1.8 <a@nowhere.test>: Sender address rejected: "
	  "Domain not found" },
	{ P, "5.0.0", "550 <a@nowhere.test>: Sender address rejected: Domain "
	  "not found" },
	{ P, "5.1.0", "550 5.1.0 <a@nowhere.test> sender rejected" },
	{ P, "5.3.4", "552 5.3.4 Message size exceeds fixed limit" },
	{ P, "5.7.1", "554 5.7.1 <bert@far.test>: Relay access denied" },
	/* Exim, qmail, Sendmail, Exchange */
	{ A, "5.0.0", "550 Unrouteable address" },
	{ A, "5.0.0", "550 Unknown user" },
	{ T, "4.0.0", "451 Temporary local problem - please try later" },
	{ A, "5.0.0", "553 sorry, that domain isn't in my list of allowed "
	  "rcpthosts" },
	{ A, "5.1.1", "550 sorry, no mailbox here by that name. (#5.1.1)" },
	{ A, "5.0.0", "550 sorry, no mailbox here by that name. (#5.1.1)" },
	{ R, "5.7.1", "550 5.7.1 Fix reverse DNS for 192.0.2.1" },
	{ T, "4.7.1", "451 4.7.1 Greylisting in action, please come back in "
	  "00:05:00; see dnsbl.example" },
	/* What is repeated of an address is no word of the host's. */
	{ A, "5.0.0", "550 <blacklist@reputation.test> user unknown" },
	{ P, "5.0.0", "550 <no such user@far.test> is refused here" },
	/* Codes alone */
	{ T, "4.0.0", "421 " },
	{ P, "5.0.0", "550 " },
	{ P, "5.0.0", "554 no" },
	{ A, "5.0.0", "551 no" },
	{ A, "5.0.0", "553 no" },
	{ A, "5.2.0", "550 no" },
	{ P, "5.7.0", "550 no" },
	{ P, "5.6.1", "550 no" },
	{ T, "4.1.1", "450 no" },
	{ REPLY_NONE, "2.0.0", "250 2.0.0 queued; not on a blacklist" },
};

static void
test_replies(void **state)
{
	static const char *const labels[] = { "mx.far.test [192.0.2.1]", "mx" };
	char words[RESULT_WORDS_MAX];
	const char *host;
	size_t i, k;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		for (k = 0; k < 2; k++) {
			snprintf(words, sizeof(words), "%s %s said: %s",
			    replies[i].status, labels[k], replies[i].reply);
			if (reply_kind(words) != replies[i].want)
				fail_msg("%s: %d", words, reply_kind(words));
			assert_string_equal(reply_said(words, &host),
			    replies[i].reply);
			assert_int_equal(strncmp(host, labels[k],
			    strlen(labels[k])), 0);
		}
}

/* What no host said is judged by its code alone. */
static void
test_our_words(void **state)
{
	static const struct {
		enum reply_kind want;
		const char *words;
	} rows[] = {
		{ A, "5.1.1 no such mailbox" },
		{ A, "5.1.2 [x] is no address" },
		{ A, "5.4.4 there is no such domain" },
		{ T, "4.4.1 mx [192.0.2.1] does not answer" },
		{ T, "4.2.2 over quota" },
		{ T, "4.7.8 mx refuses our login (PLAIN): 5.7.8 mx said: 535 "
		  "your ip is on a blacklist" },
		{ P, "5.3.4 mx takes messages up to 9 octets" },
		{ P, "5.0.0 the blacklist does not exist" },
		{ T, RESULT_EXPIRED "no answer" },
		{ T, RESULT_EXPIRED "4.2.1 mx said: 450 4.2.1 not now" },
		{ R, RESULT_EXPIRED "4.0.0 mx [192.0.2.1] said: 421 low "
		  "reputation" },
		{ REPLY_NONE, RESULT_EXPIRED "2.0.0 ok" },
		{ REPLY_NONE, "" }, { REPLY_NONE, "5" }, { REPLY_NONE, "5." },
		{ REPLY_NONE, "5.1" }, { REPLY_NONE, "5.1." },
		{ REPLY_NONE, "5.1.1x" }, { REPLY_NONE, "5.1.1234 no" },
		{ REPLY_NONE, "3.1.1 no" }, { REPLY_NONE, "6.1.1 no" },
		{ REPLY_NONE, "no" }, { A, "5.1.1" },
	};
	const char *host;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (reply_kind(rows[i].words) != rows[i].want)
			fail_msg("%s: %d", rows[i].words,
			    reply_kind(rows[i].words));
	assert_null(reply_said("5.1.1 no such mailbox", &host));
	assert_string_equal(host, "no such mailbox");
	assert_null(reply_said("5.0.0 a said: 55", &host));
	assert_null(reply_said("", &host));
}

/* A text of any length, and one word that fills all. */
static void
test_long(void **state)
{
	static const char head[] = "5.0.0 mx said: 550 ";
	char words[RESULT_WORDS_MAX * 2];
	size_t n;

	for (n = sizeof(head); n < sizeof(words); n++) {
		memset(words, 'x', n);
		memcpy(words, head, sizeof(head) - 1);
		words[n] = '\0';
		assert_int_equal(reply_kind(words), REPLY_POLICY);
		memset(words + sizeof(head) - 1, ' ', n - sizeof(head) + 1);
		assert_int_equal(reply_kind(words), REPLY_POLICY);
	}
}

static void
test_names(void **state)
{
	assert_null(reply_kind_name(REPLY_NONE));
	assert_string_equal(reply_kind_name(REPLY_TEMPORARY), "temporary");
	assert_string_equal(reply_kind_name(REPLY_POLICY), "policy");
	assert_string_equal(reply_kind_name(REPLY_REPUTATION), "reputation");
	assert_string_equal(reply_kind_name(REPLY_ADDRESS), "address");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_our_words),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("reply kind", tests, NULL, NULL);
}
