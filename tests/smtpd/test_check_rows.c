/*
 * Every row of the check stage at every stage: who has a hook where, and what
 * each hook says of what it may meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/limits.h"
#include "lib/mail/notes.h"
#include "smtpd/smtpd_check.h"
#include "tests/smtpd/fake.h"

/* One question to the stage; code 0: all rows pass. */
#define OURS	"Received: from x by mx.example.test (Rohrpost) id 1\r\n"

struct ask {
	const char *row;	/* that refuses; of a pass that is tried */
	enum smtp_stage stage;
	int	 code;
	const char *status, *words;
	enum service service;
	const char *login;
	int	 crowded, talks, endless, edited;
	const char *text;	/* name, path or header */
	unsigned repeat;	/* of the text */
	uint64_t size;
};

#define PASSWD	"carl:x:64000:64000::/:\nroot:x:0:0::/:\nnews:x:999:9::/:\n"\
	"dora:x:1000:9::/:\n"

#define FOREIGN(field, address)	field ": " address \
	" is not an address of anna@example.test, and sender_header is owned"
#define ODD(field)	field " can be read in more than one way, which " \
	"sender_header = owned forbids: one field, names in quotes"

static char long_name[HELO_MAX + 2], full_name[HELO_MAX + 1];

static const struct ask asks[] = {
	{ .row = "crowd", .stage = STAGE_CONNECT, .service = SERVICE_SMTP },
	{ .row = "crowd", .stage = STAGE_CONNECT, .code = 421,
	    .status = "4.7.0",
	    .words = "too many connections from your address",
	    .service = SERVICE_SMTP, .crowded = 1,
	    .talks = 1 },
	{ .row = "names", .stage = STAGE_CONNECT, .service = SERVICE_LOCAL },
	{ .row = "names", .stage = STAGE_CONNECT, .service = SERVICE_SMTP,
	    .edited = 1 },
	{ .row = "names", .stage = STAGE_CONNECT, .code = 421,
	    .status = "4.3.2",
	    .words = "the password file has changed, come again",
	    .service = SERVICE_LOCAL, .edited = 1 },
	{ .row = "early", .stage = STAGE_CONNECT, .code = 554,
	    .status = "5.5.0",
	    .words = "wait for the greeting",
	    .service = SERVICE_SMTP, .talks = 1 },
	{ .row = "early", .stage = STAGE_CONNECT, .code = 554,
	    .status = "5.5.0",
	    .words = "wait for the greeting",
	    .service = SERVICE_SUBMISSION, .talks = 1 },
	{ .row = "early", .stage = STAGE_CONNECT,
	    .service = SERVICE_SUBMISSIONS, .talks = 1 },
	{ .row = "early", .stage = STAGE_CONNECT, .service = SERVICE_LOCAL,
	    .talks = 1 },
	{ .row = "helo", .stage = STAGE_HELO, .service = SERVICE_SMTP,
	    .text = "mx_1.Example.test" },
	{ .row = "helo", .stage = STAGE_HELO, .service = SERVICE_SMTP,
	    .text = "[IPv6:2001:db8::1]" },
	{ .row = "helo", .stage = STAGE_HELO,
	    .service = SERVICE_SMTP, .text = "My PC" },
	{ .row = "helo", .stage = STAGE_HELO,
	    .service = SERVICE_LOCAL, .text = "a(b" },
	{ .row = "helo", .stage = STAGE_HELO,
	    .service = SERVICE_SMTP, .text = "a\xff" },
	{ .row = "helo", .stage = STAGE_HELO, .code = 501, .status = "5.5.4",
	    .words = "malformed host name",
	    .service = SERVICE_SMTP, .text = "" },
	{ .row = "helo", .stage = STAGE_HELO, .code = 501, .status = "5.5.4",
	    .words = "malformed host name",
	    .service = SERVICE_SMTP, .text = long_name },
	{ .row = "helo", .stage = STAGE_HELO, .service = SERVICE_SUBMISSION,
	    .text = "Anna's" },
	{ .row = "helo", .stage = STAGE_HELO, .service = SERVICE_SMTP,
	    .text = full_name },
	{ .row = "helo", .stage = STAGE_HELO, .code = 501, .status = "5.5.4",
	    .words = "malformed host name",
	    .service = SERVICE_SUBMISSION, .text = long_name },
	{ .row = "sender", .stage = STAGE_MAIL, .service = SERVICE_SMTP,
	    .text = "<>" },
	{ .row = "sender", .stage = STAGE_MAIL, .service = SERVICE_SMTP,
	    .text = "<anna@example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 501,
	    .status = "5.1.7",
	    .words = "a sender needs a domain",
	    .service = SERVICE_SMTP,
	    .text = "<postmaster>" },
	{ .row = "sender", .stage = STAGE_MAIL, .service = SERVICE_SUBMISSION,
	    .login = "anna@example.test", .text = "<anna@example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 553,
	    .status = "5.7.1",
	    .words = "that sender is not yours",
	    .service = SERVICE_SUBMISSION,
	    .login = "anna@example.test", .text = "<bert@example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 550,
	    .status = "5.7.1", .words = "this account may not send",
	    .service = SERVICE_SUBMISSION,
	    .login = "mute@example.test", .text = "<mute@example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 550,
	    .status = "5.7.1", .words = "this account may not send",
	    .service = SERVICE_LOCAL, .login = "mute", .text = "<>" },
	{ .row = "sender", .stage = STAGE_MAIL, .service = SERVICE_LOCAL,
	    .login = "www", .text = "<www@mx.example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 553,
	    .status = "5.7.1",
	    .words = "that sender is not yours",
	    .service = SERVICE_LOCAL, .login = "www",
	    .text = "<anna@example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 553,
	    .status = "5.7.1",
	    .words = "that sender is not yours",
	    .service = SERVICE_LOCAL, .login = "www",
	    .text = "<www@example.test>" },
	{ .row = "sender", .stage = STAGE_MAIL, .code = 553,
	    .status = "5.7.1",
	    .words = "that sender is not yours",
	    .service = SERVICE_LOCAL, .login = "www",
	    .text = "<wwww@mx.example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_SMTP,
	    .text = "<anna@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_SMTP,
	    .text = "<postmaster>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.1.1",
	    .words = "no such mailbox",
	    .service = SERVICE_SMTP,
	    .text = "<nobody@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_LOCAL,
	    .login = "www", .text = "<carl@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_LOCAL,
	    .login = "www", .text = "<news@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_SMTP,
	    .text = "<carl@MX.example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_SMTP,
	    .text = "<root@mx.example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_SMTP,
	    .text = "<dora@mx.example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.1.1",
	    .words = "no such mailbox",
	    .service = SERVICE_SMTP,
	    .text = "<news@mx.example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.1.1",
	    .words = "no such mailbox",
	    .service = SERVICE_SMTP,
	    .text = "<carl@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.1.1",
	    .words = "no such mailbox",
	    .service = SERVICE_SUBMISSION,
	    .login = "anna@example.test", .text = "<carl@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 452,
	    .status = "4.2.2",
	    .words = "the mailbox is full",
	    .service = SERVICE_SMTP,
	    .text = "<full@example.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_SMTP,
	    .text = "<small@example.test>", .size = 1000 },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 552,
	    .status = "5.2.3",
	    .words = "larger than the mailbox may be",
	    .service = SERVICE_SMTP,
	    .text = "<small@example.test>", .size = 1001 },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.7.1",
	    .words = "relaying denied",
	    .service = SERVICE_SMTP,
	    .text = "<eve@remote.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.7.1",
	    .words = "relaying denied",
	    .service = SERVICE_SUBMISSION,
	    .text = "<eve@remote.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "<eve@remote.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .service = SERVICE_LOCAL,
	    .login = "www", .text = "<eve@remote.test>" },
	{ .row = "recipient", .stage = STAGE_RCPT, .code = 550,
	    .status = "5.1.2",
	    .words = "no mail to an address literal",
	    .service = SERVICE_LOCAL, .login = "www",
	    .text = "<eve@[192.0.2.1]>" },
	{ .row = "header", .stage = STAGE_HEADER, .text = "X: y\r\n",
	    .repeat = HEADER_COUNT_MAX },
	{ .row = "header", .stage = STAGE_HEADER, .code = 552,
	    .status = "5.3.4",
	    .words = "the header is too big",
	    .text = "X: y\r\n",
	    .repeat = HEADER_COUNT_MAX + 1 },
	{ .row = "header", .stage = STAGE_HEADER, .code = 552,
	    .status = "5.3.4",
	    .words = "the header is too big",
	    .text = "X: y\r\n", .repeat = 1,
	    .endless = 1 },
	{ .row = "header", .stage = STAGE_HEADER, .text = "Received: x\r\n",
	    .repeat = HOPS_MAX },
	{ .row = "header", .stage = STAGE_HEADER, .code = 554,
	    .status = "5.4.6",
	    .words = "too many hops",
	    .text = "Received: x\r\n",
	    .repeat = HOPS_MAX + 1 },
	{ .row = "header", .stage = STAGE_HEADER, .code = 554,
	    .status = "5.4.6",
	    .words = "mail loop: it was delivered to that address "
	    "before",
	    .text = "Delivered-To:\r\n Anna@example.test"
	    "\r\n" OURS, .repeat = 1 },
	{ .row = "header", .stage = STAGE_HEADER,
	    .text = "Delivered-To: bert@example.test\r\n" OURS,
	    .repeat = 1 },
	{ .row = "header", .stage = STAGE_HEADER,
	    .text = "Delivered-To: anna@example.test\r\nReceived: from x by "
	    "old-provider.test; Mon, 2 Nov 2026 10:00:00 +0000\r\n",
	    .repeat = 1 },
	{ .row = "header", .stage = STAGE_HEADER,
	    .text = "Delivered-To: anna@example.test\r\nX: y\r\n" OURS,
	    .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Subject: x\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: Anna <anna@example.test>\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "FROM : \"anna\"@Example.TEST\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: anna+shop@example.test, anna@signed.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: anna@example.test\r\n"
	    "Sender: <anna@signed.test>\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "bert@example.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: bert@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "bert@example.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "X: y\r\nFrom: Anna\r\n"
	    " <anna@example.test>,\r\n B: bert@example.test;\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "x@far.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: x@far.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "b??t@example.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: <b\xc3\xa4t@example.test>\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("Sender", "bert@example.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: anna@example.test\r\n"
	    "Sender: bert@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("From"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: anna@example.test\r\n"
	    "From: anna@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("Sender"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Sender: anna@example.test\r\n"
	    "Sender: anna@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("From"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: bert@example.test <anna@example.test>\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("From"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From: nobody:;\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("From"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = " From: bert@example.test\r\n"
	    "From: anna@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("From"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "From\x01: bert@example.test\r\n"
	    "From: anna@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: anna@example.test\r\n"
	    "From: x@far.test\r\nSender: y@far.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: anna@example.test\r\n"
	    "Resent-From: z@far.test\r\n"
	    "From: x@far.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "bert@example.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: anna@example.test\r\n"
	    "From: bert@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "x@sub.example.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: anna@example.test\r\n"
	    "From: x@sub.example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("From", "x@test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: anna@example.test\r\n"
	    "From: x@test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = ODD("From"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: anna@example.test\r\n"
	    "From: x@far.test y@far.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER,
	    .code = 550, .status = "5.7.1",
	    .words = FOREIGN("Resent-From", "x@far.test"),
	    .service = SERVICE_SUBMISSION, .login = "anna@example.test",
	    .text = "Resent-From: x@far.test\r\n"
	    "From: anna@example.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER, .service = SERVICE_LOCAL,
	    .login = "carl", .text = "From: x@far.test\r\n", .repeat = 1 },
	{ .row = "from", .stage = STAGE_HEADER, .service = SERVICE_SMTP,
	    .text = "From: anna@example.test\r\n", .repeat = 1 },
};
enum { N_ASKS = sizeof(asks) / sizeof(asks[0]) };

