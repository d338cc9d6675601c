/*
 * What one session keeps, counts and forgets: logins, envelopes, commands
 * without progress, and time, on a clock that goes where it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/base/clock.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_body.h"
#include "smtpd/smtpd_local.h"
#include "smtpd/smtpd_reply.h"
#include "tests/smtpd/fake.h"

static _Atomic int64_t time_now = 1000000;	/* ms */
static _Atomic int waiting;	/* polls that have a time */
int64_t	__wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return time_now;
}

/* A wait ends by that clock too, and not because this machine is slow: none
   lasts a minute. */
int	__real_poll(struct pollfd *p, nfds_t n, int ms);
int	__wrap_poll(struct pollfd *p, nfds_t n, int ms);

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	int64_t end = time_now + ms;
	int i, r = 0;

	if (ms <= 0)
		return __real_poll(p, n, ms);
	waiting++;
	for (i = 0; i < 20000; i++)
		if ((r = __real_poll(p, n, 3)) != 0 || time_now >= end)
			break;
	waiting--;
	if (i == 20000) {
		fprintf(stderr, "a wait of %d ms does not end\n", ms);
		abort();
	}
	return r;
}

/* The close of a regular file fails. */
static _Atomic int close_fails;
int	__real_close(int fd);
int	__wrap_close(int fd);

int
__wrap_close(int fd)
{
	struct stat st;
	int is_file = close_fails && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode), r = __real_close(fd);

	if (!is_file)
		return r;
	errno = EIO;
	return -1;
}

/* The last reply is waited for, so that what was not read does not undo it. */
static _Atomic int lingers;
void	__real_stream_linger(struct stream *s, int64_t ms, size_t max);
void	__wrap_stream_linger(struct stream *s, int64_t ms, size_t max);

void
__wrap_stream_linger(struct stream *s, int64_t ms, size_t max)
{
	lingers++;
	__real_stream_linger(s, ms, max);
}

/* The session's wait has begun before, so it is one of the time from then. */
static void
pass_time(int64_t seconds)
{
	int i;

	for (i = 0; i < 2000 && waiting == 0; i++)
		usleep(5000);
	assert_true(i < 2000);
	time_now += seconds * 1000;
}

/* Until the session waits again: what was said before is worked through. */
static void
settle(unsigned before)
{
	unsigned n;
	int i;

	for (i = 0; i < 2000; i++) {
		(void)fake_waits(&n);
		if (n != before)
			return;
		usleep(5000);
	}
	fail_msg("the session does not wait");
}

static void
say_and_settle(const char *text)
{
	unsigned n;

	(void)fake_waits(&n);
	fake_say(text);
	fake_flush();
	settle(n);
}

/* 128 octets of short lines, without a dot. */
static const char text[] = "0123456789abcd\r\n0123456789abcd\r\n"
    "0123456789abcd\r\n0123456789abcd\r\n0123456789abcd\r\n"
    "0123456789abcd\r\n0123456789abcd\r\n0123456789abcd\r\n";

/* Says a command of one line; what comes back begins with want. */
static void
ask(const char *line, const char *want)
{
	fake_say(line);
	fake_say("\r\n");
	fake_expect(want);
}

static void
ask_times(unsigned n, const char *line, const char *want)
{
	while (n-- > 0)
		ask(line, want);
}

static void
hello(enum service service)
{
	fake_worker(FAKE_GOOD);
	fake_talk(service);
	if (service == SERVICE_SUBMISSIONS)
		fake_say_tls();
	fake_expect("220");
	ask("HELO x", "250");
}

static void
end(void)
{
	ask("QUIT", "221");
	fake_end_talk();
}

static const char login[] = "AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldA==";

static void
ask_plain(const char *message, size_t len, const char *want)
{
	struct buf b = BUF_INIT(0);

	buf_puts(&b, "AUTH PLAIN ");
	base64_encode(&b, message, len);
	ask(buf_str(&b), want);
	buf_clear(&b);
}

