/*
 * The client's side of POP3 against a scripted server (script.h), mostly a
 * hostile one.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/net/tls.h"
#include "relay/pop3_box.h"
#include "relay/pop3_login.h"
#include "relay/sasl.h"
#include "tests/relay/script.h"

enum { STEPS = SCRIPT_STEPS, QUICK_MS = 400 };

static pid_t
start(const char *const *script, struct pop3_client *c)
{
	int fd;
	pid_t pid = script_start(script, &fd);

	pop3_init(c, fd, "old");
	c->command = 20000;
	return pid;
}

static void
finish(struct pop3_client *c, pid_t pid, const char *name)
{
	pop3_close(c);
	script_finish(pid, name);
}

#define CAPA(lines) "<CAPA\r\n", ">+OK", "=" lines, ">."
#define HELLO(lines) ">+OK ready", CAPA(lines)
#define PLAIN_IN "<AUTH PLAIN AGFubmEAcGFzcyAiXHdvcmQ=\r\n"

/* How a session begins, or does not. */
static const struct login_row {
	const char *name;
	const char *script[STEPS];
	enum pop3_result greet, login;
	const char *words;
	enum pop3_code code;
	unsigned delay;
	enum sasl_secret secret;
} logins[] = {
	{ "USER and PASS", { HELLO("USER\r\nUIDL\r\n"), "<USER anna\r\n",
	  ">+OK", "<PASS pass \"\\word\r\n", ">+OK in", CAPA("TOP\r\n") },
	  POP3_OK, POP3_OK, "", 0, 0 },
	{ "no CAPA", { ">+OK ready", "<CAPA", ">-ERR what", "<USER anna\r\n",
	  ">+OK", "<PASS", ">+OK in", "<CAPA", ">-ERR what" }, POP3_OK,
	  POP3_OK, NULL, 0, 0 },
	{ "SASL with the first word in the line", { HELLO("SASL PLAIN\r\n"),
	  PLAIN_IN, ">+OK in", CAPA("LOGIN-DELAY 120 USER\r\n") }, POP3_OK,
	  POP3_OK, "", 0, 120 },
	{ "small letters", { HELLO("sasl plain\r\n"), PLAIN_IN,
	  ">+ok in", CAPA("login-delay 60\r\n") }, POP3_OK, POP3_OK, "", 0,
	  60 },
	{ "LOGIN", { HELLO("SASL LOGIN\r\n"), "<AUTH LOGIN\r\n",
	  ">+ VXNlcm5hbWU6", "<YW5uYQ==\r\n", ">+ UGFzc3dvcmQ6",
	  "<cGFzcyAiXHdvcmQ=\r\n", ">+OK in", CAPA("") }, POP3_OK, POP3_OK,
	  "", 0, 0 },
	{ "CRAM-MD5 before what shows the password", {
	  HELLO("SASL PLAIN LOGIN CRAM-MD5\r\n"), "<AUTH CRAM-MD5\r\n",
	  ">+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
	  "<YW5uYS", ">-ERR [AUTH] no" }, POP3_OK, POP3_NO,
	  "old refuses the login: [AUTH] no", POP3_CODE_AUTH, 0 },
	{ "a delay that is not believed", { HELLO("LOGIN-DELAY 9999999\r\n"
	  "SASL PLAIN\r\n"), PLAIN_IN, ">+OK", CAPA("LOGIN-DELAY x\r\n") },
	  POP3_OK, POP3_OK, "", 0, 0 },

	{ "in use", { HELLO("USER\r\n"), "<USER", ">+OK", "<PASS",
	  ">-ERR [IN-USE] Do you have another POP session running?" },
	  POP3_OK, POP3_NO, "old refuses the login: [IN-USE] Do",
	  POP3_CODE_IN_USE, 0 },
	{ "too early", { HELLO("USER\r\n"), "<USER", ">+OK", "<PASS",
	  ">-ERR [login-delay/900] minimum" }, POP3_OK, POP3_NO,
	  "old refuses the login: [login-delay/900]", POP3_CODE_LOGIN_DELAY,
	  0 },
	{ "temporary", { HELLO("SASL PLAIN\r\n"), PLAIN_IN,
	  ">-ERR [SYS/TEMP] disk" }, POP3_OK, POP3_NO,
	  "old refuses the login: [SYS/TEMP]", POP3_CODE_TEMPORARY, 0 },
	{ "permanent", { HELLO("SASL PLAIN\r\n"), PLAIN_IN,
	  ">-ERR [SYS/PERM] gone" }, POP3_OK, POP3_NO,
	  "old refuses the login: [SYS/PERM]", POP3_CODE_PERMANENT, 0 },
	{ "no code: the password", { HELLO("USER\r\n"), "<USER", ">+OK",
	  "<PASS", ">-ERR wrong" }, POP3_OK, POP3_NO,
	  "old refuses the login: wrong", POP3_CODE_AUTH, 0 },
	{ "no code: the maildrop", { HELLO("USER\r\n"), "<USER", ">+OK",
	  "<PASS", ">-ERR cannot lock the maildrop" }, POP3_OK, POP3_NO,
	  "old refuses the login: cannot", POP3_CODE_IN_USE, 0 },
	{ "no code, where [AUTH] would be said", { HELLO("USER\r\n"
	  "AUTH-RESP-CODE\r\n"), "<USER", ">+OK", "<PASS", ">-ERR no" },
	  POP3_OK, POP3_NO, "old refuses the login: no",
	  POP3_CODE_TEMPORARY, 0 },
	{ "a greeting that refuses", { ">-ERR [SYS/TEMP] too many" }, POP3_NO,
	  0, "old said: [SYS/TEMP] too many", POP3_CODE_TEMPORARY, 0 },
	{ "no login that is known", { HELLO("SASL NTLM GSSAPI\r\n") },
	  POP3_OK, POP3_NO, "old offers no login that we know",
	  POP3_CODE_PERMANENT, 0 },

	/* hostile rows */
	{ "not POP3", { ">* OK IMAP4rev1 ready" }, POP3_LOST, 0,
	  "old does not speak POP3: * OK IMAP4rev1 ready", 0, 0 },
	{ "control octets", { ">-ERR go\001\033[2J away" }, POP3_NO, 0,
	  "old said: go??[2J away", 0, 0 },
	{ "closed", { "!" }, POP3_LOST, 0, "old lost the connection", 0, 0 },
	{ "silent", { "#" }, POP3_LOST, 0, "old did not answer in time", 0,
	  0 },
	{ "trickle", { "@20 +OK and so on " }, POP3_LOST, 0,
	  "old did not answer in time", 0, 0 },
	{ "a greeting of 1 MB", { "~65536 +OK hello there ", ">" }, POP3_LOST,
	  0, "old sends a line without end", 0, 0 },
	{ "capabilities without end", { ">+OK", "<CAPA", ">+OK",
	  "~100000 X-LONG\r\n" }, POP3_LOST, 0, "old does not end the list",
	  0, 0 },
	{ "challenges without end", { HELLO("SASL PLAIN\r\n"), PLAIN_IN,
	  "~40 + \r\n" }, POP3_OK, POP3_LOST, "old ", 0, 0 },
	{ "SCRAM that would take hours", { HELLO("SASL SCRAM-SHA-256\r\n"),
	  "<AUTH SCRAM-SHA-256 ", ">+ cj14LHM9YzJGc2RBPT0saT0xMDAwMDAx" },
	  POP3_OK, POP3_LOST, "old asks for too much work at the login", 0,
	  0 },
	{ "a token without TLS", { HELLO("SASL XOAUTH2 PLAIN\r\nUSER\r\n") },
	  POP3_OK, POP3_NO, "old is shown no access token without TLS",
	  POP3_CODE_PERMANENT, 0, SASL_TOKEN },
	{ "another's nonce", { HELLO("SASL SCRAM-SHA-1\r\n"),
	  "<AUTH SCRAM-SHA-1 ", ">+ cj14LHM9YzJGc2RBPT0saT0xMDAwMDAw" },
	  POP3_OK, POP3_LOST, "old login: ", 0, 0 },
	{ "SCRAM without proof", { HELLO("SASL SCRAM-SHA-256\r\n"),
	  "<AUTH SCRAM-SHA-256 ", ">+OK come in" }, POP3_OK, POP3_LOST,
	  "old did not prove", 0, 0 },
};

