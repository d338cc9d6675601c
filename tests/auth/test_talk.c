/*
 * The dialogues before the login: each row is what a client sends and all that
 * it is answered, whole and cut at every octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "auth/login_imap.h"
#include "auth/login_pop3.h"
#include "auth/login_talk.h"
#include "lib/mail/imap_capability.h"
#include "lib/mail/pop3_capability.h"

#define CAPA	"CAPABILITY " IMAP_CAPABILITY_LOGIN

struct row {
	const char *in;
	int	 tls;
	const char *out;
	enum login_want want;
	const char *user, *password;	/* with LOGIN_ASK */
};

static const struct row imap_rows[] = {
	{ "a CAPABILITY\r\n", 0,
	  "* " CAPA " STARTTLS LOGINDISABLED\r\na OK done\r\n", LOGIN_INPUT,
	  NULL, NULL },
	{ "a capability\n", 1, "* " CAPA " AUTH=PLAIN\r\na OK done\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a1 NOOP\r\na2 ID NIL\r\na3 LOGOUT\r\na4 NOOP\r\n", 1,
	  "a1 OK done\r\n* ID " IMAP_ID "\r\na2 OK done\r\n"
	  "* BYE until next time\r\na3 OK done\r\n", LOGIN_END, NULL, NULL },
	{ "a STARTTLS\r\nb LOGIN x y\r\n", 0, "a OK begin TLS now\r\n",
	  LOGIN_TLS, NULL, NULL },
	{ "a STARTTLS\r\n", 1, "a BAD TLS is on already\r\n", LOGIN_INPUT,
	  NULL, NULL },
	{ "a LOGIN x y\r\n", 0, "a NO [PRIVACYREQUIRED] STARTTLS first\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN AGEAYg==\r\n", 0,
	  "a NO [PRIVACYREQUIRED] STARTTLS first\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "a LOGIN anna kaffee\r\n", 1, "", LOGIN_ASK, "anna", "kaffee" },
	{ "a login \"an\\\"na\" \"k \\\\ e\"\r\n", 1, "", LOGIN_ASK, "an\"na",
	  "k \\ e" },
	{ "a LOGIN {4}\r\nanna {6}\r\nkaffee\r\n", 1,
	  "+ go on\r\n+ go on\r\n", LOGIN_ASK, "anna", "kaffee" },
	{ "a LOGIN {4+}\r\nanna {00000000000000006+}\r\nkaf\"e{\r\n", 1, "",
	  LOGIN_ASK, "anna", "kaf\"e{" },
	{ "a LOGIN {4+}\r\nanna {0}\r\n\r\n", 1, "+ go on\r\n", LOGIN_ASK,
	  "anna", "" },
	{ "a LOGIN anna {3+}\r\nx\ny\r\n", 1,
	  "a BAD LOGIN takes a name and a password\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "a LOGIN {18446744073709551616}\r\nb NOOP\r\n", 1,
	  "a BAD that literal is too big\r\nb OK done\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "a LOGIN {8193}\r\n", 1, "a BAD that literal is too big\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a LOGIN {99999999999+}\r\n", 1,
	  "* BYE that literal is too big\r\n", LOGIN_END, NULL, NULL },
	{ "a LOGIN {-1}\r\n", 1,
	  "a BAD LOGIN takes a name and a password\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "a LOGIN {}\r\na LOGIN \"x\r\na LOGIN x\r\na LOGIN x y z\r\n", 1,
	  "a BAD LOGIN takes a name and a password\r\n"
	  "a BAD LOGIN takes a name and a password\r\n"
	  "a BAD LOGIN takes a name and a password\r\n"
	  "a BAD LOGIN takes a name and a password\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "a SELECT INBOX\r\n\r\n+ NOOP\r\n  x\r\n* NOOP\r\na\r\n", 1,
	  "a BAD unknown, or not before login\r\n"
	  "* BAD a command is a tag and a name\r\n"
	  "* BAD a command is a tag and a name\r\n"
	  "* BAD a command is a tag and a name\r\n"
	  "* BAD a command is a tag and a name\r\n"
	  "a BAD a command is a tag and a name\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "a NOOP x\r\na LOGIN\r\na ID\r\n", 1,
	  "a BAD this takes no arguments\r\na BAD arguments are missing\r\n"
	  "a BAD arguments are missing\r\n", LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN\r\nAGFubmEAa2FmZmVl\r\n", 1, "+ \r\n",
	  LOGIN_ASK, "anna", "kaffee" },
	{ "a AUTHENTICATE plain AGFubmEAa2FmZmVl\r\n", 1, "", LOGIN_ASK,
	  "anna", "kaffee" },
	{ "a AUTHENTICATE PLAIN YW5uYQBhbm5hAGthZmZlZQ==\r\n", 1, "",
	  LOGIN_ASK, "anna", "kaffee" },
	{ "a AUTHENTICATE PLAIN Ym9zcwBhbm5hAGthZmZlZQ==\r\n", 1,
	  "a NO [AUTHORIZATIONFAILED] nobody acts for another\r\n",
	  LOGIN_INPUT, NULL, NULL },
	/* ANNA; another case of the domain; without the domain, on either
	   side; and others: another domain, bert, a longer one, ann, none. */
	{ "a AUTHENTICATE PLAIN "
	  "QU5OQQBhbm5hAGthZmZlZQ==\r\n", 1, "",
	  LOGIN_ASK, "anna", "kaffee" },
	{ "a AUTHENTICATE PLAIN "
	  "YW5uYUBFeGFtcGxlLlRFU1QAQW5uYUBleGFtcGxlLnRlc3QAa2FmZmVl\r\n", 1, "",
	  LOGIN_ASK, "Anna@example.test", "kaffee" },
	{ "a AUTHENTICATE PLAIN "
	  "QW5uYQBhbm5hQGV4YW1wbGUudGVzdABrYWZmZWU=\r\n", 1, "",
	  LOGIN_ASK, "anna@example.test", "kaffee" },
	{ "a AUTHENTICATE PLAIN "
	  "YW5uYUBleGFtcGxlLnRlc3QAQU5OQQBrYWZmZWU=\r\n", 1, "",
	  LOGIN_ASK, "ANNA", "kaffee" },
	{ "a AUTHENTICATE PLAIN "
	  "YW5uYUBvdGhlci50ZXN0AGFubmFAZXhhbXBsZS50ZXN0AGthZmZlZQ==\r\n", 1,
	  "a NO [AUTHORIZATIONFAILED] nobody acts for another\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN "
	  "YmVydABhbm5hQGV4YW1wbGUudGVzdABrYWZmZWU=\r\n", 1,
	  "a NO [AUTHORIZATIONFAILED] nobody acts for another\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN "
	  "YW5uYUBleGFtcGxlLnRlc3R4AGFubmFAZXhhbXBsZS50ZXN0AGthZmZlZQ==\r\n", 1,
	  "a NO [AUTHORIZATIONFAILED] nobody acts for another\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN "
	  "YW5uAGFubmEAa2FmZmVl\r\n", 1,
	  "a NO [AUTHORIZATIONFAILED] nobody acts for another\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN "
	  "QGV4YW1wbGUudGVzdABhbm5hQGV4YW1wbGUudGVzdABrYWZmZWU=\r\n", 1,
	  "a NO [AUTHORIZATIONFAILED] nobody acts for another\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n", 1,
	  "+ \r\na BAD cancelled\r\nb OK done\r\n", LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE PLAIN =\r\na AUTHENTICATE PLAIN !!!!\r\n"
	  "a AUTHENTICATE PLAIN AAA=\r\n", 1,
	  "a BAD malformed message of PLAIN\r\n"
	  "a BAD malformed message of PLAIN\r\n"
	  "a BAD malformed message of PLAIN\r\n", LOGIN_INPUT, NULL, NULL },
	{ "a AUTHENTICATE CRAM-MD5\r\n", 1,
	  "a NO [CANNOT] PLAIN is what there is\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "GET / HTTP/1.1\r\nHost: x\r\n", 1, "", LOGIN_END, NULL, NULL },
	{ "\x16\x03\x01\x02", 0, "", LOGIN_END, NULL, NULL },
};

static const struct row pop3_rows[] = {
	{ "CAPA\r\n", 0, "+OK\r\n" POP3_CAPABILITY "STLS\r\n.\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "capa\n", 1,
	  "+OK\r\n" POP3_CAPABILITY "USER\r\nSASL PLAIN\r\n.\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "USER anna\r\nPASS x\r\nAUTH PLAIN\r\n", 0,
	  "-ERR STLS first\r\n-ERR STLS first\r\n-ERR STLS first\r\n",
	  LOGIN_INPUT, NULL, NULL },
	{ "STLS\r\nCAPA\r\n", 0, "+OK begin TLS now\r\n", LOGIN_TLS, NULL,
	  NULL },
	{ "STLS x\r\n", 0, "-ERR STLS takes no arguments\r\n", LOGIN_INPUT,
	  NULL, NULL },
	{ "STLS\r\n", 1, "-ERR TLS is on already\r\n", LOGIN_INPUT, NULL,
	  NULL },
	{ "USER anna\r\nPASS kaffee  kanne \r\nSTAT\r\n", 1, "+OK\r\n",
	  LOGIN_ASK, "anna", "kaffee  kanne " },
	{ "PASS x\r\nUSER\r\nUSER a\r\nPASS\r\n", 1,
	  "-ERR USER first\r\n-ERR USER takes a name\r\n+OK\r\n", LOGIN_ASK,
	  "a", "" },
	{ "APOP anna 12\r\nSTAT\r\nXYZZY\r\nQUIT\r\n", 1,
	  "-ERR unknown, or not before login\r\n"
	  "-ERR unknown, or not before login\r\n"
	  "-ERR unknown, or not before login\r\n+OK until next time\r\n",
	  LOGIN_END, NULL, NULL },
	{ "AUTH\r\nAUTH PLAIN\r\nAGFubmEAa2FmZmVl\r\n", 1,
	  "+OK\r\nPLAIN\r\n.\r\n+ \r\n", LOGIN_ASK, "anna", "kaffee" },
	{ "AUTH PLAIN AGFubmEAa2FmZmVl\r\n", 1, "", LOGIN_ASK, "anna",
	  "kaffee" },
	{ "AUTH PLAIN\r\n*\r\nAUTH PLAIN x\r\nAUTH LOGIN\r\n", 1,
	  "+ \r\n-ERR cancelled\r\n-ERR malformed message of PLAIN\r\n"
	  "-ERR PLAIN is what there is\r\n", LOGIN_INPUT, NULL, NULL },
};

/* Feeds in by pieces of step octets; the talk, to be freed. */
static struct login_talk *
feed(const struct login_protocol *p, const char *in, size_t len, int tls,
    size_t step, enum login_want *want_r)
{
	struct login_talk *t = login_talk_new(p, tls);
	enum login_want want = LOGIN_INPUT;
	size_t i, n;

	for (i = 0; i < len && want == LOGIN_INPUT; i += n) {
		n = len - i < step ? len - i : step;
		if (n > LOGIN_IN_MAX - t->in.len)
			n = LOGIN_IN_MAX - t->in.len;
		assert_true(n > 0);
		assert_int_equal(buf_append(&t->in, in + i, n), 0);
		want = login_talk_run(t);
	}
	*want_r = want;
	return t;
}

static void
check_rows(const struct login_protocol *p, const struct row *row, size_t n)
{
	enum login_want want;
	struct login_talk *t;
	size_t i, step, len;

	for (i = 0; i < n; i++) {
		len = strlen(row[i].in);
		for (step = 1; step <= len; step++) {
			t = feed(p, row[i].in, len, row[i].tls, step, &want);
			assert_string_equal(buf_str(&t->out), row[i].out);
			assert_int_equal(want, row[i].want);
			if (want == LOGIN_ASK) {
				assert_string_equal(buf_str(&t->user),
				    row[i].user);
				assert_string_equal(buf_str(&t->password),
				    row[i].password);
			}
			login_talk_free(&t);
		}
	}
}

static void
test_imap(void **state)
{
	check_rows(&login_imap, imap_rows,
	    sizeof(imap_rows) / sizeof(imap_rows[0]));
}

static void
test_pop3(void **state)
{
	check_rows(&login_pop3, pop3_rows,
	    sizeof(pop3_rows) / sizeof(pop3_rows[0]));
}

/* Answers of auth, and what stands behind the login in the same segment. */
static void
test_answers(void **state)
{
	static const char in[] = "a LOGIN x y\r\nb SELECT INBOX\r\n";
	enum login_want want;
	struct login_talk *t;
	int i;

	t = feed(&login_imap, in, sizeof(in) - 1, 1, 100, &want);
	assert_int_equal(want, LOGIN_ASK);
	login_talk_passed(t);
	assert_string_equal(buf_str(&t->out), "a OK [CAPABILITY "
	    IMAP_CAPABILITY "] logged in\r\n");
	assert_string_equal(buf_str(&t->in), "b SELECT INBOX\r\n");
	assert_int_equal(t->password.len, 0);
	login_talk_free(&t);

	t = feed(&login_imap, in, sizeof(in) - 1, 1, 100, &want);
	for (i = 1; i < LOGIN_FAILURES_MAX; i++) {
		buf_reset(&t->out);
		assert_int_equal(login_talk_refused(t, LOGIN_BAD),
		    LOGIN_INPUT);
		assert_string_equal(buf_str(&t->out), "a NO "
		    "[AUTHENTICATIONFAILED] wrong name or password\r\n");
	}
	assert_int_equal(login_talk_refused(t, LOGIN_LATER), LOGIN_END);
	assert_non_null(strstr(buf_str(&t->out), "a NO [UNAVAILABLE]"));
	assert_non_null(strstr(buf_str(&t->out), "* BYE too many failed"));
	login_talk_free(&t);

	t = feed(&login_pop3, "USER a\r\nPASS b\r\nSTAT\r\n", 22, 1, 100,
	    &want);
	login_talk_refused(t, LOGIN_BAD);
	assert_string_equal(buf_str(&t->out),
	    "+OK\r\n-ERR [AUTH] wrong name or password\r\n");
	login_talk_passed(t);
	assert_string_equal(buf_str(&t->in), "STAT\r\n");
	login_talk_free(&t);
}

static void
test_after_tls(void **state)
{
	static const char in[] = "a STARTTLS\r\nb LOGIN x y\r\n";
	enum login_want want;
	struct login_talk *t;

	t = feed(&login_imap, in, sizeof(in) - 1, 0, 100, &want);
	assert_int_equal(want, LOGIN_TLS);
	buf_reset(&t->out);
	login_talk_tls(t);
	assert_int_equal(login_talk_run(t), LOGIN_INPUT);
	assert_int_equal(t->out.len, 0);
	assert_int_equal(t->in.len, 0);
	login_talk_free(&t);
}

static char *
many(const char *head, const char *unit, size_t n, const char *tail,
    size_t *len_r)
{
	struct buf b = BUF_INIT(0);
	char *s;
	size_t i;

	buf_puts(&b, head);
	for (i = 0; i < n; i++)
		buf_puts(&b, unit);
	buf_puts(&b, tail);
	*len_r = b.len;
	s = strdup(buf_str(&b));
	buf_clear(&b);
	return s;
}

/* RFC 2971 3.3: up to 30 pairs, names of 30 octets and values of 1024. */
static void
put_id(struct buf *b, const char *value, size_t octets)
{
	char name[31];
	int i, j;

	buf_puts(b, "a ID (");
	for (i = 0; i < 30; i++) {
		memset(name, 'a' + i % 26, 30);
		name[30] = '\0';
		buf_printf(b, "%s\"%s\" ", i > 0 ? " " : "", name);
		if (octets == 0) {
			buf_puts(b, "NIL");
			continue;
		}
		if (value == NULL)
			buf_puts(b, i % 2 ? "{1024}\r\n" : "{1024+}\r\n");
		else
			buf_putc(b, '"');
		for (j = 0; j < 1024 / (int)octets; j++)
			buf_puts(b, value != NULL ? value : "\"\n");
		if (value != NULL)
			buf_putc(b, '"');
	}
	buf_puts(b, ")\r\nb NOOP\r\n");
}

static void
test_id(void **state)
{
	static const struct {
		const char *value;	/* again and again; NULL: literals */
		size_t	 octets;	/* of it; 0: NIL */
	} row[] = {
		{ "x", 1 }, { "\\\"", 1 }, { NULL, 2 }, { "", 0 },
		{ "\xc3\xa4{5}", 5 },
	};
	static const size_t step[] = { 1, 7, 63, 64, 65, 1000, 4096, 20480 };
	enum login_want want;
	struct login_talk *t;
	struct buf b = BUF_INIT(0);
	size_t i, k;
	char *at;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&b);
		put_id(&b, row[i].value, row[i].octets);
		for (k = 0; k < sizeof(step) / sizeof(step[0]); k++) {
			t = feed(&login_imap, b.data, b.len, 0, step[k],
			    &want);
			assert_int_equal(want, LOGIN_INPUT);
			at = strstr(buf_str(&t->out), "* ID ");
			assert_non_null(at);
			assert_string_equal(at, "* ID " IMAP_ID
			    "\r\na OK done\r\nb OK done\r\n");
			/* One "go on" for each literal that waits for it. */
			assert_int_equal(at - t->out.data,
			    row[i].value == NULL ? 15 * 9 : 0);
			assert_int_equal(t->in.len, 0);
			assert_int_equal(t->dropped, 0);
			login_talk_free(&t);
		}
	}
	buf_clear(&b);
}