/* Each verdict of auth has its reply; what no account can be is not asked. */
static void
test_verdicts(void **state)
{
	static const struct {
		const char *message, *want;
		size_t len;
		unsigned asked;
	} t[] = {
#define ROW(s, w, n)	{ s, w, sizeof(s) - 1, n }
		ROW("\0bad\0x", "535 5.7.8", 1),
		ROW("\0limit\0x", "454 4.7.0 too many", 1),
		ROW("\0off\0x", "535 5.7.1 submission is switched off", 1),
		ROW("\0later\0x", "454 4.7.0 try again", 1),
		ROW("\0\0x", "535 5.7.8", 0),
		ROW("\0a\nb\0x", "535 5.7.8", 0),
		ROW("\0anna@example.test\0secre", "535 5.7.8", 1),
		ROW("\0anna@example.test\0secrets", "535 5.7.8", 1),
		ROW("anna@example.test\0anna@example.test\0secret",
		    "235 2.7.0", 1),
		ROW("Anna@EXAMPLE.test\0anna@example.test\0secret",
		    "235 2.7.0", 1),
		ROW("ANNA\0anna@example.test\0secret", "235 2.7.0", 1),
		ROW("anna@example.test\0anna\0x", "535 5.7.8", 1),
		/* to act for another */
		ROW("anna@other.test\0anna@example.test\0secret",
		    "501 5.5.2", 0),
		ROW("ann\0anna@example.test\0secret", "501 5.5.2", 0),
		ROW("anna@example.tes\0anna@example.test\0secret",
		    "501 5.5.2", 0),
		ROW("anna@example.tesx\0anna@example.test\0secret",
		    "501 5.5.2", 0),
		ROW("anna@example.testx\0anna@example.test\0secret",
		    "501 5.5.2", 0),
		ROW("anna@example.test\0secret", "501 5.5.2", 0),
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		hello(SERVICE_SUBMISSIONS);
		ask_plain(t[i].message, t[i].len, t[i].want);
		if (fake_question()->n != t[i].asked)
			fail_msg("%zu: asked %u times", i, fake_question()->n);
		end();
	}
	/* "=" is an empty response, and no name. */
	hello(SERVICE_SUBMISSIONS);
	ask("AUTH LOGIN =", "334 UGFzc3dvcmQ6");
	ask("eA==", "535 5.7.8");
	ask("AUTH LOGIN eA==", "334 UGFzc3dvcmQ6");
	ask("=", "535 5.7.8");
	end();
}

static void
test_question(void **state)
{
	const struct fake_question *q = fake_question();

	hello(SERVICE_SUBMISSIONS);
	ask(login, "235");
	assert_int_equal(q->n, 1);
	assert_int_equal(q->service, SERVICE_SUBMISSIONS);
	assert_string_equal(q->user, "anna@example.test");
	assert_string_equal(q->password, "secret");
	assert_string_equal(q->remote, "[2001:db8::9]:4711");
	assert_int_equal(strncmp(q->tls, "TLSv1.3 ", 8), 0);
	end();
}

/* A login is the connection's: it ends with it. */
static void
test_login_ends(void **state)
{
	hello(SERVICE_SUBMISSIONS);
	ask(login, "235");
	ask("MAIL FROM:<anna@example.test>", "250");
	end();
	fake_talk(SERVICE_SUBMISSIONS);
	fake_say_tls();
	fake_expect("220");
	ask("HELO x", "250");
	ask("MAIL FROM:<anna@example.test>", "530 5.7.0");
	end();
}

static void
test_auth_tries(void **state)
{
	hello(SERVICE_SUBMISSIONS);
	ask_plain("\0bad\0x", 6, "535");
	ask_plain("\0later\0x", 8, "454");
	ask_plain("\0limit\0x", 8, "454");
	fake_expect("421 4.7.0");
	fake_end_talk();
}