static void
make_session(struct smtp_session *s, const struct ask *a, int far_r[2])
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(fd_pair(far_r), 0);
	stream_init(&s->io, far_r[0]);
	if (a->talks)
		assert_int_equal(write(far_r[1], "x", 1), 1);
	s->service = a->service;
	s->env.size = a->size;
	snprintf(s->login, sizeof(s->login), "%s",
	    a->login != NULL ? a->login : "");
	s->env.n = 1;
	buf_put_lv(&s->env.local, "anna@example.test", 17);
}

static void
make_case(struct smtp_case *c, const struct ask *a, struct buf *text,
    struct address *address)
{
	unsigned i;
	size_t used;

	memset(c, 0, sizeof(*c));
	c->crowded = a->crowded;
	c->endless = a->endless;
	buf_reset(text);
	for (i = 0; i < a->repeat || i == 0; i++)
		buf_puts(text, a->text != NULL ? a->text : "");
	c->text = buf_str(text);
	c->len = text->len;
	c->added = text;
	if (a->stage == STAGE_MAIL || a->stage == STAGE_RCPT) {
		assert_int_equal(address_path(address, c->text, c->len,
		    &used), ADDRESS_OK);
		c->address = address;
	}
}

/* Each ask by all rows, and by its own alone. */
static void
test_rows(void **state)
{
	unsigned tried[20][STAGES] = { { 0 } };
	const struct smtp_check *row;
	struct buf text = BUF_INIT(0);
	struct address address;
	struct smtp_session s;
	struct smtp_refusal r;
	struct smtp_verdict v;
	struct smtp_case c;
	unsigned i;
	int far[2];

	for (i = 0; i < N_ASKS; i++) {
		make_session(&s, &asks[i], far);
		fake_passwd(PASSWD);
		fake_read_passwd();
		if (asks[i].edited)
			fake_passwd(PASSWD);
		make_case(&c, &asks[i], &text, &address);
		r = smtp_check(&s, asks[i].stage, &c);
		if (r.code != asks[i].code || (r.code != 0 &&
		    (strcmp(r.status, asks[i].status) != 0 ||
		    strcmp(r.words, asks[i].words) != 0)))
			fail_msg("%u, %s: %d %s", i, asks[i].row, r.code,
			    r.code != 0 ? r.words : "");
		for (row = smtp_checks; row->name != NULL &&
		    strcmp(row->name, asks[i].row) != 0;)
			row++;
		assert_non_null(row->name);
		assert_non_null(row->at[asks[i].stage]);
		v = row->at[asks[i].stage](&s, &c);
		assert_int_equal(v.outcome, asks[i].code == 0 ? VERDICT_PASS :
		    VERDICT_REFUSE);
		tried[row - smtp_checks][asks[i].stage] |=
		    asks[i].code == 0 ? 1 : 2;
		stream_clear(&s.io);
		close(far[1]);
		buf_clear(&s.env.local);
	}
	/* No row was forgotten: each hook has passed and refused. What signs
	   has a test of its own: it refuses nothing. */
	for (row = smtp_checks; row->name != NULL; row++)
		for (i = 0; i < STAGES; i++)
			if (strcmp(row->name, "sign") != 0 &&
			    tried[row - smtp_checks][i] !=
			    (row->at[i] != NULL ? 3 : 0))
				fail_msg("%s at stage %u", row->name, i);
	buf_clear(&text);
}

