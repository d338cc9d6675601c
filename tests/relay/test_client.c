/*
 * The client's side of SMTP against a scripted server, mostly a hostile one.
 *
 * A script is a list of steps: "<text" expects a line that begins so (or, "<."
 * alone, reads up to the final dot), ">text" says a line, "~N text" says text
 * N times without an end of line, "." reads the data, "7" reads it in 7 bits,
 * "!" closes, "#" says nothing and waits for the client to go.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "relay/relay_client.h"
#include "relay/relay_connect.h"
#include "relay/relay_transaction.h"

static int no_connect;		/* what is wrong with any connection, or 0 */

int	__real_connect(int fd, const struct sockaddr *sa, socklen_t len);
int	__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);

int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	if (no_connect == 0)
		return __real_connect(fd, sa, len);
	errno = no_connect;
	return -1;
}

static const struct client_times quick = {
	.connect = 300, .greeting = 300, .command = 300, .data = 300,
	.block = 300, .dot = 300, .quit = 100, .session = 900, .rate = 8000,
};

enum { LATER = RESULT_LATER, NEVER = RESULT_NEVER, OK = RESULT_DELIVERED };

#define HELLO ">220 mx ready", "<EHLO us.test", ">250-mx", \
	">250-PIPELINING", ">250-SIZE 1000", ">250 8BITMIME"
#define PLAIN ">220 mx ready", "<EHLO us.test", ">250 mx"
#define ENVELOPE "<MAIL FROM:<a@us.test>", "<RCPT TO:<one@far.test>", \
	"<RCPT TO:<two@far.test>", "<DATA"