static void
test_envelope(void **state)
{
	const struct fake_message *m;
	size_t n;

	hello(SERVICE_SUBMISSIONS);
	ask(login, "235");
	ask("MAIL FROM:<anna@example.test>", "250");
	ask("RCPT TO:<bert@example.test>", "250");
	ask("RCPT TO:<eve@remote.test>", "250");
	ask("RCPT TO:<bert@example.test>", "250");
	ask("DATA", "354");
	ask("Message-ID: <1@example.test>\r\n\r\n\xe4\r\n.", "250");
	ask("MAIL FROM:<>", "250");
	ask("RCPT TO:<bert@example.test>", "250");
	ask("DATA", "354");
	ask("Subject: x\r\n\r\n.", "250");
	end();
	m = fake_messages(&n);
	assert_int_equal(n, 2);
	assert_string_equal(m[0].sender, "anna@example.test");
	assert_string_equal(m[0].login, "anna@example.test");
	assert_string_equal(m[0].client, "x [2001:db8::9]");
	assert_string_equal(m[0].message_id, "<1@example.test>");
	assert_int_equal(m[0].origin, SERVICE_SUBMISSIONS);
	assert_int_equal(m[0].recipients, 2);
	assert_int_equal(m[0].flags, Q_8BIT);
	/* Nothing of it is the next one's. */
	assert_string_equal(m[1].sender, "");
	assert_int_equal(strncmp(m[1].message_id, "<0", 2), 0);
	assert_int_equal(m[1].recipients, 1);
	assert_int_equal(m[1].flags, 0);
}

/* The declared size counts against quotas, and for one transaction. */
static void
test_declared_size(void **state)
{
	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test> SIZE=1001", "250");
	ask("RCPT TO:<small@example.test>", "552 5.2.3");
	ask("RSET", "250");
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<small@example.test>", "250");
	end();
}

/* One message; answer is that to its dot. */
static void
send_marked(const char *const *to, size_t n, const char *header,
    const char *answer)
{
	char line[500];
	size_t i;

	ask("MAIL FROM:<eve@remote.test>", "250");
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<%s>", to[i]);
		ask(line, "250");
	}
	ask("DATA", "354");
	snprintf(line, sizeof(line), "%sSubject: x\r\n\r\n.", header);
	ask(line, answer);
}

/*
 * What was delivered to all recipients of this transaction before is a loop,
 * where this host says so; deliver refuses one among several.
 */