static void
test_bounds(void **state)
{
	static const struct {
		const struct login_protocol *p;
		const char *head, *unit;
		size_t	 n;
		const char *tail, *last;
	} row[] = {
		{ &login_imap, "", "a NOOP\r\n", 10000, "",
		  "* BYE too many commands before login\r\n" },
		{ &login_imap, "", "a XX\r\n", 10000, "",
		  "* BYE too many errors\r\n" },
		{ &login_imap, "a ", "x", 100000, "",
		  "* BYE that line is too long\r\n" },
		{ &login_imap, "", "x", 10000, " NOOP\r\n",
		  "* BYE that line is too long\r\n" },
		{ &login_imap, "a ID (", "x", 100000, "",
		  "* BYE that command is too long\r\n" },
		{ &login_imap, "a ID (", "{1+}\r\nx", 100000, "",
		  "* BYE that command is too long\r\n" },
		{ &login_imap, "a ID (", "x", 60000, ")\r\nb LOGIN {8193+}\r\n",
		  "* BYE that literal is too big\r\n" },
		{ &login_imap, "a LOGIN ", "{1+}\r\nx", 100000, "",
		  "* BYE that command is too long\r\n" },
		{ &login_imap, "a ID ", "(", 8000, "\r\n",
		  "a OK done\r\n" },
		{ &login_imap, "", "x", 100, " NOOP\r\n",
		  "* BAD a command is a tag and a name\r\n" },
		{ &login_imap, "a LOGIN ", "x", 400, " y\r\n",
		  "a BAD LOGIN takes a name and a password\r\n" },
		{ &login_pop3, "", "CAPA\r\n", 10000, "",
		  "-ERR too many commands before login\r\n" },
		{ &login_pop3, "USER ", "x", 100000, "",
		  "-ERR that line is too long\r\n" },
		{ &login_pop3, "USER ", "x", 400, "\r\n",
		  "-ERR USER takes a name\r\n" },
	};
	enum login_want want;
	struct login_talk *t;
	size_t i, len, n;
	char *s;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		s = many(row[i].head, row[i].unit, row[i].n, row[i].tail,
		    &len);
		t = feed(row[i].p, s, len, 1, 1000, &want);
		n = strlen(row[i].last);
		assert_true(t->out.len >= n);
		assert_string_equal(t->out.data + t->out.len - n,
		    row[i].last);
		login_talk_free(&t);
		free(s);
	}
}