static const struct row {
	const char *name;
	const char *script[24];
	int	 greet;			/* outcome of client_greet */
	int	 run;			/* of transaction_run */
	int	 one, two;		/* of the recipients */
	const char *words;		/* part of those of the first */
	int	 dead;
} rows[] = {
	{ "all well", { HELLO, ENVELOPE, ">250 ok", ">250 ok", ">250 ok",
	  ">354 go", ".", ">250 2.0.0 taken" }, OK, OK, OK, OK,
	  "2.0.0 mx said: 250 2.0.0 taken", 0 },
	{ "SIZE and BODY", { HELLO, "<MAIL FROM:<a@us.test> SIZE=34 "
	  "BODY=8BITMIME", "<RCPT TO:<one", "<RCPT TO:<two", "<DATA",
	  ">250 ok", ">250 ok", ">250 ok", ">354 go", ".", ">250 x" }, OK, OK,
	  OK, OK, "2.0.0", 0 },
	{ "without PIPELINING", { PLAIN, "<MAIL FROM:<a@us.test>", ">250 ok",
	  "<RCPT TO:<one@far.test>", ">250 ok", "<RCPT TO:<two@far.test>",
	  ">550 5.1.1 no two", "<DATA", ">354 go", "7", ">250 ok" }, OK, OK,
	  OK, NEVER, "2.0.0", 0 },
	{ "HELO", { ">220 old", "<EHLO us.test", ">500 what",
	  "<HELO us.test", ">250 hi", "<MAIL FROM:<a@us.test>\r", ">250 ok",
	  "<RCPT TO:<one@far.test>", ">250 ok", "<RCPT TO:<two@far.test>",
	  ">250 ok", "<DATA", ">354 go", "7", ">250 ok" }, OK, OK, OK, OK,
	  "2.0.0", 0 },
	{ "one is refused", { HELLO, ENVELOPE, ">250 ok", ">550 5.1.1 no one",
	  ">250 ok", ">354 go", ".", ">250 ok" }, OK, OK, NEVER, OK,
	  "5.1.1 mx said: 550 5.1.1 no one", 0 },
	{ "one is deferred", { HELLO, ENVELOPE, ">250 ok", ">450 4.2.1 busy",
	  ">250 ok", ">354 go", ".", ">250 ok" }, OK, OK, LATER, OK, "4.2.1",
	  0 },
	{ "all are refused, DATA too", { HELLO, ENVELOPE, ">250 ok",
	  ">550 no", ">550 no", ">554 no recipients" }, OK, OK, NEVER, NEVER,
	  "5.0.0", 0 },
	{ "all are refused, 354 all the same", { HELLO, ENVELOPE, ">250 ok",
	  ">550 no", ">550 no", ">354 go", "<.\r", ">554 nothing" }, OK, OK,
	  NEVER, NEVER, "5.0.0", 0 },
	{ "the sender is refused", { HELLO, ENVELOPE, ">553 5.1.8 you",
	  ">503 no", ">503 no", ">503 no" }, OK, OK, NEVER, NEVER, "5.1.8",
	  0 },
	{ "the sender is refused stepwise", { PLAIN, "<MAIL", ">451 4.7.1 grey"
	  }, OK, OK, LATER, LATER, "4.7.1", 0 },
	{ "too many recipients", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">552 too many", ">354 go", ".", ">250 ok" }, OK, OK, OK, LATER,
	  "2.0.0", 0 },
	{ "552 for the first of all", { HELLO, ENVELOPE, ">250 ok",
	  ">552 too big", ">250 ok", ">354 go", ".", ">250 ok" }, OK, OK,
	  NEVER, OK, "5.0.0 mx said: 552 too big", 0 },
	{ "552 for MAIL", { HELLO, ENVELOPE, ">552 too big", ">503 no",
	  ">503 no", ">503 no" }, OK, OK, NEVER, NEVER, "5.0.0", 0 },
	{ "552 for MAIL, stepwise, and closed", { PLAIN, "<MAIL",
	  ">552 too big", "!" }, OK, OK, NEVER, NEVER, "5.0.0", 0 },
	{ "552 for DATA", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">250 ok", ">552 5.3.4 too big" }, OK, OK, NEVER, NEVER, "5.3.4",
	  0 },
	{ "552 for the message, and closed", { HELLO, ENVELOPE, ">250 ok",
	  ">250 ok", ">250 ok", ">354 go", ".", ">552 5.3.4 too big", "!" },
	  OK, OK, NEVER, NEVER, "5.3.4", 0 },
	{ "the message is refused", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">250 ok", ">354 go", ".", ">554 5.7.1 spam" }, OK, OK, NEVER, NEVER,
	  "5.7.1", 0 },
	{ "no disk", { HELLO, ENVELOPE, ">250 ok", ">250 ok", ">250 ok",
	  ">452 4.3.1 full" }, OK, OK, LATER, LATER, "4.3.1", 0 },
	{ "too big", { ">220 mx", "<EHLO", ">250-mx", ">250 SIZE 33" }, OK, OK,
	  NEVER, NEVER, "5.3.4 mx takes messages up to 33 octets", 0 },
	{ "nonsense for SIZE", { ">220 mx", "<EHLO", ">250-mx",
	  ">250 SIZE 18446744073709551617", "<MAIL", ">550 no" }, OK, OK,
	  NEVER, NEVER, "5.0.0", 0 },

	/* hostile rows */
	{ "5xx banner", { ">554 go away" }, NEVER, 0, 0, 0, "5.0.0", 0 },
	{ "4xx banner", { ">421 busy" }, LATER, 0, 0, 0, "4.0.0", 1 },
	{ "no banner", { "#" }, LATER, 0, 0, 0, "4.4.2", 1 },
	{ "closed at once", { "!" }, LATER, 0, 0, 0, "4.4.2", 1 },
	{ "1 MB banner", { ">220-x", "~262144 abcd", "#" }, LATER, 0, 0, 0,
	  "4.5.0 mx sent a line without end", 1 },
	{ "3 MB banner line", { "~786432 abcd", "#" }, LATER, 0, 0, 0,
	  "4.5.0 mx sent a line without end", 1 },
	{ "endless reply", { "~20000 220-more\r\n", "#" }, LATER, 0, 0, 0,
	  "4.5.0", 1 },
	{ "a slow endless reply", { "~50s220-x\r\n", "#" }, LATER, 0, 0, 0,
	  "4.4.2", 1 },
	{ "not SMTP", { ">HTTP/1.1 400 Bad Request" }, LATER, 0, 0, 0,
	  "4.5.0", 1 },
	{ "NUL and CR in a reply", { HELLO, ENVELOPE, ">250 ok",
	  ">550 5.1.1 a\rb\033c", ">550 no", ">554 no" }, OK, OK, NEVER,
	  NEVER, "5.1.1 mx said: 550 5.1.1 a?b?c", 0 },
	{ "354, then closed", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">250 ok", ">354 go", "!" }, OK, NEVER, LATER, LATER, "4.4.2", 1 },
	{ "closed after the dot", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">250 ok", ">354 go", ".", "!" }, OK, NEVER, LATER, LATER, "4.4.2",
	  1 },
	{ "silent after the dot", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">250 ok", ">354 go", ".", "#" }, OK, NEVER, LATER, LATER, "4.4.2",
	  1 },
	{ "closed in the envelope", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  "!" }, OK, LATER, LATER, LATER, "4.4.2", 1 },
	{ "refused one, then closed", { HELLO, ENVELOPE, ">250 ok", ">550 no",
	  "!" }, OK, LATER, NEVER, LATER, "5.0.0", 1 },
	{ "250 before the message", { HELLO, ENVELOPE, "~1 250 a\r\n250 b\r\n"
	  "250 c\r\n354 d\r\n250 taken\r\n", "#" }, OK, LATER, LATER, LATER,
	  "4.5.0", 1 },
	{ "talks unasked", { ">220 mx", "<EHLO", "~1 250 mx\r\n250 more\r\n",
	  "#" }, OK, LATER, LATER, LATER, "4.5.0", 1 },
	{ "talks unasked before EHLO", { "~1 220 mx\r\n250 mx\r\n", "#" },
	  LATER, 0, 0, 0, "4.5.0", 1 },
	{ "421 at MAIL", { HELLO, ENVELOPE, ">421 shutting down", "!" }, OK,
	  LATER, LATER, LATER, "4.", 1 },
	{ "2xx for DATA", { HELLO, ENVELOPE, ">250 ok", ">250 ok", ">250 ok",
	  ">250 taken already" }, OK, OK, LATER, LATER, "4.5.0", 1 },
	{ "3xx for the message", { HELLO, ENVELOPE, ">250 ok", ">250 ok",
	  ">250 ok", ">354 go", ".", ">354 more" }, OK, OK, LATER, LATER,
	  "4.5.0", 1 },
};

