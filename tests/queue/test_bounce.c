/*
 * The text of a bounce: its structure, and that nothing of the original or of
 * a remote's words can leave its place in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "queue/queue_bounce.h"

static struct recipient rcpt[] = {
	{ "bert@far.test", "rfc822;Bert@far.test", 0 },
	{ "sales@example.test", "", 0 },
};
static struct envelope env = { .time = 1700000000, .length = 10,
	.sender = "anna@example.test", .client = "", .login = "",
	.envid = "QQ1", .rcpt = rcpt, .n_rcpt = 2 };

static void
make(struct target *t, size_t n, const char *header, struct buf *out,
    uint32_t *forward, uint32_t *final)
{
	struct targets ts = { .t = t, .n = n };
	struct bounce b = { .id = "00000000000000aa",
		.about = "00000000000000bb", .hostname = "mx.example.test",
		.now = 1700000100, .boundary = 0x1234, .env = &env,
		.to = env.sender,
		.until = 1700432000, .targets = &ts };

	buf_init(out, BOUNCE_MAX + BOUNCE_WHOLE_MAX);
	bounce_text(&b, out, forward, final);
	if (bounce_is_whole(&b))
		bounce_whole(&b, header, strlen(header), out);
	else
		bounce_header(&b, header, strlen(header), out);
}

/* Seven bits, CRLF alone, lines under 999 octets. */
static void
assert_clean(const struct buf *b)
{
	size_t i, column = 0;

	for (i = 0; i < b->len; i++) {
		assert_true((unsigned char)b->data[i] < 0x7f);
		assert_true(b->data[i] != '\0');
		if (b->data[i] == '\n')
			assert_true(i > 0 && b->data[i - 1] == '\r');
		if (b->data[i] == '\r')
			assert_true(b->data[i + 1] == '\n');
		column = b->data[i] == '\n' ? 0 : column + 1;
		assert_true(column < 999);
	}
}