static void
test_loop(void **state)
{
#define OURS	"Received: from x by mx.example.test (Rohrpost) id 1\r\n"
	static const char anna[] = "Delivered-To: anna@example.test\r\n" OURS,
	    both[] = "Delivered-To: bert@example.test\r\n" OURS
	    "Delivered-To: anna@example.test\r\n" OURS,
	    foreign[] = "Delivered-To: anna@example.test\r\n"
	    "Received: from x by old-provider.test\r\n",
	    eve[] = "Delivered-To: eve@remote.test\r\n" OURS;
	static const char *const to[] = { "anna@example.test",
		"bert@example.test" };
	char data[200];

	hello(SERVICE_SMTP);
	send_marked(to, 1, anna, "554 5.4.6");
	send_marked(to + 1, 1, anna, "250 2.0.0");
	send_marked(to, 2, anna, "250 2.0.0");
	send_marked(to, 2, both, "554 5.4.6");
	send_marked(to, 1, foreign, "250 2.0.0");
	end();
	/* Another host's recipient is no recipient of ours. */
	hello(SERVICE_LOCAL);
	ask("MAIL FROM:<>", "250");
	ask("RCPT TO:<eve@remote.test>", "250");
	ask("DATA", "354");
	snprintf(data, sizeof(data), "%s\r\n.", eve);
	ask(data, "250");
	ask("MAIL FROM:<>", "250");
	ask("RCPT TO:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	snprintf(data, sizeof(data), "%s\r\n.", anna);
	ask(data, "250");
	end();
#undef OURS
}

/*
 * Each message has recipients that are gone: that is no attack. But a message
 * now and then buys no guesses without end.
 */
static void
test_errors_fall(void **state)
{
	size_t i;

	smtpd.conf.errors = 4;
	hello(SERVICE_SMTP);
	for (i = 0; i < 10; i++) {
		ask("MAIL FROM:<eve@remote.test>", "250");
		ask_times(2, "RCPT TO:<nobody@example.test>", "550");
		ask("RCPT TO:<anna@example.test>", "250");
		ask("DATA", "354");
		ask("x\r\n.", "250");
	}
	ask_times(2, "NONSENSE", "500");
	ask("NONSENSE", "500");
	fake_expect("421 4.7.0");
	fake_end_talk();

	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask_times(3, "RCPT TO:<nobody@example.test>", "550");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	ask("x\r\n.", "250");
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask_times(3, "RCPT TO:<nobody@example.test>", "550");
	fake_expect("421 4.7.0");
	fake_end_talk();
	smtpd.conf.errors = 20;
}

/* Commands that bring no mail forward; a login and a message clear them. */
static void
test_junk(void **state)
{
	smtpd.conf.junk = 12;
	hello(SERVICE_SUBMISSIONS);		/* 1 */
	ask_times(9, "NOOP", "250");		/* 10 */
	ask(login, "235");
	ask_times(11, "NOOP", "250");
	ask("MAIL FROM:<anna@example.test>", "250");
	ask("RCPT TO:<bert@example.test>", "250");
	ask("DATA", "354");
	ask("Subject: x\r\n\r\n.", "250");
	ask_times(11, "NOOP", "250");
	ask("NOOP", "250");
	fake_expect("421 4.7.0");
	fake_end_talk();

	/* Each kind of them, and what is put off. */
	hello(SERVICE_SMTP);			/* 1 */
	ask("RSET", "250");
	ask("VRFY x", "252");
	ask("HELP", "214-");
	fake_expect("214");
	ask("EXPN x", "502");			/* 5 */
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask_times(6, "RCPT TO:<full@example.test>", "452 4.2.2"); /* 11 */
	ask("HELO y", "250");
	fake_expect("421 4.7.0");
	fake_end_talk();
	smtpd.conf.junk = 100;
}

static void
test_errors(void **state)
{
	smtpd.conf.errors = 3;
	hello(SERVICE_SMTP);
	ask("X", "500");
	ask("RCPT TO:<x@example.test>", "503");
	ask("MAIL FROM:<x", "501");
	fake_expect("421 4.7.0");
	fake_end_talk();
	smtpd.conf.errors = 20;
}

/*
 * RFC 5321 4.5.3.1.10: who has too many recipients goes on with those that
 * were taken, and is not counted for trying the rest, once over.
 */
static void
test_recipients(void **state)
{
	char line[100];
	unsigned i;

	smtpd.conf.junk = 10;
	hello(SERVICE_LOCAL);
	ask("MAIL FROM:<>", "250");
	for (i = 0; i < 2 * RECIPIENTS_MAX; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<u%u@remote.test>", i);
		ask(line, i < RECIPIENTS_MAX ? "250" : "452 4.5.3");
	}
	ask("RCPT TO:<u7@remote.test>", "250");
	ask_times(8, "RCPT TO:<more@remote.test>", "452 4.5.3");
	ask("DATA", "354");
	ask("Subject: x\r\n\r\n.", "250");
	assert_int_equal(fake_messages(&(size_t){ 0 })->recipients,
	    RECIPIENTS_MAX);
	/* The next transaction has as many. */
	ask("MAIL FROM:<>", "250");
	for (i = 0; i < 2 * RECIPIENTS_MAX; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<u%u@remote.test>", i);
		ask(line, i < RECIPIENTS_MAX ? "250" : "452 4.5.3");
	}
	/* What is beyond that counts, to the last. */
	ask_times(10, "RCPT TO:<more@remote.test>",
	    "452 4.5.3 too many recipients");
	fake_expect("421 4.7.0 too many commands, bye");
	fake_end_talk();
	smtpd.conf.junk = 100;
}

/* Mail for system users is postmaster's, who gets it once. */
static void
test_postmaster(void **state)
{
	size_t n;

	fake_passwd("root:x:0:0::/:\ncarl:x:64000:64000::/:\n");
	fake_read_passwd();
	hello(SERVICE_LOCAL);
	ask("MAIL FROM:<>", "250");
	ask("RCPT TO:<root@mx.example.test>", "250 2.1.5");
	ask("RCPT TO:<carl@mx.example.test>", "250 2.1.5");
	ask("RCPT TO:<Carl@mx.example.test>", "250 2.1.5");
	ask("DATA", "354");
	ask("Subject: x\r\n\r\n.", "250");
	assert_int_equal(fake_messages(&n)->recipients, 1);
	end();
}

/* HELO begins anew; so does TLS, which forgets the name too. */
static void
test_hello_again(void **state)
{
	size_t n;

	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("HELO y", "250");
	ask("DATA", "503 5.5.1");
	ask("RCPT TO:<anna@example.test>", "503");
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<bert@example.test>", "250");
	ask("DATA", "354");
	ask(".", "250");
	assert_int_equal(fake_messages(&n)->recipients, 1);
	ask("STARTTLS", "220");
	fake_say_tls();
	ask("MAIL FROM:<eve@remote.test>", "503 5.5.1 say EHLO");
	ask("HELO z", "250");
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	ask(".", "250");
	end();
	assert_non_null(strstr(fake_messages(&n)[1].data,
	    "Received: from z ([IPv6:2001:db8::9])\r\n\tby mx.example.test "
	    "(Rohrpost) with SMTP id "));
}

/* Who did not wait for a 354 that does not come talks no commands. */
static void
test_refused_data(void **state)
{
	static const enum fake_mode modes[] = { FAKE_FULL, FAKE_AWAY };
	size_t i;

	for (i = 0; i < 2; i++) {
		fake_worker(modes[i]);
		fake_talk(SERVICE_LOCAL);
		fake_expect("220");
		ask("HELO x", "250");
		ask("MAIL FROM:<>", "250");
		ask("RCPT TO:<anna@example.test>", "250");
		fake_say("DATA\r\nRSET\r\nMAIL FROM:<evil@remote.test>\r\n");
		fake_expect(i == 0 ? "452 4.3.1" : "451 4.3.0");
		fake_expect_end();
		fake_end_talk();
	}
}

/* Who does not wait for the 354: closed on port 25, elsewhere taken. */
static void
test_early_data(void **state)
{
	static const struct {
		enum service service;
		int	 taken;
	} t[] = {
		{ SERVICE_SMTP, 0 }, { SERVICE_LOCAL, 1 },
		{ SERVICE_SUBMISSIONS, 1 },
	};
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		hello(t[i].service);
		if (t[i].service == SERVICE_SUBMISSIONS)
			ask(login, "235");
		ask(t[i].service == SERVICE_SUBMISSIONS ?
		    "MAIL FROM:<anna@example.test>" : "MAIL FROM:<>", "250");
		ask("RCPT TO:<anna@example.test>", "250");
		fake_say("DATA\r\nSubject: x\r\n\r\n.\r\n");
		if (t[i].taken) {
			fake_expect("354");
			fake_expect("250 2.0.0");
			end();
		} else {
			fake_expect("554 5.5.0 wait for 354");
			fake_expect_end();
			fake_end_talk();
		}
		fake_messages(&n);
		assert_int_equal(n, t[i].taken);
	}
}