/* The last that is served, and the first that is not: n units, and n + 1. */
static void
test_exact_bounds(void **state)
{
	static const struct {
		const struct login_protocol *p;
		const char *head, *unit;
		size_t	 n;
		const char *tail, *served, *refused;
	} row[] = {
		{ &login_imap, "", "x", LOGIN_TAG_MAX, " NOOP\r\n",
		  "x OK done\r\n", "* BAD a command is a tag and a name\r\n" },
		{ &login_imap, "a ", "x", LOGIN_LINE_MAX - 4, "\r\n",
		  "a BAD unknown, or not before login\r\n",
		  "* BYE that line is too long\r\n" },
		{ &login_imap, "a ", "x", LOGIN_LINE_MAX - 3, "", "",
		  "* BYE that line is too long\r\n" },
		/* Of an ID the head goes first, and a tail is kept. */
		{ &login_imap, "a ID (", "x", LOGIN_ID_MAX + 64, "", "",
		  "* BYE that command is too long\r\n" },
		{ &login_imap, "", "a XX\r\n", LOGIN_ERRORS_MAX - 1, "",
		  "a BAD unknown, or not before login\r\n",
		  "* BYE too many errors\r\n" },
		{ &login_imap, "", "a NOOP\r\n", LOGIN_COMMANDS_MAX - 1, "",
		  "a OK done\r\n", "* BYE too many commands before login\r\n" },
		{ &login_pop3, "", "x", LOGIN_LINE_MAX - 2, "\r\n",
		  "-ERR unknown, or not before login\r\n",
		  "-ERR that line is too long\r\n" },
		{ &login_pop3, "", "x", LOGIN_LINE_MAX - 1, "", "",
		  "-ERR that line is too long\r\n" },
		{ &login_pop3, "", "XX\r\n", LOGIN_ERRORS_MAX - 1, "",
		  "-ERR unknown, or not before login\r\n",
		  "-ERR too many errors\r\n" },
		{ &login_pop3, "", "CAPA\r\n", LOGIN_COMMANDS_MAX - 1, "",
		  "\r\n.\r\n", "-ERR too many commands before login\r\n" },
	};
	enum login_want want;
	struct login_talk *t;
	const char *last;
	size_t i, more, len, n;
	char *s;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (more = 0; more < 2; more++) {
			s = many(row[i].head, row[i].unit, row[i].n + more,
			    row[i].tail, &len);
			t = feed(row[i].p, s, len, 1, 1000, &want);
			last = more ? row[i].refused : row[i].served;
			n = strlen(last);
			if (t->out.len < n || (n == 0 && t->out.len > 0) ||
			    strcmp(buf_str(&t->out) + t->out.len - n, last) != 0)
				fail_msg("row %zu, %zu: %s", i, more,
				    buf_str(&t->out));
			assert_int_equal(want, strstr(last, "BYE") != NULL ||
			    strstr(last, " too ") != NULL ? LOGIN_END :
			    LOGIN_INPUT);
			login_talk_free(&t);
			free(s);
		}
}