static const char text[] =
    "Subject: x\r\n\r\n.dot\r\nlast \xc3\xa4 line\r\n";
static const char wired[] =
    "Subject: x\r\n\r\n..dot\r\nlast \xc3\xa4 line\r\n.\r\n";

/* For who does not offer 8BITMIME. */
static const char wired_7[] =
    "Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "Content-Type: text/plain; charset=unknown-8bit\r\n"
    "MIME-Version: 1.0\r\n\r\n..dot\r\nlast =C3=A4 line\r\n.\r\n";

/* The server. Whatever does not fit the script shows as exit status 1. */
static void
expect(FILE *f, const char *want)
{
	char line[4096];

	if (fgets(line, sizeof(line), f) == NULL ||
	    strncmp(line, want, strlen(want)) != 0)
		_exit(1);
}

static void
expect_data(FILE *f, const char *want, size_t len)
{
	char got[sizeof(wired_7)];

	if (fread(got, 1, len, f) != len || memcmp(got, want, len) != 0)
		_exit(1);
}

static void
say(int fd, const char *p, size_t len)
{
	/* The client may be gone; that is its good right. */
	if (send(fd, p, len, MSG_NOSIGNAL) == -1)
		_exit(0);
}

static void
say_often(int fd, const char *step)
{
	long n = strtol(step, (char **)(uintptr_t)&step, 10);

	for (; n > 0; n--) {
		say(fd, step + 1, strlen(step + 1));
		if (*step == 's')
			usleep(40000);
	}
}