static void
login_row(const struct login_row *t)
{
	struct pop3_client c;
	enum pop3_result r;
	pid_t pid = start(t->script, &c);

	if (t->words != NULL && strstr(t->words, "in time") != NULL)
		c.command = QUICK_MS;
	r = pop3_greet(&c, POP3_PLAIN, NULL, "old.test");
	if (r != t->greet)
		fail_msg("%s: greet %d %s", t->name, r, buf_str(&c.words));
	if (r == POP3_OK) {
		r = pop3_login(&c, POP3_PLAIN, "anna", "pass \"\\word",
		    t->secret, "old.test");
		if (r != t->login)
			fail_msg("%s: login %d %s", t->name, r,
			    buf_str(&c.words));
	}
	if (t->words != NULL &&
	    strncmp(buf_str(&c.words), t->words, strlen(t->words)) != 0)
		fail_msg("%s: words %s", t->name, buf_str(&c.words));
	if (r == POP3_NO && c.code != t->code)
		fail_msg("%s: code %d", t->name, c.code);
	if (c.login_delay != t->delay)
		fail_msg("%s: delay %u", t->name, c.login_delay);
	if (c.dead != (r == POP3_LOST))
		fail_msg("%s: dead %d", t->name, c.dead);
	finish(&c, pid, t->name);
}