/* Who is whose mailbox is looked at once for each transaction. */
static void
test_tables_change(void **state)
{
	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<new@example.test>", "550 5.1.1");
	fake_add_account("new@example.test");
	ask("RCPT TO:<new@example.test>", "550 5.1.1");
	ask("RSET", "250");
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<new@example.test>", "250");
	end();
}

/* "VERB xxx" of so many octets. */
static const char *
line_of(const char *verb, size_t len)
{
	static char line[AUTH_LINE_MAX + 2];

	memset(line, 'x', len);
	line[len] = '\0';
	memcpy(line, verb, strlen(verb));
	return line;
}

static void
test_line_lengths(void **state)
{
	hello(SERVICE_SUBMISSIONS);
	ask(line_of("NOOP ", COMMAND_LINE_MAX), "250");
	ask(line_of("NOOP ", COMMAND_LINE_MAX + 1), "500 5.5.2 line too long");
	ask(line_of("AUTH PLAIN ", COMMAND_LINE_MAX + 1), "501 5.5.2");
	ask(line_of("AUTH PLAIN ", AUTH_LINE_MAX), "501 5.5.2");
	ask(line_of("AUTH PLAIN ", AUTH_LINE_MAX + 1),
	    "500 5.5.2 line too long");
	end();
}

/* The first reason is the one that is said. */
static void
test_first_reason(void **state)
{
	unsigned i;

	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	fake_say("\r\nbare\nlf\r\n");
	for (i = 0; i < 700 * 1024 / 128; i++)
		fake_say(text);
	ask(".", "550 5.5.2");
	end();
}