/* HEADER, BODY and END of that session; the code of the last; 0: all pass. */
static int
whole(struct smtp_session *s, const char *from, size_t *room_r)
{
	struct buf head = BUF_INIT(0);
	struct smtp_case header = { .text = "" }, body = { .text = "hi\r\n",
		.len = 4 }, end = { .len = 0 };
	struct smtp_refusal r;

	buf_printf(&head, "From: %s\r\n\r\n", from);
	header.text = head.data;
	header.len = head.len;
	r = smtp_check(s, STAGE_HEADER, &header);
	*room_r = header.room_r;
	if (r.code == 0)
		r = smtp_check(s, STAGE_BODY, &body);
	if (r.code == 0)
		r = smtp_check(s, STAGE_END, &end);
	buf_clear(&head);
	return r.code;
}

/*
 * A domain with a key sends nothing unsigned: here nobody signs, so it is later
 * (451). Who has none, is a stranger, or names another's address in From is not
 * kept from sending by that.
 */
static void
test_sign(void **state)
{
	static const struct {
		enum service service;
		const char *login, *from, *sender;
		int	 code;
	} t[] = {
		{ SERVICE_SMTP, "", "anna@signed.test", "anna@signed.test", 0 },
		{ SERVICE_SUBMISSION, "anna@example.test",
		    "anna@example.test", "anna@example.test", 0 },
		{ SERVICE_SUBMISSION, "anna@example.test",
		    "Anna <anna@Signed.test>", "anna@example.test", 451 },
		{ SERVICE_SUBMISSION, "anna@example.test",
		    "bert@signed.test", "anna@example.test", 0 },
		{ SERVICE_SUBMISSION, "anna@example.test",
		    "x@far.test", "anna@signed.test", 451 },
		{ SERVICE_SUBMISSION, "anna@example.test", "(", "", 0 },
	};
	struct ask a = { .row = "sign" };
	struct smtp_session s;
	size_t i, room;
	int far[2];

	smtpd.conf.sender_any = 1;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		a.service = t[i].service;
		a.login = t[i].login;
		make_session(&s, &a, far);
		snprintf(s.env.sender, sizeof(s.env.sender), "%s", t[i].sender);
		if (whole(&s, t[i].from, &room) != t[i].code)
			fail_msg("%zu", i);
		assert_int_equal(room > 0, t[i].code != 0);
		stream_clear(&s.io);
		close(far[1]);
		buf_clear(&s.env.local);
	}
	smtpd.conf.sender_any = 0;
}