static void
test_logins(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
		login_row(&logins[i]);
}

/* No TLS, no login: whatever the server says. */
static const struct {
	const char *name, *script[STEPS];
	const char *words;
} without_tls[] = {
	{ "not offered", { HELLO("USER\r\n") }, "old offers no STLS" },
	{ "refused", { HELLO("STLS\r\n"), "<STLS\r\n", ">-ERR not now" },
	  "old said: not now" },
	{ "unknown", { ">+OK", "<CAPA", ">-ERR", "<STLS\r\n", ">-ERR what" },
	  "old said: what" },
	{ "words before the handshake", { HELLO("STLS\r\n"), "<STLS\r\n",
	  "=+OK go\r\n+OK\r\nUSER\r\n.\r\n" },
	  "old said something between STLS and TLS" },
	{ "no handshake", { HELLO("STLS\r\n"), "<STLS\r\n", ">+OK go",
	  "#" }, "old TLS: " },
};

static void
test_stls(void **state)
{
	struct buf why = BUF_INIT(300);
	SSL_CTX *ctx = tls_client_new(NULL, TLS_UNKNOWN, &why);
	struct pop3_client c;
	size_t i;
	pid_t pid;

	assert_non_null(ctx);
	for (i = 0; i < sizeof(without_tls) / sizeof(without_tls[0]); i++) {
		pid = start(without_tls[i].script, &c);
		if (strcmp(without_tls[i].name, "no handshake") == 0)
			c.command = QUICK_MS;
		assert_int_not_equal(pop3_greet(&c, POP3_STARTTLS, ctx,
		    "old.test"), POP3_OK);
		if (strncmp(buf_str(&c.words), without_tls[i].words,
		    strlen(without_tls[i].words)) != 0)
			fail_msg("%s: %s", without_tls[i].name,
			    buf_str(&c.words));
		pop3_close(&c);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	tls_free(&ctx);
	buf_clear(&why);
}

/* Where TLS is missing in spite of all no password is shown. */
static void
test_in_the_clear(void **state)
{
	static const char *const script[] = {
		HELLO("USER\r\nSASL PLAIN LOGIN\r\n"), NULL };
	struct pop3_client c;
	pid_t pid = start(script, &c);

	assert_int_equal(pop3_greet(&c, POP3_PLAIN, NULL, "x"), POP3_OK);
	assert_int_equal(pop3_login(&c, POP3_STARTTLS, "anna", "secret",
	    SASL_PASSWORD, "x"), POP3_NO);
	assert_string_equal(buf_str(&c.words),
	    "old offers no login that is safe without TLS");
	finish(&c, pid, "in the clear");
}

/* Into the maildrop, with what is offered there. */
static pid_t
enter(const char *const *script, struct pop3_client *c)
{
	pid_t pid = start(script, c);

	assert_int_equal(pop3_greet(c, POP3_PLAIN, NULL, "x"), POP3_OK);
	return pid;
}

#define IN ">+OK", CAPA("PIPELINING\r\nUIDL\r\nTOP\r\n")
#define IN_TURN ">+OK", CAPA("UIDL\r\n")

static void
put_name(void *ctx, uint32_t number, const char *uid)
{
	buf_printf(ctx, "%u=%s\n", number, uid != NULL ? uid : "(none)");
}

static void
put_size(void *ctx, uint32_t number, uint64_t size)
{
	buf_printf(ctx, "%u=%llu\n", number, (unsigned long long)size);
}

static void
test_lists(void **state)
{
	static const char *const script[] = { IN,
		"<STAT", ">+OK 3 1200 octets", "<UIDL\r\n", ">+OK",
		">1 whqtswO00WBw418f9t5JxYwZ", ">2 a b", ">3 \xc3\xa4",
		">4", ">0 zero", ">4294967296 much", ">-5 minus", ">none",
		">7 0123456789012345678901234567890123456789012345678901234567"
		"890123456789",
		">8 0123456789012345678901234567890123456789012345678901234567"
		"8901234567890", ">5 same", ">6 same", ">.",
		"<LIST\r\n", ">+OK 2", ">1 120", ">2 99999999999999999999",
		">3 77 more", ">4 x", ">.",
		"<STAT", ">+OK many", NULL };
	struct buf out = BUF_INIT(0);
	struct pop3_client c;
	pid_t pid = enter(script, &c);
	uint64_t size;
	uint32_t n;

	assert_int_equal(pop3_stat(&c, &n, &size), POP3_OK);
	assert_int_equal(n, 3);
	assert_int_equal(size, 1200);
	assert_int_equal(pop3_uidl(&c, put_name, &out), POP3_OK);
	assert_string_equal(buf_str(&out), "1=whqtswO00WBw418f9t5JxYwZ\n"
	    "2=(none)\n3=(none)\n4=(none)\n7=01234567890123456789012345678901"
	    "23456789012345678901234567890123456789\n8=(none)\n5=same\n6=same"
	    "\n");
	buf_reset(&out);
	assert_int_equal(pop3_list(&c, put_size, &out), POP3_OK);
	assert_string_equal(buf_str(&out), "1=120\n3=77\n");
	assert_int_equal(pop3_stat(&c, &n, &size), POP3_LOST);
	buf_clear(&out);
	finish(&c, pid, "lists");
}

static void
count(void *ctx, uint32_t number, const char *uid)
{
	(*(unsigned *)ctx)++;
}

/* A list of more than the bound ends, in the end. */
static void
test_list_without_end(void **state)
{
	static const char *const script[] = { IN, "<UIDL", ">+OK",
		"~1000001 1 x\r\n", NULL };
	struct pop3_client c;
	pid_t pid = enter(script, &c);
	unsigned n = 0;

	assert_int_equal(pop3_uidl(&c, count, &n), POP3_LOST);
	assert_int_equal(n, POP3_MESSAGES_MAX);
	assert_string_equal(buf_str(&c.words),
	    "old lists more than 1000000 messages");
	finish(&c, pid, "list without end");
}

static int
put_body(void *ctx, const char *p, size_t len)
{
	return buf_append(ctx, p, len);
}

/* A message: what is on the wire, what it stands for. */
static const struct {
	const char *wire, *text;
	int	 lf;
} bodies[] = {
	{ "a\r\nb\r\n.\r\n", "a\r\nb\r\n", 0 },
	{ ".\r\n", "", 0 },
	{ "..\r\n...\r\n..a\r\n.\r\n", ".\r\n..\r\n.a\r\n", 0 },
	{ ".a\r\n.\r\n", ".a\r\n", 0 },
	/* Only CRLF ends a line, and so the message. */
	{ "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 0 },
	{ "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", 0 },
	{ "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", 0 },
	{ ".\rx\r\n.\r\r\n.\n\r\n.\r\n", ".\rx\r\n.\r\r\n.\n\r\n", 0 },
	{ "\r\r\n.\r\n", "\r\r\n", 0 },
	/* A server that has shown that it writes LF alone. */
	{ "a\n.\n", "a\n", 1 },
	{ "a\n..\nb\r\n.\r\n", "a\n.\nb\r\n", 1 },
};

/* Taken whole, and octet by octet. */
static void
test_text(void **state)
{
	struct buf out = BUF_INIT(0);
	struct pop3_text t;
	const char *p, *got;
	size_t i, piece, left, used, len;
	int end;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (piece = 1; piece < 30; piece++) {
			t = (struct pop3_text){ .lf = bodies[i].lf };
			buf_reset(&out);
			end = 0;
			for (p = bodies[i].wire; !end && *p != '\0';
			    p += used) {
				left = strlen(p);
				end = pop3_text_take(&t, p, left < piece ?
				    left : piece, &used, &got, &len);
				buf_append(&out, got, len);
			}
			assert_int_equal(end, 1);
			assert_int_equal(*p, '\0');
			assert_string_equal(buf_str(&out), bodies[i].text);
		}
	buf_clear(&out);
}

static void
test_messages(void **state)
{
	static const char *const script[] = { IN, "<RETR 1\r\n",
		">+OK 12 octets", ">Subject: a", ">", ">..", ">.",
		"<RETR 2\r\n", ">-ERR [SYS/TEMP] not now", "<TOP 3 0\r\n",
		">+OK", ">Subject: b", ">", ">.", "<RETR 4\r\n", ">+OK",
		">Subject: c", "!", NULL };
	struct buf out = BUF_INIT(0);
	struct pop3_client c;
	pid_t pid = enter(script, &c);

	pop3_retr_send(&c, 1);
	pop3_retr_send(&c, 2);
	assert_int_equal(pop3_retr_wait(&c, put_body, &out), POP3_OK);
	assert_string_equal(buf_str(&out), "Subject: a\r\n\r\n.\r\n");
	assert_int_equal(pop3_retr_wait(&c, put_body, &out), POP3_NO);
	assert_int_equal(c.code, POP3_CODE_TEMPORARY);
	buf_reset(&out);
	assert_int_equal(pop3_top(&c, 3, 0, put_body, &out), POP3_OK);
	assert_string_equal(buf_str(&out), "Subject: b\r\n\r\n");
	pop3_retr_send(&c, 4);
	assert_int_equal(pop3_retr_wait(&c, put_body, &out), POP3_LOST);
	buf_clear(&out);
	finish(&c, pid, "messages");
}

/* A message that is larger than who takes it allows, or never ends, is left. */
static void
test_left(void **state)
{
	static const char *const endless[] = { IN, "<RETR", ">+OK 100",
		"~100000 0123456789", NULL };
	static const char *const trickle[] = { IN, "<RETR", ">+OK 100",
		"@5 0123456789\r\n", NULL };
	struct buf out = BUF_INIT(100000);
	struct pop3_client c;
	int64_t begin;
	pid_t pid = enter(endless, &c);

	pop3_retr_send(&c, 1);
	assert_int_equal(pop3_retr_wait(&c, put_body, &out), POP3_LOST);
	assert_string_equal(buf_str(&c.words), "old was left within a message");
	finish(&c, pid, "endless");

	pid = enter(trickle, &c);
	c.command = QUICK_MS;
	begin = clock_mono_ms();
	pop3_retr_send(&c, 1);
	buf_reset(&out);
	assert_int_equal(pop3_retr_wait(&c, put_body, &out), POP3_LOST);
	assert_string_equal(buf_str(&c.words), "old did not answer in time");
	assert_true(clock_mono_ms() - begin >= QUICK_MS);
	finish(&c, pid, "trickle");

	/* However much comes: the whole has a time too. */
	pid = enter(endless, &c);
	c.whole = 0;
	pop3_retr_send(&c, 1);
	assert_int_equal(pop3_retr_wait(&c, NULL, NULL), POP3_LOST);
	finish(&c, pid, "the whole time");
	buf_clear(&out);
}

static void
put_answer(void *ctx, size_t i, enum pop3_result r)
{
	buf_printf(ctx, "%zu%s ", i, r == POP3_OK ? "" : "!");
}

static void
each_way(const char *const *script, const char *name)
{
	static const uint32_t numbers[] = { 4, 2, 9 };
	struct buf out = BUF_INIT(0);
	struct pop3_client c;
	pid_t pid = enter(script, &c);

	assert_int_equal(pop3_each(&c, "DELE", numbers, 3, put_answer, &out),
	    POP3_OK);
	assert_string_equal(buf_str(&out), "0 1! 2 ");
	assert_int_equal(pop3_quit(&c), POP3_OK);
	buf_clear(&out);
	finish(&c, pid, name);
}

/* In one go where the server says so, else each after the answer to the one
   before it. */
static void
test_each(void **state)
{
	static const char *const pipelined[] = { IN, "<DELE 4", "<DELE 2",
		"<DELE 9", "=+OK\r\n-ERR\r\n+OK\r\n", "<QUIT\r\n", ">+OK bye",
		NULL };
	static const char *const in_turn[] = { IN_TURN, "<DELE 4", ">+OK",
		"<DELE 2", ">-ERR gone", "<DELE 9", ">+OK", "<QUIT", ">+OK",
		NULL };

	each_way(pipelined, "pipelined");
	each_way(in_turn, "in turn");
}

/* Whether what was marked is gone: only the answer to QUIT says so. */
static void
test_quit(void **state)
{
	static const char *const refused[] = { IN_TURN, "<QUIT",
		">-ERR some deleted messages not removed", NULL };
	static const char *const lost[] = { IN_TURN, "<QUIT", "!", NULL };
	struct pop3_client c;
	pid_t pid = enter(refused, &c);

	assert_int_equal(pop3_quit(&c), POP3_NO);
	finish(&c, pid, "refused");
	pid = enter(lost, &c);
	assert_int_equal(pop3_quit(&c), POP3_LOST);
	finish(&c, pid, "lost");
}

static void
note_said(void *ctx, size_t i, enum pop3_result r)
{
	struct pop3_client *c = ctx;
	const char *word = "";

	assert_int_equal(r, POP3_OK);
	if (i == 0) {
		assert_int_equal(pop3_said(c, 7, &word), 0);
		assert_string_equal(word, "300");
	} else {
		assert_int_equal(pop3_said(c, 8, &word), -1);
	}
}

static void
test_said(void **state)
{
	static const char *const script[] = { IN, "<LIST 7", "<LIST 8",
		">+OK 7 300", ">+OK 9 300", NULL };
	static const uint32_t numbers[] = { 7, 8 };
	struct pop3_client c;
	pid_t pid = enter(script, &c);

	assert_int_equal(pop3_each(&c, "LIST", numbers, 2, note_said, &c),
	    POP3_OK);
	finish(&c, pid, "said");
}

static int
open_sasl(void **state)
{
	struct buf why = BUF_INIT(300);

	signal(SIGPIPE, SIG_IGN);
	tls_init();
	return sasl_open(&why);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_stls),
		cmocka_unit_test(test_in_the_clear),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_list_without_end),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_quit),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests(tests, open_sasl, NULL);
}
