/*
 * The check stage by a check of its own, which says at one stage whatever a
 * test wants, before and behind the real rows; and what becomes of it in
 * replies, files and envelopes.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "lib/mail/header.h"
#include "lib/mail/notes.h"
#include "smtpd/smtpd_body.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_trace.h"
#include "tests/smtpd/fake.h"

static enum smtp_stage at;
static struct smtp_verdict verdict;
static unsigned asked[STAGES];
static struct buf shown = BUF_INIT(0);	/* as it will be served */
static const char *shrink;	/* the host's name from the end on */

static struct smtp_verdict
answer(struct smtp_case *c, enum smtp_stage stage)
{
	static const struct smtp_verdict pass = { .outcome = VERDICT_PASS };

	asked[stage]++;
	if (stage == STAGE_MAIL)
		buf_reset(&shown);
	if (stage == STAGE_HEADER)
		buf_append(&shown, c->added->data, c->added->len);
	if (stage == STAGE_HEADER || stage == STAGE_BODY)
		buf_append(&shown, c->text, c->len);
	if (stage == STAGE_END && shrink != NULL)
		smtpd.hostname = shrink;
	return stage == at ? verdict : pass;
}

#define HOOK(name, stage) \
	static struct smtp_verdict \
	name(struct smtp_session *s, struct smtp_case *c) \
	{ \
		return answer(c, stage); \
	}
HOOK(on_connect, STAGE_CONNECT)
HOOK(on_helo, STAGE_HELO)
HOOK(on_mail, STAGE_MAIL)
HOOK(on_rcpt, STAGE_RCPT)
HOOK(on_header, STAGE_HEADER)
HOOK(on_body, STAGE_BODY)
HOOK(on_end, STAGE_END)

/* Stands in for check_table.c. */
const struct smtp_check smtp_checks[] = {
	{ .name = "helo", .at = { [STAGE_HELO] = check_helo } },
	{ .name = "test", .at = { on_connect, on_helo, on_mail, on_rcpt,
	    on_header, on_body, on_end } },
	{ .name = "recipient", .at = { [STAGE_RCPT] = check_recipient } },
	{ .name = "header", .at = { [STAGE_HEADER] = check_header } },
	{ .name = NULL }
};

static void
begin(enum service service)
{
	fake_worker(FAKE_GOOD);
	memset(asked, 0, sizeof(asked));
	fake_talk(service);
}

static void
end(void)
{
	fake_say("QUIT\r\n");
	fake_end_talk();
}

static void
envelope(void)
{
	fake_say("MAIL FROM:<eve@remote.test>\r\nRCPT TO:<anna@example.test>\r\n"
	    "DATA\r\n");
	fake_expect("250");
	fake_expect("250");
	fake_expect("354");
}

/* About so many octets of text. */
static void
lines(size_t size)
{
	size_t n;

	for (n = 0; n < size; n += 50)
		fake_say("0123456789012345678901234567890123456789abcdefgh"
		    "\r\n");
}

/* A body of about so many octets, and the end. */
static void
body(size_t size)
{
	lines(size);
	fake_say(".\r\n");
}

static void
send_all(size_t size)
{
	envelope();
	fake_say("Subject: test\r\n\r\n");
	body(size);
}

static const struct fake_message *
last_message(size_t count)
{
	const struct fake_message *m;
	size_t n;

	m = fake_messages(&n);
	assert_int_equal(n, count);
	assert_true(m[n - 1].crc_ok);
	return &m[n - 1];
}

/* The reply that the verdict at `at` has to lead to; then all goes again. */
static void
refused(const char *want, size_t size)
{
	begin(SERVICE_SMTP);
	if (at == STAGE_CONNECT) {
		fake_expect(want);
		end();
		return;
	}
	fake_expect("220");
	fake_say("HELO x\r\n");
	if (at == STAGE_HELO) {
		fake_expect(want);
		verdict.outcome = VERDICT_PASS;
		fake_say("HELO x\r\n");
	}
	fake_expect("250");
	if (at == STAGE_MAIL) {
		fake_say("MAIL FROM:<eve@remote.test>\r\n");
		fake_expect(want);
	} else if (at == STAGE_RCPT) {
		fake_say("MAIL FROM:<eve@remote.test>\r\n"
		    "RCPT TO:<anna@example.test>\r\nRSET\r\n");
		fake_expect("250");
		fake_expect(want);
		fake_expect("250");
	} else if (at != STAGE_HELO) {
		send_all(size);
		fake_expect(want);
	}
	verdict.outcome = VERDICT_PASS;
	send_all(100);
	fake_expect("250 2.0.0 queued");
	end();
	(void)last_message(1);
}