/* A command's literals have one bound in all; the next command has its own. */
static void
test_literals(void **state)
{
	enum { HALF = LOGIN_LITERALS_MAX / 2 + 100 };
	struct buf b = BUF_INIT(0);
	enum login_want want;
	struct login_talk *t;
	int i, j;

	for (i = 0; i < 2; i++) {
		buf_printf(&b, "a%d ID ({%d+}\r\n", i, HALF);
		for (j = 0; j < HALF; j++)
			buf_putc(&b, 'x');
		buf_puts(&b, " NIL)\r\n");
	}
	t = feed(&login_imap, b.data, b.len, 1, 1000, &want);
	assert_int_equal(want, LOGIN_INPUT);
	assert_non_null(strstr(buf_str(&t->out), "a0 OK done\r\n"));
	assert_non_null(strstr(buf_str(&t->out), "a1 OK done\r\n"));
	login_talk_free(&t);
	buf_set(&b, "a LOGIN {%d+}\r\n", HALF);
	for (j = 0; j < HALF; j++)
		buf_putc(&b, 'x');
	buf_printf(&b, " {%d}\r\n", HALF);
	t = feed(&login_imap, b.data, b.len, 1, 1000, &want);
	assert_int_equal(want, LOGIN_INPUT);
	assert_string_equal(buf_str(&t->out), "a BAD that literal is too "
	    "big\r\n");
	login_talk_free(&t);
	buf_clear(&b);
}