static void
serve(int fd, const char *const *script)
{
	FILE *f = fdopen(fd, "r");
	char octet;

	for (; *script != NULL; script++) {
		if (**script == '<')
			expect(f, *script + 1);
		else if (**script == '.')
			expect_data(f, wired, sizeof(wired) - 1);
		else if (**script == '7')
			expect_data(f, wired_7, sizeof(wired_7) - 1);
		else if (**script == '~')
			say_often(fd, *script + 1);
		else if (**script == '!')
			_exit(0);
		else if (**script == '>') {
			say(fd, *script + 1, strlen(*script + 1));
			say(fd, "\r\n", 2);
		} else
			while (read(fd, &octet, 1) == 1)
				continue;
	}
	_exit(0);
}

static pid_t
start(const char *const *script, int *fd_r)
{
	int fd[2];
	pid_t pid;

	assert_int_equal(fd_pair(fd), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		close(fd[0]);
		alarm(20);
		serve(fd[1], script);
	}
	close(fd[1]);
	*fd_r = fd[0];
	return pid;
}

static void
check_words(const struct row *row, const char *words)
{
	if (words == NULL || strncmp(words, row->words,
	    strlen(row->words)) != 0 || strpbrk(words, "\r\n") != NULL ||
	    strlen(words) > RESULT_WORDS_MAX)
		fail_msg("%s: words: %s", row->name, words);
}

static void
run_transaction(const struct row *row, struct relay_client *c)
{
	struct relay_recipient to[2] = {
		{ .address = (char *)(uintptr_t)"one@far.test" },
		{ .address = (char *)(uintptr_t)"two@far.test" } };
	struct relay_message m = { .fd = -1, .length = sizeof(text) - 1,
		.data = text, .sender = "a@us.test", .eight_bit = 1 };
	int r = (int)transaction_run(c, &m, to, 2);

	if (r != row->run || (int)to[0].result != row->one ||
	    (int)to[1].result != row->two)
		fail_msg("%s: %d, %d %d, %s", row->name, r, to[0].result,
		    to[1].result, to[0].words);
	assert_int_equal(to[0].settled, row->one != LATER);
	check_words(row, to[0].words);
	assert_non_null(to[1].words);
	free(to[0].words);
	free(to[1].words);
}