/* A line of a message has a bound of its own. */
static void
test_long_data_line(void **state)
{
	uint64_t was = smtpd.conf.message_size;
	int i, more;

	smtpd.conf.message_size = 4 * DATA_LINE_MAX;
	hello(SERVICE_SMTP);
	for (more = 0; more < 2; more++) {
		ask("MAIL FROM:<eve@remote.test>", "250");
		ask("RCPT TO:<anna@example.test>", "250");
		ask("DATA", "354");
		fake_say("\r\n");
		for (i = 0; i < DATA_LINE_MAX / 16; i++)
			fake_say("0123456789abcdef");
		ask(more ? "x\r\n." : "\r\n.", more ? "550 5.6.0" : "250");
	}
	end();
	smtpd.conf.message_size = was;
}

/* A file that cannot be closed may not be on the disk. */
static void
test_close_fails(void **state)
{
	size_t n;

	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	close_fails = 1;
	ask("Subject: x\r\n\r\n.", "451 4.3.0");
	close_fails = 0;
	fake_end_talk();
	assert_int_equal(fake_retired(), 1);
	(void)fake_messages(&n);
	assert_int_equal(n, 0);
}

/* The operator ends a login while its message is being taken. */
static void
test_kicked_at_work(void **state)
{
	fake_worker(FAKE_KICKS);
	fake_talk(SERVICE_SUBMISSIONS);
	fake_say_tls();
	fake_expect("220");
	ask("HELO x", "250");
	ask(login, "235");
	ask("MAIL FROM:<anna@example.test>", "250");
	ask("RCPT TO:<bert@example.test>", "250");
	ask("DATA", "354");
	ask("Subject: x\r\n\r\n.", "250");
	fake_expect("421 4.7.0 your login has ended");
	fake_end_talk();
}

/* Each line of a dialogue has the time of a command. */
static void
test_time_of_a_login(void **state)
{
	smtpd.conf.command_time = 300;
	hello(SERVICE_SUBMISSIONS);
	pass_time(200);
	ask("AUTH LOGIN", "334");
	pass_time(200);
	ask("YW5uYUBleGFtcGxlLnRlc3Q=", "334");
	pass_time(200);
	ask("c2VjcmV0", "235");
	pass_time(301);
	fake_expect("421 4.4.2");
	fake_end_talk();
}

/* Who says nothing after the greeting hears why he is closed. */
static void
test_silence(void **state)
{
	smtpd.conf.command_time = 300;
	fake_worker(FAKE_GOOD);
	fake_talk(SERVICE_SMTP);
	fake_expect("220");
	pass_time(301);
	fake_expect("421 4.4.2 nothing came in time, bye");
	fake_expect_end();
	fake_end_talk();
}

/* So many octets of a message, in lines. */
static void
say_octets(size_t n)
{
	for (; n >= sizeof(text) - 1; n -= sizeof(text) - 1)
		fake_say(text);
}

/* A message that is too big is read to its end, and the client may go on; but
   not what has no end: twice the bound, and he is closed. */