/* What a row is called stands in notes; no two share it. */
static void
test_names(void **state)
{
	const struct smtp_check *a, *b;

	for (a = smtp_checks; a->name != NULL; a++) {
		assert_true(strlen(a->name) <= NOTE_NAME_MAX);
		for (b = smtp_checks; b < a; b++)
			assert_string_not_equal(a->name, b->name);
	}
	assert_true(a - smtp_checks > 5 && a - smtp_checks < 20);
}

/* A table that cannot be read is no reason to turn anybody away for good. */
static void
test_tables_gone(void **state)
{
	static const struct ask ask[] = {
		{ .stage = STAGE_MAIL, .service = SERVICE_SUBMISSION,
		    .login = "anna@example.test",
		    .text = "<bert@example.test>" },
		{ .stage = STAGE_RCPT, .service = SERVICE_SMTP,
		    .text = "<nobody@example.test>" },
		/* Whether it is to be signed, and as whom. */
		{ .stage = STAGE_HEADER, .service = SERVICE_SUBMISSION,
		    .login = "anna@example.test",
		    .text = "From: bert@signed.test\r\n\r\n" },
	};
	struct buf text = BUF_INIT(0);
	struct address address;
	struct smtp_session s;
	struct smtp_refusal r;
	struct smtp_case c;
	unsigned i;
	int far[2];

	fake_spoil_tables();
	for (i = 0; i < sizeof(ask) / sizeof(ask[0]); i++) {
		make_session(&s, &ask[i], far);
		make_case(&c, &ask[i], &text, &address);
		r = smtp_check(&s, ask[i].stage, &c);
		assert_int_equal(r.code, 451);
		assert_string_equal(r.status, "4.3.0");
		assert_string_equal(r.words, "the tables cannot be read, try "
		    "again later");
		stream_clear(&s.io);
		close(far[1]);
		buf_clear(&s.env.local);
	}
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tables_gone),
	};
	int r;

	memset(long_name, 'x', sizeof(long_name) - 1);
	memset(full_name, 'x', sizeof(full_name) - 1);
	fake_begin();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_end();
	return r;
}