static void
test_refuse(void **state)
{
	static const struct smtp_verdict no = SMTP_REFUSE(550, "5.7.1",
	    "the test says no");
	static const size_t sizes[] = { 100, 700000 };
	size_t i;
	int stage;

	for (i = 0; i < 2; i++)
		for (stage = 0; stage < STAGES; stage++) {
			at = (enum smtp_stage)stage;
			verdict = no;
			refused("550 5.7.1 the test says no", sizes[i]);
		}
}

static void
test_later(void **state)
{
	static const struct smtp_verdict later = { VERDICT_LATER,
		{ 0, NULL, "the test cannot tell" }, NULL, NULL, NULL };
	int stage;

	for (stage = 0; stage < STAGES; stage++) {
		at = (enum smtp_stage)stage;
		verdict = later;
		refused(stage == STAGE_CONNECT ?
		    "421 4.3.0 the test cannot tell" :
		    "451 4.3.0 the test cannot tell", 100);
	}
}

/* The first refusal wins, and what stands behind it is not asked. */
static void
test_order(void **state)
{
	char name[HELO_MAX + 2] = "";
	static const struct smtp_verdict no = SMTP_REFUSE(550, "5.7.1",
	    "the test says no");

	at = STAGE_RCPT;
	verdict = no;
	begin(SERVICE_SMTP);
	fake_expect("220");
	memset(name, 'h', HELO_MAX + 1);
	fake_say("HELO ");
	fake_say(name);
	fake_say("\r\n");
	fake_expect("501 5.5.4");
	assert_int_equal(asked[STAGE_HELO], 0);
	fake_say("HELO x\r\nMAIL FROM:<eve@remote.test>\r\n"
	    "RCPT TO:<nobody@example.test>\r\n");
	fake_expect("250");
	fake_expect("250");
	fake_expect("550 5.7.1 the test says no");
	verdict.outcome = VERDICT_PASS;
	fake_say("RCPT TO:<nobody@example.test>\r\n");
	fake_expect("550 5.1.1");
	end();
	assert_int_equal(asked[STAGE_RCPT], 2);
}

static void
has_note(const struct fake_message *m, const char *want)
{
	const char *name, *value;
	size_t name_len, value_len;
	struct cursor c;

	cursor_init(&c, m->notes, m->notes_len);
	while (notes_next(&c, &name, &name_len, &value, &value_len))
		if (name_len == 4 && memcmp(name, "test", 4) == 0 &&
		    value_len == strlen(want) &&
		    memcmp(value, want, value_len) == 0)
			return;
	fail_msg("no note \"%s\"", want);
}

/* Trace, the note, then the octets that the checks saw, and nothing else. */
static void
look(const struct fake_message *m, const char *field)
{
	const char *p = strstr(m->data, "\r\nReceived: ");
	size_t head = m->len - shown.len;

	assert_true(m->len > shown.len);
	assert_memory_equal(m->data, "Return-Path: <", 14);
	assert_memory_equal(m->data + m->forward, "Delivered-To: ", 14);
	assert_memory_equal(m->data + m->final, "Received: ", 10);
	assert_memory_equal(m->data + head, shown.data, shown.len);
	assert_ptr_equal(p + 2, m->data + m->final);
	if (field != NULL) {
		assert_true(head > strlen(field));
		assert_memory_equal(m->data + head - strlen(field), field,
		    strlen(field));
	}
}

static const size_t note_sizes[] = { 100, 262144 - 50, 262144, 262144 + 200,
	700000, 1500000 };