static unsigned
count(const struct buf *b, const char *what)
{
	unsigned n = 0;
	const char *p;

	for (p = buf_str(b); (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
test_plain(void **state)
{
	struct target t[] = {
		{ .address = "bert@far.test", .kind = TARGET_REMOTE,
		    .way = "far.test", .state = TARGET_REFUSED,
		    .words = (char[]){ "5.1.1 unknown user" },
		    .host = (char[]){ "mx.far.test [192.0.2.1]" } },
		{ .address = "x@ok.test", .kind = TARGET_REMOTE, .rcpt = 1,
		    .way = "ok.test", .state = TARGET_DONE },
	};
	uint32_t forward, final;
	struct buf b;

	make(t, 2, "Subject: hello\r\nFrom: a@b\r\n\r\nbody\r\n", &b, &forward,
	    &final);
	assert_clean(&b);
	assert_memory_equal(b.data, "Return-Path: <>\r\n", forward);
	assert_memory_equal(b.data + forward,
	    "Delivered-To: anna@example.test\r\nReceived: ", 43);
	assert_int_equal(final - forward, 33);
	assert_int_equal(count(&b, "\r\nSubject: hello\r\n"), 1);
	assert_int_equal(count(&b, "body\r\n"), 0);
	assert_int_equal(count(&b, "Action: failed\r\n"), 1);
	assert_int_equal(count(&b, "Status: 5.1.1\r\n"), 1);
	assert_int_equal(count(&b, "Final-Recipient: rfc822; bert@far.test\r\n"),
	    1);
	assert_int_equal(count(&b,
	    "Original-Recipient: rfc822;Bert@far.test\r\n"), 1);
	assert_int_equal(count(&b, "Original-Envelope-Id: QQ1\r\n"), 1);
	assert_int_equal(count(&b, "\r\n--=_00000000000000aa/0000000000001234"
	    "\r\n"), 3);
	assert_int_equal(count(&b, "1234--\r\n"), 1);
	buf_clear(&b);
}

#define BOUNDARY "--=_00000000000000aa/0000000000001234"

/* All of it, octet for octet. */
static void
test_whole(void **state)
{
	static const char want[] = "Return-Path: <>\r\n"
	    "Delivered-To: anna@example.test\r\n"
	    "Received: by mx.example.test (Rohrpost) id 00000000000000aa; "
	    "Tue, 14 Nov 2023 22:15:00 +0000\r\n"
	    "Date: Tue, 14 Nov 2023 22:15:00 +0000\r\n"
	    "From: Mail Delivery System <MAILER-DAEMON@mx.example.test>\r\n"
	    "To: <anna@example.test>\r\n"
	    "Subject: Undelivered mail returned to sender\r\n"
	    "Message-ID: <00000000000000aa@mx.example.test>\r\n"
	    "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"=_00000000000000aa/0000000000001234\"\r\n\r\n"
	    "This is a report in MIME format.\r\n"
	    "\r\n" BOUNDARY "\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is the mail system at mx.example.test.\r\n\r\n"
	    "Your message could not be delivered to the recipients below, and "
	    "no\r\nfurther attempt will be made.\r\n"
	    "\r\n<bert@far.test>\r\n    mx.far.test [192.0.2.1] said: "
	    "550 5.1.1 unknown\r\n"
	    "    Please check the address: it is not known there, or takes no "
	    "mail.\r\n"
	    "\r\n<sales@example.test>\r\n    5.2.3 too large\r\n"
	    "\r\nThe message is known here as 00000000000000bb.\r\n"
	    "\r\n" BOUNDARY "\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n"
	    "Original-Envelope-Id: QQ1\r\n"
	    "Reporting-MTA: dns; mx.example.test\r\n"
	    "Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
	    "\r\nOriginal-Recipient: rfc822;Bert@far.test\r\n"
	    "Final-Recipient: rfc822; b@relayed.test\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.far.test\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 unknown\r\n"
	    "\r\nFinal-Recipient: rfc822; sales@example.test\r\n"
	    "Action: failed\r\nStatus: 5.2.3\r\n"
	    "Diagnostic-Code: x-rohrpost; 5.2.3 too large\r\n"
	    "\r\n" BOUNDARY "\r\n"
	    "Content-Type: text/rfc822-headers\r\n\r\n"
	    "Subject: hello\r\nFrom: a@b\r\n"
	    "\r\n" BOUNDARY "--\r\n";
	struct target t[] = {
		{ .address = "b@relayed.test", .kind = TARGET_REMOTE,
		    .way = "far.test", .state = TARGET_REFUSED,
		    .words = (char[]){ "5.1.1 mx.far.test [192.0.2.1] said: "
		    "550 5.1.1 unknown" },
		    .host = (char[]){ "mx.far.test [192.0.2.1]" } },
		{ .address = "anna@example.test", .kind = TARGET_LOCAL,
		    .rcpt = 1, .way = "anna@example.test",
		    .state = TARGET_DONE },
		{ .address = "bert@example.test", .kind = TARGET_LOCAL,
		    .rcpt = 1, .way = "bert@example.test",
		    .state = TARGET_REFUSED,
		    .words = (char[]){ "5.2.3 too large" } },
		{ .address = "x@ok.test", .kind = TARGET_REMOTE, .rcpt = 1,
		    .way = "ok.test", .state = TARGET_OPEN },
		{ .address = "y@ok.test", .kind = TARGET_REMOTE, .rcpt = 1,
		    .way = "ok.test", .state = TARGET_REPORTED },
	};
	uint32_t forward, final;
	struct buf b;

	make(t, 5, "Subject: hello\r\nFrom: a@b\r\n\r\nbody\r\n", &b, &forward,
	    &final);
	assert_string_equal(buf_str(&b), want);
	assert_int_equal(forward, 17);
	assert_int_equal(final, 50);
	buf_clear(&b);
	/* Without an envelope's id, and with one that is no typed address. */
	rcpt[0].orcpt = "Bert";
	make(t, 1, "", &b, &forward, &final);
	assert_int_equal(count(&b, "Original-Recipient"), 0);
	rcpt[0].orcpt = "rfc822;Bert@far.test";
	buf_clear(&b);
}

/* How much of a header block of so many octets, in lines of ten, comes back. */
static size_t
header_back(size_t len, const char *end)
{
	static const char head[] = "Content-Type: text/rfc822-headers"
	    "\r\n\r\n";
	struct target t = { .address = "b@far.test", .kind = TARGET_REMOTE,
		.way = "far.test", .state = TARGET_REFUSED };
	char *header = malloc(len + strlen(end) + 1);
	uint32_t forward, final;
	const char *from;
	struct buf b;
	size_t i, n;

	assert_non_null(header);
	for (i = 0; i < len; i++)
		header[i] = i % 10 == 8 ? '\r' : i % 10 == 9 ? '\n' : 'x';
	strcpy(header + len, end);
	make(&t, 1, header, &b, &forward, &final);
	from = strstr(buf_str(&b), head) + sizeof(head) - 1;
	n = (size_t)(strstr(from, "\r\n" BOUNDARY "--\r\n") - from);
	buf_clear(&b);
	free(header);
	return n;
}

static void
test_header_bound(void **state)
{
	enum { MAX = BOUNCE_HEADER_MAX - BOUNCE_HEADER_MAX % 10 };

	assert_int_equal(header_back(100, "\r\nbody\r\n"), 100);
	assert_int_equal(header_back(100, ""), 100);
	assert_int_equal(header_back(MAX, "\r\nbody\r\n"), MAX);
	assert_int_equal(header_back(MAX, "xxx"), MAX + 5);
	assert_int_equal(header_back(MAX + 10, "\r\nbody\r\n"), MAX);
	assert_int_equal(header_back(BOUNCE_HEADER_MAX - 2, "\r\n\r\nx"),
	    BOUNCE_HEADER_MAX);
}

static void
test_hostile(void **state)
{
	static char words[RECIPIENTS_MAX * 2], header[200000], host[2000];
	struct target t[] = {
		{ .address = "bert@far.test", .kind = TARGET_REMOTE,
		    .way = "far.test", .state = TARGET_REFUSED, .words = words,
		    .host = host },
	};
	uint32_t forward, final;
	struct buf b;
	size_t i;

	memset(words, 0xe4, sizeof(words) - 1);
	memcpy(words, "5.7.1\x1b[2J", 9);
	memset(host, 0xff, sizeof(host) - 1);
	/* A folded header without end, raw octets, and our own boundary. */
	strcpy(header, "X: a\r\n--=_00000000000000aa/0000000000009999--\r\n\n");
	for (i = strlen(header); i < sizeof(header) - 1; i++)
		header[i] = (char)(i % 255 + 1);
	make(t, 1, header, &b, &forward, &final);
	assert_clean(&b);
	assert_true(b.len < 3 * BOUNCE_HEADER_MAX);
	assert_int_equal(count(&b, "1234--\r\n"), 1);
	buf_clear(&b);
}

static void
test_status(void **state)
{
	static const struct {
		const char *words, *want;
	} row[] = {
		{ "5.1.1 no", "Status: 5.1.1\r\n" },
		{ "4.4.7 late", "Status: 4.4.7\r\n" },
		{ "5.7.123", "Status: 5.7.123\r\n" },
		{ "550 no", "Status: 5.0.0\r\n" },
		{ "5.1. no", "Status: 5.0.0\r\n" },
		{ "5..1 no", "Status: 5.0.0\r\n" },
		{ "5.1.1.1 no", "Status: 5.0.0\r\n" },
		{ "5.1.11111 no", "Status: 5.0.0\r\n" },
		{ "2.0.0 ok", "Status: 5.0.0\r\n" },
		{ "", "Status: 5.0.0\r\n" },
	};
	struct target t = { .address = "b@far.test", .kind = TARGET_REMOTE,
		.way = "far.test", .state = TARGET_REFUSED };
	uint32_t forward, final;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		t.words = (char *)(uintptr_t)row[i].words;
		make(&t, 1, "", &b, &forward, &final);
		assert_int_equal(count(&b, row[i].want), 1);
		buf_clear(&b);
	}
}

/* RFC 3464 2.3.6: type smtp is the reply and nothing but the reply. */
static void
test_diagnostic(void **state)
{
	static const struct {
		enum target_kind kind;
		const char *words, *host, *people, *mta, *diagnostic;
	} row[] = {
		{ TARGET_REMOTE, "5.7.1 a said: 554 5.7.1 blocked using "
		  "zen.spamhaus.org", "a", "a said: 554 5.7.1 blocked using "
		  "zen.spamhaus.org\r\n    That host does not trust the "
		  "server that sent it; the address may be right.", "a",
		  "smtp; 554 5.7.1 blocked using zen.spamhaus.org" },
		{ TARGET_REMOTE, "4.4.7 not delivered in time; last: 4.7.1 a "
		  "said: 450 low reputation", "a", "4.4.7 not delivered in "
		  "time; last: 4.7.1 a said: 450 low reputation", "a",
		  "x-rohrpost; 4.4.7 not delivered in time; last: 4.7.1 a said: "
		  "450 low reputation" },
		{ TARGET_REMOTE, "5.1.1 mx.far.test [192.0.2.1] said: 550 "
		  "5.1.1 no such mailbox", "mx.far.test [192.0.2.1]",
		  "mx.far.test [192.0.2.1] said: 550 5.1.1 no such mailbox\r\n"
		  "    Please check the address: it is not known there, or takes "
		  "no mail.",
		  "mx.far.test", "smtp; 550 5.1.1 no such mailbox" },
		{ TARGET_REMOTE, "5.0.0 a said: 554 b said: 550 c",
		  "b [::1]", "a said: 554 b said: 550 c\r\n"
		  "    That host does not take this message as it is.", "a",
		  "smtp; 554 b said: 550 c" },
		{ TARGET_REMOTE, "5.3.4 a [::1] takes messages up to 9 octets",
		  "a [::1]", "5.3.4 a [::1] takes messages up to 9 octets", "a",
		  "x-rohrpost; 5.3.4 a [::1] takes messages up to 9 octets" },
		{ TARGET_REMOTE, "4.4.7 late; last: 4.2.0 a said: 450 b", NULL,
		  "4.4.7 late; last: 4.2.0 a said: 450 b", NULL,
		  "x-rohrpost; 4.4.7 late; last: 4.2.0 a said: 450 b" },
		{ TARGET_REMOTE, "5.0.0 a said: ", NULL, "5.0.0 a said: ",
		  NULL, "x-rohrpost; 5.0.0 a said: " },
		{ TARGET_REMOTE, "5.0.0", NULL, "5.0.0", NULL,
		  "x-rohrpost; 5.0.0" },
		{ TARGET_LOCAL, "5.0.0 a said: 550 b", NULL,
		  "5.0.0 a said: 550 b", NULL,
		  "x-rohrpost; 5.0.0 a said: 550 b" },
	};
	struct target t = { .address = "b@far.test", .way = "far.test",
		.state = TARGET_REFUSED };
	uint32_t forward, final;
	char want[300];
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		t.kind = row[i].kind;
		t.words = (char *)(uintptr_t)row[i].words;
		t.host = (char *)(uintptr_t)row[i].host;
		make(&t, 1, "", &b, &forward, &final);
		snprintf(want, sizeof(want), ">\r\n    %s\r\n\r\n",
		    row[i].people);
		assert_int_equal(count(&b, want), 1);
		snprintf(want, sizeof(want), "\r\nRemote-MTA: dns; %s\r\n",
		    row[i].mta != NULL ? row[i].mta : "");
		assert_int_equal(count(&b, want), row[i].mta != NULL);
		assert_int_equal(count(&b, "Remote-MTA:"), row[i].mta != NULL);
		snprintf(want, sizeof(want), "\r\nDiagnostic-Code: %s\r\n",
		    row[i].diagnostic);
		assert_int_equal(count(&b, want), 1);
		buf_clear(&b);
	}
}

static void
test_many(void **state)
{
	static char words[] = "5.1.1 no such user here, sorry; whom do you "
	    "mean, and who told you of that name?";
	struct target *t = calloc(TARGETS_MAX, sizeof(*t));
	uint32_t forward, final;
	char want[100];
	struct buf b;
	unsigned n;
	size_t i;

	for (i = 0; i < TARGETS_MAX; i++)
		t[i] = (struct target){ .address = "b@far.test",
			.kind = TARGET_REMOTE, .way = "far.test",
			.state = TARGET_REFUSED, .words = words };
	make(t, TARGETS_MAX, "Subject: x\r\n\r\n", &b, &forward, &final);
	assert_clean(&b);
	assert_true(b.len <= BOUNCE_MAX && b.len > BOUNCE_MAX / 10 * 9);
	n = count(&b, "\r\nFinal-Recipient: ");
	assert_in_range(n, TARGETS_MAX / 2, TARGETS_MAX - 1);
	snprintf(want, sizeof(want), "\r\nand 9950 more; the second part of "
	    "this report lists %u of all 10000.\r\n", n);
	assert_int_equal(count(&b, want), 1);
	assert_int_equal(count(&b, "1234--\r\n"), 1);
	buf_clear(&b);
	/* As many as there is room for people to read of; and one more. */
	make(t, BOUNCE_LISTED, "", &b, &forward, &final);
	assert_int_equal(count(&b, "\r\n<"), BOUNCE_LISTED);
	assert_int_equal(count(&b, " more;"), 0);
	buf_clear(&b);
	make(t, BOUNCE_LISTED + 1, "", &b, &forward, &final);
	assert_int_equal(count(&b, "\r\n<"), BOUNCE_LISTED);
	assert_int_equal(count(&b, "\r\nFinal-Recipient: "), 51);
	assert_int_equal(count(&b, "\r\nand 1 more; the second part of this "
	    "report lists all.\r\n"), 1);
	buf_clear(&b);
	free(t);
}

/* The recipients in the order of what is said of them, each in its words. */
static void
test_actions(void **state)
{
	static const char people[] =
	    "This is the mail system at mx.example.test.\r\n\r\n"
	    "Your message could not be delivered yet to the recipients below. "
	    "It will be\r\ntried again; there is no need to send it once "
	    "more.\r\n\r\n<bert@far.test>\r\n    4.4.1 nobody answers\r\n"
	    "\r\nYour message was handed on, for the recipients below, to a "
	    "host that does\r\nnot report deliveries.\r\n"
	    "\r\n<bert@far.test>\r\n    mx.far.test said: 250 ok\r\n"
	    "\r\nYour message was sent on to those for whom the addresses "
	    "below stand.\r\n\r\n<sales@example.test>\r\n"
	    "\r\nYour message was delivered to the recipients below.\r\n"
	    "\r\n<sales@example.test>\r\n    2.0.0 delivered\r\n"
	    "\r\nThe message is known here as 00000000000000bb.\r\n";
	static const char fields[] =
	    "\r\nOriginal-Recipient: rfc822;Bert@far.test\r\n"
	    "Final-Recipient: rfc822; b@far.test\r\n"
	    "Action: relayed\r\nStatus: 2.1.5\r\n"
	    "Remote-MTA: dns; mx.far.test\r\n"
	    "Diagnostic-Code: smtp; 250 ok\r\n"
	    "\r\nFinal-Recipient: rfc822; sales@example.test\r\n"
	    "Action: delivered\r\nStatus: 2.0.0\r\n"
	    "\r\nFinal-Recipient: rfc822; sales@example.test\r\n"
	    "Action: expanded\r\nStatus: 2.0.0\r\n"
	    "\r\nOriginal-Recipient: rfc822;Bert@far.test\r\n"
	    "Final-Recipient: rfc822; bert@far.test\r\n"
	    "Action: delayed\r\nStatus: 4.4.1\r\n"
	    "Diagnostic-Code: x-rohrpost; 4.4.1 nobody answers\r\n"
	    "Will-Retry-Until: Sun, 19 Nov 2023 22:13:20 +0000\r\n"
	    "\r\n" BOUNDARY "\r\n";
	struct target t[] = {
		{ .address = "b@far.test", .kind = TARGET_REMOTE,
		    .way = "far.test", .state = TARGET_DONE,
		    .tell = TELL_SUCCESS,
		    .words = (char[]){ "2.1.5 mx.far.test said: 250 ok" } },
		{ .address = "x@ok.test", .kind = TARGET_REMOTE, .rcpt = 1,
		    .way = "ok.test", .state = TARGET_DONE },
		{ .address = "anna@example.test", .kind = TARGET_LOCAL,
		    .rcpt = 1, .way = "anna@example.test",
		    .state = TARGET_DONE, .tell = TELL_SUCCESS,
		    .words = (char[]){ "2.0.0 delivered" } },
		{ .address = "sales@example.test", .kind = TARGET_LOCAL,
		    .rcpt = 1, .way = "", .state = TARGET_DONE,
		    .tell = TELL_SUCCESS },
		{ .address = "bert@far.test", .kind = TARGET_REMOTE,
		    .way = "far.test", .tell = TELL_DELAY,
		    .words = (char[]){ "4.4.1 nobody answers" } },
		{ .address = "warned@far.test", .kind = TARGET_REMOTE,
		    .way = "far.test", .tell = TELL_WARNED,
		    .words = (char[]){ "4.4.1 nobody answers" } },
	};
	uint32_t forward, final;
	struct buf b;

	make(t, 6, "Subject: hello\r\n\r\nbody\r\n", &b, &forward, &final);
	assert_int_equal(count(&b, people), 1);
	assert_int_equal(count(&b, fields), 1);
	assert_int_equal(count(&b, "Subject: Delayed mail is still being tried"
	    "\r\n"), 1);
	assert_clean(&b);
	buf_clear(&b);
	make(t, 4, "", &b, &forward, &final);
	assert_int_equal(count(&b, "Subject: Successful mail delivery report"
	    "\r\n"), 1);
	buf_clear(&b);
}

/* What the sender gave is shown as it was before it became xtext. */
static void
test_decoded(void **state)
{
	struct target t = { .address = "b@far.test", .kind = TARGET_REMOTE,
		.way = "far.test", .state = TARGET_REFUSED };
	uint32_t forward, final;
	struct buf b;

	env.envid = "a+20+2Bb";
	rcpt[0].orcpt = "rfc822;+22a+20b+22@x.test";
	make(&t, 1, "", &b, &forward, &final);
	assert_int_equal(count(&b, "Original-Envelope-Id: a +b\r\n"), 1);
	assert_int_equal(count(&b,
	    "Original-Recipient: rfc822;\"a b\"@x.test\r\n"), 1);
	buf_clear(&b);
	/* None that no client can have given. */
	env.envid = "a+0Ab";
	rcpt[0].orcpt = "rfc822;a+0Ab";
	make(&t, 1, "", &b, &forward, &final);
	assert_int_equal(count(&b, "Original-"), 0);
	buf_clear(&b);
	env.envid = "QQ1";
	rcpt[0].orcpt = "rfc822;Bert@far.test";
}

/* RET=FULL: all of it as it is, to its last octet, of a failure. */
static void
test_all(void **state)
{
	static const char text[] = "Subject: x\r\n\r\nbody \303\244";
	struct target t = { .address = "b@far.test", .kind = TARGET_REMOTE,
		.way = "far.test", .state = TARGET_REFUSED };
	uint32_t forward, final;
	struct buf b;

	env.ret = Q_RET_FULL;
	make(&t, 1, text, &b, &forward, &final);
	assert_int_equal(count(&b, BOUNDARY "\r\nContent-Type: message/rfc822"
	    "\r\n\r\nSubject: x\r\n\r\nbody \303\244\r\n" BOUNDARY
	    "--\r\n"), 1);
	assert_int_equal(count(&b, "8bit"), 0);
	buf_clear(&b);
	env.flags = Q_8BIT;
	make(&t, 1, text, &b, &forward, &final);
	assert_int_equal(count(&b, "\r\nContent-Transfer-Encoding: 8bit\r\n"),
	    2);
	buf_clear(&b);
	env.length = env.final + BOUNCE_WHOLE_MAX + 1;
	make(&t, 1, text, &b, &forward, &final);
	assert_int_equal(count(&b, "body"), 0);
	assert_int_equal(count(&b, "8bit"), 0);
	assert_clean(&b);
	buf_clear(&b);
	env.length = 10;
	env.ret = env.flags = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_whole),
		cmocka_unit_test(test_header_bound),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_diagnostic), cmocka_unit_test(test_many),
		cmocka_unit_test(test_actions), cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