/* What answers a challenge is no command, whatever it looks like. */
static void
test_sasl_line(void **state)
{
	static const char in[] = "a AUTHENTICATE PLAIN\r\n{5}\r\n"
	    "b AUTHENTICATE PLAIN\r\nc LOGOUT\r\nd NOOP\r\n";
	enum login_want want;
	struct login_talk *t;

	t = feed(&login_imap, in, sizeof(in) - 1, 1, 100, &want);
	assert_int_equal(want, LOGIN_INPUT);
	assert_string_equal(buf_str(&t->out), "+ \r\na BAD malformed message "
	    "of PLAIN\r\n+ \r\nb BAD malformed message of PLAIN\r\n"
	    "d OK done\r\n");
	login_talk_free(&t);
}

/* Each line is short, the command endless: one in-buffer is all it gets. */
static void
test_long_command(void **state)
{
	struct buf b = BUF_INIT(0);
	enum login_want want;
	struct login_talk *t;
	int i, j;

	buf_puts(&b, "a LOGIN ");
	for (i = 0; i < 10; i++) {
		for (j = 0; j < 4000; j++)
			buf_putc(&b, 'x');
		buf_puts(&b, "{1+}\r\ny");
	}
	t = feed(&login_imap, b.data, b.len, 1, 1000, &want);
	assert_int_equal(want, LOGIN_END);
	assert_string_equal(buf_str(&t->out),
	    "* BYE that command is too long\r\n");
	login_talk_free(&t);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imap),
		cmocka_unit_test(test_pop3),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_after_tls),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_exact_bounds),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_sasl_line),
		cmocka_unit_test(test_long_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