static void
test_note(void **state)
{
	static const char field[] = "Authentication-Results: mx.example.test;"
	    "\r\n\ttest=pass\r\n";
	static const struct smtp_verdict note = { VERDICT_NOTE,
		{ 0, NULL, NULL }, "Authentication-Results",
		"mx.example.test;\r\n\ttest=pass", "pass" };
	const struct fake_message *m;
	size_t i;
	int stage;

	verdict = note;
	for (stage = 0; stage < STAGES; stage++)
		for (i = 0; i < sizeof(note_sizes) / sizeof(note_sizes[0]);
		    i++) {
			at = (enum smtp_stage)stage;
			begin(SERVICE_SMTP);
			fake_expect("220");
			fake_say("HELO x\r\n");
			fake_expect("250");
			send_all(note_sizes[i]);
			fake_expect("250 2.0.0 queued");
			end();
			m = last_message(1);
			/* It may be noted of each piece of the body. */
			look(m, field);
			has_note(m, "pass");
		}
}

/* A message of just that size, the end of data not counted. */
static void
send_exactly(size_t size)
{
	static const char head[] = "Subject: test\r\n\r\n";
	char rest[120];
	size_t n, left = size - (sizeof(head) - 1);

	envelope();
	fake_say(head);
	n = left / 50 > 0 ? (left / 50 - 1) * 50 : 0;
	if (n > 0)
		lines(n);
	memset(rest, 'x', sizeof(rest));
	memcpy(rest + (left - n) - 2, "\r\n", 3);
	fake_say(rest);
	fake_say(".\r\n");
}

/*
 * About the octets that memory holds, once and twice: with a note of the end
 * and without, on a file that a larger message was refused in.
 */
static void
test_exact_sizes(void **state)
{
	static const struct smtp_verdict
	    no = SMTP_REFUSE(550, "5.7.1", "the test says no"),
	    pass = { .outcome = VERDICT_PASS },
	    note = { VERDICT_NOTE, { 0, NULL, NULL }, "X-Test", "end", NULL };
	size_t i, size;

	at = STAGE_END;
	for (i = 0; i < 12; i++) {
		size = BODY_MEMORY * (i % 2 + 1) + i / 4 - 1;
		verdict = no;
		begin(SERVICE_SMTP);
		fake_expect("220");
		fake_say("HELO x\r\n");
		fake_expect("250");
		send_exactly(size + 100000);
		fake_expect("550 5.7.1");
		assert_int_equal(fake_file_size(), 0);
		verdict = i / 2 % 2 ? note : pass;
		send_exactly(size);
		fake_expect("250 2.0.0 queued");
		end();
		assert_int_equal(shown.len, size);
		look(last_message(1), i / 2 % 2 ? "X-Test: end\r\n" : NULL);
	}
}