static void
test_row(const struct row *row)
{
	int64_t began = clock_mono_ms();
	struct relay_client c;
	int fd, status, r;
	pid_t pid = start(row->script, &fd);

	client_init(&c, fd, "mx", &quick);
	r = (int)client_greet(&c, "us.test");
	if (r != row->greet)
		fail_msg("%s: greet %d %s", row->name, r, buf_str(&c.words));
	if (r == OK)
		run_transaction(row, &c);
	else
		check_words(row, buf_str(&c.words));
	if (c.dead != row->dead)
		fail_msg("%s: dead %d", row->name, c.dead);
	client_clear(&c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("%s: the script was not followed", row->name);
	if (clock_mono_ms() - began > 4000)
		fail_msg("%s: took too long", row->name);
}

static void
test_rows(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test_row(&rows[i]);
}

/* A second message over the same connection; after a failure with RSET. */
static void
test_again(void **state)
{
	static const struct row row = { "again", { HELLO,
	    ENVELOPE, ">250 ok", ">250 ok", ">250 ok", ">354 go", ".",
	    ">250 ok", NULL }, OK, OK, OK, OK, "2.0.0", 0 };
	static const struct row failed = { "failed", { NULL }, OK, OK, NEVER,
	    NEVER, "5.7.1", 0 };
	/* Of a connection's second message it may be one too many. */
	static const struct row many = { "many", { NULL }, OK, OK, LATER, OK,
	    "4.5.3", 0 };
	static const char *const script[] = { HELLO,
	    ENVELOPE, ">250 ok", ">250 ok", ">250 ok", ">354 go", ".",
	    ">250 ok",
	    ENVELOPE, ">250 ok", ">552 5.5.3 too many", ">250 ok", ">354 go",
	    ".", ">250 ok",
	    ENVELOPE, ">250 ok", ">250 ok", ">250 ok", ">354 go", ".",
	    ">554 5.7.1 spam",
	    "<RSET", ENVELOPE, ">250 reset", ">250 ok", ">250 ok", ">250 ok",
	    ">354 go", ".", ">250 ok", "<QUIT", NULL };
	struct relay_client c;
	int fd, status;
	pid_t pid = start(script, &fd);

	client_init(&c, fd, "mx", &quick);
	assert_int_equal(client_greet(&c, "us.test"), OK);
	run_transaction(&row, &c);
	run_transaction(&many, &c);
	run_transaction(&failed, &c);
	run_transaction(&row, &c);
	assert_int_equal(c.messages, 4);
	client_quit(&c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/*
 * What the sender asked for goes to a host with DSN, and to no other; only the
 * former has taken it over, and of whom it took alone.
 */
static void
test_dsn(void **state)
{
	static const char *const with[] = { ">220 mx ready", "<EHLO us.test",
	    ">250-mx", ">250-8BITMIME", ">250-DSN", ">250 PIPELINING",
	    "<MAIL FROM:<a@us.test> BODY=8BITMIME RET=HDRS ENVID=QQ+2B1\r\n",
	    "<RCPT TO:<one@far.test> NOTIFY=SUCCESS,DELAY "
	    "ORCPT=rfc822;One@far.test\r\n",
	    "<RCPT TO:<two@far.test>\r\n", "<DATA", ">250 ok", ">250 ok",
	    ">550 5.1.1 no", ">354 go", ".", ">250 ok", NULL };
	static const char *const without[] = { ">220 mx ready",
	    "<EHLO us.test", ">250-mx", ">250-8BITMIME", ">250 PIPELINING",
	    "<MAIL FROM:<a@us.test> BODY=8BITMIME\r\n",
	    "<RCPT TO:<one@far.test>\r\n", "<RCPT TO:<two@far.test>\r\n",
	    "<DATA", ">250 ok", ">250 ok", ">550 5.1.1 no", ">354 go", ".",
	    ">250 ok", NULL };
	struct relay_message m = { .fd = -1, .length = sizeof(text) - 1,
		.data = text, .sender = "a@us.test", .eight_bit = 1,
		.ret = Q_RET_HDRS, .envid = "QQ+2B1" };
	struct relay_recipient to[2];
	struct relay_client c;
	int fd, i, status;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		memset(to, 0, sizeof(to));
		to[0].address = (char *)(uintptr_t)"one@far.test";
		to[1].address = (char *)(uintptr_t)"two@far.test";
		to[0].notify = Q_NOTIFY_SUCCESS | Q_NOTIFY_DELAY;
		to[0].orcpt = (char *)(uintptr_t)"rfc822;One@far.test";
		pid = start(i == 0 ? with : without, &fd);
		client_init(&c, fd, "mx", &quick);
		assert_int_equal(client_greet(&c, "us.test"), OK);
		assert_int_equal(transaction_run(&c, &m, to, 2), OK);
		assert_int_equal(to[0].result, OK);
		assert_int_equal(to[0].passed, i == 0);
		assert_int_equal(to[1].passed, 0);
		client_clear(&c);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		free(to[0].words);
		free(to[1].words);
	}
}

/* The names of mechanisms that fit are taken, one octet more and none is. */
static void
test_auth_list(void **state)
{
	static const struct { size_t len, kept; } t[] = {
		{ CLIENT_MECHS_MAX - 3, CLIENT_MECHS_MAX - 1 },
		{ CLIENT_MECHS_MAX - 2, 0 }, { CLIENT_MECHS_MAX - 1, 0 },
		{ CLIENT_MECHS_MAX, 0 }, { CLIENT_MECHS_MAX + 1, 0 },
	};
	char line[CLIENT_MECHS_MAX + 20];
	const char *script[] = { ">220 mx", "<EHLO us.test", ">250-mx", line,
		"<QUIT", NULL };
	struct relay_client c;
	size_t i;
	int fd, status;
	pid_t pid;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(line, 'x', sizeof(line));
		memcpy(line, ">250 AUTH ", 10);
		memcpy(line + 10 + t[i].len - 6, " plain", 7);
		pid = start(script, &fd);
		client_init(&c, fd, "mx", &quick);
		assert_int_equal(client_greet(&c, "us.test"), OK);
		assert_int_equal(c.features, CLIENT_AUTH);
		assert_int_equal(strlen(c.mechs), t[i].kept);
		assert_int_equal(strstr(c.mechs, " PLAIN ") != NULL,
		    t[i].kept > 0);
		client_quit(&c);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* Which family it is that this host has no way to. */
static void
test_no_way(void **state)
{
	static const struct {
		const char *address, *words;
		int error;
	} t[] = {
		{ "2001:db8::1", "this host has no way to IPv6: ",
		  ENETUNREACH },
		{ "192.0.2.1", "this host has no way to IPv4: ",
		  EADDRNOTAVAIL },
		{ "192.0.2.1", NULL, ECONNREFUSED },
	};
	struct resolve_host host = { .name = "mx.test", .n = 1 };
	const struct policy p = { .times = &quick };
	struct buf words = BUF_INIT(1000);
	struct relay_client c;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(addr_of_ip(&host.addr[0], t[i].address,
		    strlen(t[i].address), 25), 0);
		no_connect = t[i].error;
		assert_int_equal(connect_open(&c, &host, 0, &p, &words),
		    t[i].words != NULL ? CONNECT_NO_WAY : CONNECT_FAILED);
		no_connect = 0;
		if (t[i].words != NULL)
			assert_non_null(strstr(buf_str(&words), t[i].words));
		else
			assert_null(strstr(buf_str(&words), "no way"));
	}
	buf_clear(&words);
}

/* All of a dialogue has a limit, however long each of its waits may be. */
static void
test_limit(void **state)
{
	static const struct client_times t = { .greeting = 600000,
		.command = 600000, .session = 200, .rate = 8000 };
	int64_t begun = clock_mono_ms();
	struct relay_client c;
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	client_init(&c, fd[0], "mx", &t);
	assert_int_equal(client_greet(&c, "us.test"), LATER);
	assert_int_equal(strncmp(buf_str(&c.words), "4.4.2 mx did not answer",
	    23), 0);
	assert_true(clock_mono_ms() - begun < 300000);
	client_clear(&c);
	close(fd[1]);
}

/* RFC 5321 4.5.3.2: the least that a client has to wait, in minutes. */
static void
test_times(void **state)
{
	enum { MINUTE = 60 * 1000 };
	const struct client_times *t = &client_times;

	assert_int_equal(t->greeting, 5 * MINUTE);
	assert_int_equal(t->command, 5 * MINUTE);
	assert_int_equal(t->data, 2 * MINUTE);
	assert_int_equal(t->block, 3 * MINUTE);
	assert_int_equal(t->dot, 10 * MINUTE);
	/* Ours: a connection, the farewell, a message, and its octets. */
	assert_int_equal(t->connect, 30 * 1000);
	assert_int_equal(t->quit, 1000);
	assert_int_equal(t->session, 30 * MINUTE);
	assert_int_equal(t->rate, 8000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_again), cmocka_unit_test(test_dsn),
		cmocka_unit_test(test_auth_list),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_limit), cmocka_unit_test(test_times),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