static void
test_too_big(void **state)
{
	const size_t most = 2 * (smtpd.conf.message_size + BODY_MEMORY);

	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	fake_say("\r\n");
	say_octets(most - 1000);
	ask(".", "552 5.3.4 the message is too big");
	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	fake_say("\r\n");
	say_octets(most + 100000);
	fake_flush();
	fake_expect("552 5.3.4 the message is too big");
	fake_end_talk();
}

/* Who is closed while he may still be sending gets the last reply all the
   same; who says QUIT, or was one too many, is not waited for. */
static void
test_linger(void **state)
{
	static const struct {
		const char *say, *want;
		int lingers;
	} row[] = {
		{ "QUIT\r\n", "221", 0 },
		{ "GET / HTTP/1.0\r\nHost: x\r\n", "554 5.5.1", 1 },
		{ "BDAT 1000 LAST\r\nxxx", "502 5.5.1", 1 },
		{ "STARTTLS\r\nMAIL FROM:<>\r\n", "554 5.5.1", 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		hello(SERVICE_SMTP);
		lingers = 0;
		fake_say(row[i].say);
		fake_expect(row[i].want);
		fake_end_talk();
		assert_int_equal(lingers, row[i].lingers);
	}
	hello(SERVICE_SMTP);
	smtpd.conf.errors = 1;
	ask("XYZ", "500");
	fake_expect("421 4.7.0 too many errors, bye");
	fake_end_talk();
	assert_int_equal(lingers, 2);
	smtpd.conf.errors = 20;
	lingers = 0;
	fake_worker(FAKE_GOOD);
	fake_crowded = 1;
	fake_talk(SERVICE_SMTP);
	fake_expect("421 4.7.0");
	fake_end_talk();
	assert_int_equal(lingers, 0);
	fake_crowded = 0;
}

/* One too many hears it in place of the greeting; but not before TLS, where
   there are no words. */
static void
test_crowded(void **state)
{
	fake_worker(FAKE_GOOD);
	fake_crowded = 1;
	fake_talk(SERVICE_SMTP);
	fake_expect("421 4.7.0 too many connections from your address");
	fake_expect_end();
	fake_end_talk();
	fake_talk(SERVICE_SUBMISSIONS);
	fake_expect_end();
	fake_end_talk();
	fake_crowded = 0;
}

/* A handshake has its own time, which is less. */
static void
test_time_of_tls(void **state)
{
	smtpd.conf.command_time = 300;
	hello(SERVICE_SMTP);
	ask("STARTTLS", "220");
	pass_time(TLS_TIME + 1);
	fake_expect_end();
	fake_end_talk();
}

static void
begin_data(void)
{
	unsigned n;

	ask("MAIL FROM:<eve@remote.test>", "250");
	ask("RCPT TO:<anna@example.test>", "250");
	(void)fake_waits(&n);
	ask("DATA", "354");
	settle(n);
}

/* Within a message each wait has its time, and the whole must keep a rate. */
static void
test_time_of_data(void **state)
{
	hello(SERVICE_SMTP);
	begin_data();
	pass_time(100);
	say_and_settle("Subject: x\r\n");
	pass_time(100);
	fake_expect("421 4.4.2");
	fake_end_talk();
	/* So many octets are worth as many seconds. */
	hello(SERVICE_SMTP);
	begin_data();
	pass_time(100);
	say_and_settle("\r\n");
	say_and_settle(text);
	pass_time(100);
	ask(".", "250");
	begin_data();
	pass_time(181);
	fake_expect("421 4.4.2");
	fake_end_talk();
	/* But no wait is longer, whatever came before. */
	hello(SERVICE_SMTP);
	begin_data();
	say_and_settle("\r\n");
	say_and_settle(text);
	pass_time(181);
	fake_expect("421 4.4.2");
	fake_end_talk();
}

/* Once master wants the end, silence within a message ends it soon. */
static void
test_time_of_a_stop(void **state)
{
	hello(SERVICE_SMTP);
	begin_data();
	fake_master("stop");
	fake_master_heard();
	say_and_settle("Subject: x\r\n");
	pass_time(SMTP_STOP_MS / 1000 + 1);
	fake_expect("421 4.3.2");
	fake_end_talk();
	/* The same between the commands of a transaction. */
	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	fake_master("stop");
	fake_master_heard();
	ask("RCPT TO:<anna@example.test>", "250");
	pass_time(SMTP_STOP_MS / 1000 + 1);
	fake_expect("421 4.3.2");
	fake_end_talk();
	/* Who goes on comes to the end of it. */
	hello(SERVICE_SMTP);
	ask("MAIL FROM:<eve@remote.test>", "250");
	fake_master("stop");
	fake_master_heard();
	ask("RCPT TO:<anna@example.test>", "250");
	ask("DATA", "354");
	ask("Subject: x\r\n\r\n.", "250");
	fake_expect("421 4.3.2");
	fake_end_talk();
}

static int64_t
waits(void)
{
	unsigned n;

	return fake_waits(&n);
}

/* Master hears since when a client has brought no mail forward. */
static void
test_progress(void **state)
{
	unsigned n;
	int64_t t;

	hello(SERVICE_SMTP);
	t = clock_mono_ms();
	pass_time(50);
	say_and_settle("NOOP\r\n");
	fake_expect("250");
	assert_int_equal(waits(), t);
	(void)fake_waits(&n);
	ask("MAIL FROM:<eve@remote.test>", "250");
	settle(n);
	assert_int_equal(waits(), t + 50000);
	ask("RCPT TO:<anna@example.test>", "250");
	(void)fake_waits(&n);
	ask("DATA", "354");
	settle(n);
	t = clock_mono_ms();
	/* A trickle is none. */
	pass_time(50);
	say_and_settle("Subject: x\r\n\r\n");
	assert_int_equal(waits(), t);
	/* What keeps the rate is. */
	say_and_settle(text);
	assert_int_equal(waits(), t + 50000);
	ask(".", "250");
	end();
}

/*
 * Who a uid is is what the password file says when he comes: a worker that read
 * another one says 421 and ends, and the next one knows him.
 */
static void
test_passwd_changes(void **state)
{
	fake_worker(FAKE_GOOD);
	fake_passwd("root:x:0:0::/:\nhans:x:64001:64001::/:\n");
	fake_talk(SERVICE_SMTP);
	fake_expect("220 ");
	fake_end_talk();
	assert_int_equal(fake_retired(), 0);
	fake_talk(SERVICE_LOCAL);
	fake_expect("421 4.3.2 ");
	fake_expect_end();
	fake_end_talk();
	assert_int_equal(fake_retired(), 1);
	fake_worker(FAKE_GOOD);
	fake_read_passwd();
	fake_talk(SERVICE_LOCAL);
	fake_expect("220 ");
	fake_end_talk();
	assert_int_equal(fake_retired(), 0);
	assert_true(smtpd_local_names("HANS", 4, 0));
	assert_false(smtpd_local_names("carl", 4, 0));
	assert_false(smtpd_local_names("han", 3, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_login_ends),
		cmocka_unit_test(test_auth_tries),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_declared_size),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_junk),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_passwd_changes),
		cmocka_unit_test(test_errors_fall),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_hello_again),
		cmocka_unit_test(test_refused_data),
		cmocka_unit_test(test_early_data),
		cmocka_unit_test(test_tables_change),
		cmocka_unit_test(test_line_lengths),
		cmocka_unit_test(test_first_reason),
		cmocka_unit_test(test_long_data_line),
		cmocka_unit_test(test_close_fails),
		cmocka_unit_test(test_kicked_at_work),
		cmocka_unit_test(test_time_of_a_login),
		cmocka_unit_test(test_time_of_tls),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_postmaster),
		cmocka_unit_test(test_time_of_data),
		cmocka_unit_test(test_time_of_a_stop),
		cmocka_unit_test(test_progress),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	fake_begin();
	smtpd.conf.command_time = 300;
	smtpd.conf.data_time = 180;
	smtpd.conf.data_rate = 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_end();
	return r;
}