static void
bound_files(rlim_t size)
{
	const struct rlimit r = { .rlim_cur = size, .rlim_max = RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/*
 * The disk has room for the message, but not for what is noted at its end:
 * refused for now, and the file is blank again.
 */
static void
test_full_at_end(void **state)
{
	static const struct smtp_verdict note = { VERDICT_NOTE,
		{ 0, NULL, NULL }, "X-Test", "0123456789", NULL };
	size_t i, len;

	at = STAGE_END;
	for (i = 0; i < sizeof(note_sizes) / sizeof(note_sizes[0]); i++) {
		verdict.outcome = VERDICT_PASS;
		begin(SERVICE_SMTP);
		fake_expect("220");
		fake_say("HELO x\r\n");
		fake_expect("250");
		send_all(note_sizes[i]);
		fake_expect("250 2.0.0 queued");
		len = fake_messages(&(size_t){ 0 })->len;
		verdict = note;
		bound_files(len + 15);
		send_all(note_sizes[i]);
		fake_expect("452 4.3.1");
		bound_files(RLIM_INFINITY);
		send_all(note_sizes[i]);
		fake_expect("250 2.0.0 queued");
		end();
		look(last_message(2), "X-Test: 0123456789\r\n");
		assert_int_equal(last_message(2)->len, len + 20);
		assert_int_equal(fake_retired(), 0);
	}
}

static int sync_fails;
int	__real_fd_sync(int fd);
int	__wrap_fd_sync(int fd);

int
__wrap_fd_sync(int fd)
{
	if (!sync_fails)
		return __real_fd_sync(fd);
	errno = EIO;
	return -1;
}

/* After a failed sync nothing is written there again: the worker ends. */
static void
test_sync_fails(void **state)
{
	static const struct smtp_verdict pass = { .outcome = VERDICT_PASS };
	size_t i, n;

	verdict = pass;
	for (i = 0; i < sizeof(note_sizes) / sizeof(note_sizes[0]); i++) {
		begin(SERVICE_SMTP);
		fake_expect("220");
		fake_say("HELO x\r\n");
		fake_expect("250");
		sync_fails = 1;
		send_all(note_sizes[i]);
		fake_expect("451 4.3.0");
		sync_fails = 0;
		end();
		assert_int_equal(fake_retired(), 1);
		(void)fake_messages(&n);
		assert_int_equal(n, 0);
	}
}

/* The client goes away within a large message: its file is blank again. */
static void
test_vanish(void **state)
{
	static const struct smtp_verdict pass = { .outcome = VERDICT_PASS };

	verdict = pass;
	begin(SERVICE_SMTP);
	fake_expect("220");
	fake_say("HELO x\r\n");
	fake_expect("250");
	envelope();
	fake_say("Subject: test\r\n\r\n");
	lines(700000);
	fake_end_talk();
	assert_int_equal(fake_file_size(), 0);
	fake_talk(SERVICE_SMTP);
	fake_expect("220");
	fake_say("HELO x\r\n");
	fake_expect("250");
	send_all(100);
	fake_expect("250 2.0.0 queued");
	end();
	look(last_message(1), NULL);
}

/* The head becomes shorter than the room that was left for it. */
static void
test_shrink(void **state)
{
	static const struct smtp_verdict pass = { .outcome = VERDICT_PASS };
	const char *host = smtpd.hostname;
	size_t i;

	verdict = pass;
	shrink = "mx.test";
	for (i = 0; i < sizeof(note_sizes) / sizeof(note_sizes[0]); i++) {
		smtpd.hostname = host;
		begin(SERVICE_SMTP);
		fake_expect("220");
		fake_say("HELO x\r\n");
		fake_expect("250");
		send_all(note_sizes[i]);
		fake_expect("250 2.0.0 queued");
		end();
		look(last_message(1), NULL);
		assert_non_null(strstr(last_message(1)->data,
		    "\tby mx.test "));
	}
	smtpd.hostname = host;
	shrink = NULL;
}

/* Submission changes the header: the checks see what will be served. */
static void
test_shown(void **state)
{
	static const char *const headers[] = {
		"Bcc: b@remote.test\r\nSubject: x\r\n\r\n",
		"Bcc: b@remote.test\r\n\r\n", "\r\n", "no header here\r\n"
		"Message-ID: <of@the.text>\r\nDate: in the text\r\n",
		"Date: Sun, 22 Nov 2026 02:43:37 +0000\r\nBcc: x@y.test\r\n"
		"Message-ID: <1@x.test>\r\n\r\n",
	};
	static const struct smtp_verdict pass = { .outcome = VERDICT_PASS };
	struct header_counts c;
	size_t i, k;

	verdict = pass;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		for (k = 0; k < 2; k++) {
			begin(SERVICE_LOCAL);
			fake_expect("220");
			fake_say("HELO x\r\n");
			fake_expect("250");
			envelope();
			fake_say(headers[i]);
			/* Text alone that is large looks like a header. */
			body(i == 3 ? 100 : k * 300000 + 100);
			fake_expect("250 2.0.0 queued");
			end();
			look(last_message(1), NULL);
			assert_null(strstr(last_message(1)->data, "Bcc:"));
			header_count(buf_str(&shown), shown.len, &c);
			assert_true(c.has_date && c.has_message_id &&
			    c.complete);
			assert_int_equal(asked[STAGE_HEADER], 1);
			assert_int_equal(asked[STAGE_END], 1);
			assert_int_equal(asked[STAGE_BODY],
			    i == 3 ? 1 : k + 1);
		}
}

/* Fields that would not stay one field, or are too much, are left out. */
static void
test_bad_notes(void **state)
{
	static char line[2000], much[NOTE_FIELDS_MAX + 100], folded[2100],
	    long_fold[2100], name[NOTE_FIELD_MAX + 2];
	const struct {
		const char *field, *value;
		int good;
		const char *result;
	} t[] = {
		{ "X-Test", "", 1 },
		{ "X-Test", "a", 1, "pass" },
		/* One that goes without its note would be half of it. */
		{ "X-Test", "a", 0, "pass\n" },
		{ "X-Test", "a", 0, line },
		{ "X-Test", "a\r\n b\r\n\tc", 1 },
		{ "X-Test", NULL, 0 },
		{ "", "x", 0 },
		{ "X Test", "x", 0 },
		{ "X:Test", "x", 0 },
		{ "X\r\nTest", "x", 0 },
		{ "X-Test", "a\r\nBcc: x", 0 },
		{ "X-Test", "a\r\n\r\nb", 0 },
		{ "X-Test", "a\nb", 0 },
		{ "X-Test", "a\n b", 0 },
		{ "X-Test", "a\rb", 0 },
		{ "X-Test", "a\r\n", 0 },
		{ "X-Test", "a\xffz", 0 },
		{ "X-Test", line, 0 },
		{ "X-Test", much, 0 },
		{ "X-Test", folded, 1 },
		{ "X-Test", long_fold, 0 },
		{ name + 1, "x", 1 },
		{ name, "x", 0 },
	};
	struct address a = { .len = 0 };
	struct smtp_case c = { .address = &a };
	struct buf fields = BUF_INIT(0);
	struct smtp_session s;
	size_t i;

	memset(line, 'x', sizeof(line) - 1);
	memset(name, 'x', sizeof(name) - 1);
	/* RFC 5322 2.1.1: 998 octets of each line. */
	snprintf(folded, sizeof(folded), "x\r\n %.997s\r\n\t%.997s", line,
	    line);
	snprintf(long_fold, sizeof(long_fold), "x\r\n %.998s", line);
	for (i = 0; i + 4 < sizeof(much); i += 4)
		memcpy(much + i, "x\r\n ", 5);
	memset(&s, 0, sizeof(s));
	at = STAGE_MAIL;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		verdict = (struct smtp_verdict){ .outcome = VERDICT_NOTE,
		    .field = t[i].field, .value = t[i].value,
		    .result = t[i].result };
		assert_int_equal(smtp_check(&s, STAGE_MAIL, &c).code, 0);
		buf_reset(&fields);
		smtp_check_fields(&s, &fields);
		if ((fields.len > 0) != t[i].good)
			fail_msg("%zu: \"%.100s\"", i, buf_str(&fields));
		smtp_reset(&s);
	}
	buf_clear(&fields);
	buf_clear(&s.notes[SCOPE_TRANSACTION].fields);
	buf_clear(&s.notes[SCOPE_TRANSACTION].packed);
}

static void
note(struct smtp_session *s, enum smtp_stage stage, const char *result)
{
	struct address a = { .text = "anna@example.test", .len = 17, .at = 4 };
	struct smtp_case c = { .text = "x", .len = 1, .address = &a };

	at = stage;
	verdict = (struct smtp_verdict){ .outcome = VERDICT_NOTE,
	    .result = result };
	assert_int_equal(smtp_check(s, stage, &c).code, 0);
}

/* The values of all notes, in order. */
static const char *
notes(const struct smtp_session *s)
{
	static char text[200];
	struct buf b = BUF_INIT(NOTES_MAX);
	const char *name, *value;
	size_t name_len, value_len;
	struct cursor c;

	text[0] = '\0';
	smtp_check_notes(s, &b);
	cursor_init(&c, b.data, b.len);
	while (notes_next(&c, &name, &name_len, &value, &value_len))
		strncat(text, value, value_len);
	buf_clear(&b);
	return text;
}

static void
test_scopes(void **state)
{
	struct smtp_session s;
	unsigned i;

	memset(&s, 0, sizeof(s));
	s.state = SMTP_HELLO;
	note(&s, STAGE_CONNECT, "c");
	note(&s, STAGE_HELO, "h");
	note(&s, STAGE_MAIL, "m");
	note(&s, STAGE_RCPT, "r");
	note(&s, STAGE_RCPT, "r");
	assert_string_equal(notes(&s), "chmrr");
	smtp_reset(&s);
	assert_string_equal(notes(&s), "ch");
	/* An EHLO that is refused leaves what the one before has noted. */
	at = STAGE_HELO;
	verdict = (struct smtp_verdict)SMTP_REFUSE(550, "5.7.1", "no");
	assert_int_equal(smtp_check(&s, STAGE_HELO, &(struct smtp_case){
	    .text = "x", .len = 1 }).code, 550);
	assert_string_equal(notes(&s), "ch");
	note(&s, STAGE_HELO, "H");
	note(&s, STAGE_END, "e");
	assert_string_equal(notes(&s), "cHe");
	note(&s, STAGE_HELO, NULL);
	assert_string_equal(notes(&s), "ce");
	/* More than an envelope holds: what fits. */
	for (i = 0; i < 2 * NOTES_COUNT; i++)
		note(&s, STAGE_RCPT, "r");
	assert_true(strlen(notes(&s)) <= NOTES_COUNT);
	for (i = 0; i < SCOPES; i++) {
		buf_clear(&s.notes[i].fields);
		buf_clear(&s.notes[i].packed);
	}
}

/* A field and its note stand together, or neither does, to the last. */
static void
test_too_many(void **state)
{
	struct address a = { .text = "anna@example.test", .len = 17, .at = 4 };
	struct smtp_case c = { .address = &a };
	struct smtp_notes *n;
	struct smtp_session s;
	size_t field = 0, packed = 0;
	unsigned i;

	memset(&s, 0, sizeof(s));
	n = &s.notes[SCOPE_TRANSACTION];
	at = STAGE_RCPT;
	verdict = (struct smtp_verdict){ .outcome = VERDICT_NOTE,
	    .field = "X-Test", .value = "a", .result = "r" };
	for (i = 1; i <= 2000; i++) {
		assert_int_equal(smtp_check(&s, STAGE_RCPT, &c).code, 0);
		if (i == 1) {
			field = n->fields.len;
			packed = n->packed.len;
		}
		assert_int_equal(n->fields.len / field,
		    n->packed.len / packed);
		assert_int_equal(n->fields.len % field, 0);
		assert_int_equal(n->packed.len % packed, 0);
	}
	assert_true(n->packed.len > NOTES_MAX - packed);
	buf_clear(&n->fields);
	buf_clear(&n->packed);
}

/* Of the Message-ID the log and the envelope have as much as they take. */
static void
test_message_id(void **state)
{
	char id[MESSAGE_ID_MAX + 3], out[MESSAGE_ID_MAX + 2];
	struct header_counts c = { .has_message_id = 1 };
	size_t len;

	for (len = MESSAGE_ID_MAX - 1; len <= MESSAGE_ID_MAX + 2; len++) {
		memset(id, 'x', len);
		id[0] = '<';
		id[len - 1] = '>';
		c.message_id.value = id;
		c.message_id.value_len = len;
		memset(out, '#', sizeof(out));
		trace_message_id(&c, "id", 0, out);
		out[MESSAGE_ID_MAX + 1] = '\0';
		assert_int_equal(strlen(out), len < MESSAGE_ID_MAX ? len :
		    MESSAGE_ID_MAX);
		assert_memory_equal(out, id, strlen(out));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_id),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_exact_sizes),
		cmocka_unit_test(test_full_at_end),
		cmocka_unit_test(test_sync_fails),
		cmocka_unit_test(test_vanish),
		cmocka_unit_test(test_shrink),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_bad_notes),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_too_many),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fake_begin();
	smtpd.conf.message_size = 4 << 20;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_end();
	buf_clear(&shown);
	return r;
}
