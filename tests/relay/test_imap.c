/*
 * The client's side of IMAP against a scripted server (script.h), mostly a
 * hostile one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/door.h"
#include "lib/net/tls.h"
#include "relay/imap_change.h"
#include "relay/imap_fetch.h"
#include "relay/imap_list.h"
#include "relay/imap_login.h"
#include "tests/relay/script.h"

enum { STEPS = SCRIPT_STEPS, QUICK_MS = 400 };

static pid_t
start(const char *const *script, struct imap_client *c)
{
	int fd;
	pid_t pid = script_start(script, &fd);

	imap_init(c, fd, "old");
	c->command = 10000;
	return pid;
}

static void
finish(struct imap_client *c, pid_t pid, const char *name)
{
	imap_close(c);
	script_finish(pid, name);
}

static const struct imap_account anna = { "anna", "pass \"\\word",
	SASL_PASSWORD };

#define HELLO ">* OK [CAPABILITY IMAP4rev1 ID] old ready"

/* How a session begins, or does not. */
static const struct login_row {
	const char *name;
	const char *script[STEPS];
	enum imap_result greet, login;
	const char *words;
	enum sasl_secret secret;
} logins[] = {
	{ "LOGIN", { HELLO, "<LOGIN \"anna\" \"pass \\\"\\\\word\"\r\n",
	  ">% OK [CAPABILITY IMAP4rev1] in" }, IMAP_OK, IMAP_OK, "" },
	{ "capabilities are asked for", { ">* OK old", "<CAPABILITY",
	  ">* CAPABILITY IMAP4rev1 AUTH=PLAIN", ">% OK", "<AUTHENTICATE PLAIN"
	  "\r\n", ">+ ", "<AGFubmEAcGFzcyAiXHdvcmQ=\r\n", ">R2 OK in",
	  "<CAPABILITY", ">* CAPABILITY IMAP4rev1 ID", ">% OK", "<ID (",
	  ">* ID NIL", ">% OK" }, IMAP_OK, IMAP_OK, "" },
	{ "a token without TLS", {
	  ">* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN] x" },
	  IMAP_OK, IMAP_NO, "old is shown no access token without TLS",
	  SASL_TOKEN },
	{ "SASL-IR", { ">* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x",
	  "<AUTHENTICATE PLAIN AGFubmEAcGFzcyAiXHdvcmQ=\r\n",
	  ">% OK [CAPABILITY IMAP4rev1 ENABLE UTF8=ACCEPT QRESYNC] in",
	  "<ENABLE QRESYNC UTF8=ACCEPT\r\n", ">* ENABLED QRESYNC",
	  ">% OK" }, IMAP_OK, IMAP_OK, "" },
	{ "refused", { HELLO, "<LOGIN", ">% NO [AUTHENTICATIONFAILED] wrong"
	  }, IMAP_OK, IMAP_NO, "old refuses the login: NO wrong" },
	{ "LOGINDISABLED", { ">* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x"
	  }, IMAP_OK, IMAP_NO, "old offers no login" },
	{ "ENABLE is refused", { ">* OK [CAPABILITY ENABLE UTF8=ACCEPT] x",
	  "<LOGIN", ">% OK in", "<CAPABILITY", ">* CAPABILITY ENABLE "
	  "UTF8=ACCEPT", ">% OK", "<ENABLE", ">% BAD what" }, IMAP_OK,
	  IMAP_OK, "" },
	{ "untagged data at any time", { HELLO, "<LOGIN", ">* 3 EXISTS",
	  ">* FLAGS (\\Seen)", ">* OK still here", ">* XYZZY \"broken",
	  ">% OK [CAPABILITY IMAP4rev1] in" }, IMAP_OK, IMAP_OK, "" },

	/* hostile rows */
	{ "PREAUTH", { ">* PREAUTH you are root" }, IMAP_LOST, 0,
	  "old does not greet" },
	{ "BYE", { ">* BYE go\001 away" }, IMAP_LOST, 0,
	  "old said: BYE go? away" },
	{ "not IMAP", { ">220 mx ESMTP" }, IMAP_LOST, 0,
	  "old does not speak IMAP: 220 mx ESMTP" },
	{ "closed", { "!" }, IMAP_LOST, 0, "old lost the connection" },
	{ "silent", { "#" }, IMAP_LOST, 0, "old did not answer in time" },
	{ "a line without end", { "~40000 endless words and more of them "
	  }, IMAP_LOST, 0, "old sends a response without end" },
	{ "a long literal", { ">* OK {70000}" }, IMAP_LOST, 0,
	  "old sends a literal that is too long" },
	{ "a literal of 2^32", { ">* OK {4294967296}" }, IMAP_LOST, 0,
	  "old sends a literal that is too long" },
	{ "another's tag", { HELLO, "<LOGIN", ">R77 OK in" }, IMAP_OK,
	  IMAP_LOST, "old answers what was not asked" },
	{ "continuation", { HELLO, "<LOGIN", ">+ more?" }, IMAP_OK, IMAP_LOST,
	  "old asks for what was not offered" },
	{ "challenges without end", { ">* OK [CAPABILITY AUTH=PLAIN] x",
	  "<AUTHENTICATE", "~30 + \r\n" }, IMAP_OK, IMAP_LOST,
	  "old does not end the login" },
	{ "SCRAM that would take hours", { ">* OK [CAPABILITY "
	  "AUTH=SCRAM-SHA-256] x", "<AUTHENTICATE SCRAM-SHA-256\r\n", ">+ ",
	  "<", ">+ cj14LHM9YzJGc2RBPT0saT0xMDAwMDAx" }, IMAP_OK, IMAP_LOST,
	  "old asks for too much work at the login" },
	{ "another's nonce", { ">* OK [CAPABILITY AUTH=SCRAM-SHA-256] x",
	  "<AUTHENTICATE SCRAM-SHA-256\r\n", ">+ ", "<",
	  ">+ cj14LHM9YzJGc2RBPT0saT0xMDAwMDAw" }, IMAP_OK, IMAP_LOST,
	  "old login: " },
	{ "BYE within the login", { HELLO, "<LOGIN", ">* BYE later", "!" },
	  IMAP_OK, IMAP_LOST, "old said: BYE later" },
};

static void
test_logins(void **state)
{
	struct imap_account who = anna;
	const struct login_row *t;
	struct imap_client c;
	enum imap_result r;
	size_t i;
	pid_t pid;

	for (i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		t = &logins[i];
		pid = start(t->script, &c);
		if (strcmp(t->name, "silent") == 0)
			c.command = QUICK_MS;
		r = imap_greet(&c, IMAP_PLAIN, NULL, "old.test");
		if (r != t->greet)
			fail_msg("%s: greet %d %s", t->name, r,
			    buf_str(&c.words));
		if (r == IMAP_OK) {
			who.secret = t->secret;
			r = imap_login(&c, &who, "old.test");
			if (r != t->login)
				fail_msg("%s: login %d %s", t->name, r,
				    buf_str(&c.words));
		}
		if (strncmp(buf_str(&c.words), t->words, strlen(t->words)) != 0)
			fail_msg("%s: words %s", t->name, buf_str(&c.words));
		if (c.dead != (r == IMAP_LOST))
			fail_msg("%s: dead %d", t->name, c.dead);
		finish(&c, pid, t->name);
	}
}

/* No TLS, no login: neither where it is not offered nor where it is refused. */
static void
test_starttls(void **state)
{
	static const char *const none[] = { HELLO, NULL };
	static const char *const refused[] = {
		">* OK [CAPABILITY STARTTLS] x", "<STARTTLS", ">% NO not now",
		NULL };
	static const char *const garbage[] = {
		">* OK [CAPABILITY STARTTLS] x", "<STARTTLS",
		">% OK go", ">* CAPABILITY AUTH=PLAIN", NULL };
	static const char *const *const all[] = { none, refused, garbage };
	struct buf why = BUF_INIT(300);
	SSL_CTX *ctx = tls_client_new(NULL, TLS_UNKNOWN, &why);
	struct imap_client c;
	size_t i;
	pid_t pid;

	assert_non_null(ctx);
	for (i = 0; i < 3; i++) {
		pid = start(all[i], &c);
		/* Nobody answers the handshake. */
		if (i == 2)
			c.command = QUICK_MS;
		assert_int_equal(imap_greet(&c, IMAP_STARTTLS, ctx,
		    "old.test"), IMAP_LOST);
		assert_int_equal(c.dead, 1);
		kill(pid, SIGKILL);
		imap_close(&c);
		waitpid(pid, NULL, 0);
	}
	tls_free(&ctx);
	buf_clear(&why);
}

/* One line for each mailbox: "name wire uses subscribed". */
static void
listed(const struct imap_list *l, struct buf *out)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		buf_printf(out, "%s=%s %u%s%s\n", l->v[i].name, l->v[i].wire,
		    l->v[i].uses, l->v[i].subscribed ? " sub" : "",
		    l->v[i].noselect ? " name" : "");
	buf_printf(out, "%u\n", l->left_out);
}

static const struct list_row {
	const char *script[STEPS];
	const char *all;
} lists[] = {
	/* Courier's way: all below INBOX. */
	{ { ">* OK [CAPABILITY NAMESPACE] x", "<NAMESPACE",
	  ">* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"shared.\" \".\"))",
	  ">% OK", "<LIST \"\" \"*\"\r\n",
	  ">* LIST (\\HasChildren) \".\" INBOX",
	  ">* LIST (\\Sent) \".\" \"INBOX.Sent\"",
	  ">* LIST () \".\" INBOX.Gel&APY-scht.a/b",
	  ">* LIST () \".\" {8}", ">INBOX.li", ">% OK",
	  "<LSUB \"\" \"*\"", ">* LSUB () \".\" \"INBOX.Sent\"", ">% OK" },
	  "INBOX=INBOX 0\nGel\xc3\xb6scht/a_b=INBOX.Gel&APY-scht.a/b 0\n"
	  "Sent=INBOX.Sent 2 sub\nli=INBOX.li 0\n0\n" },
	/* Special uses, and what is not to be had. */
	{ { ">* OK [CAPABILITY LIST-EXTENDED SPECIAL-USE] x",
	  "<LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE)\r\n",
	  ">* LIST (\\Noselect) \"/\" \"[Gmail]\"",
	  ">* LIST (\\Subscribed \\Trash) \"/\" \"[Gmail]/Papierkorb\"",
	  ">* LIST (\\Subscribed) \"/\" inbox",
	  ">* LIST (\\Subscribed) \"/\" inbox/b",
	  ">* LIST () NIL \"a\\\"b\"",
	  ">* LIST () \"/\" \"a//b\"", ">* LIST () \"/\" \"\"",
	  ">* LIST () \"/\" \"a\001b\"", ">* LIST () \"/\" inbox",
	  ">* LIST (", ">% OK" }, NULL },
	{ { ">* OK [CAPABILITY LIST-EXTENDED SPECIAL-USE] x",
	  "<LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE)\r\n",
	  ">* LIST (\\Noselect) \"/\" \"[Gmail]\"",
	  ">* LIST (\\Subscribed \\Trash) \"/\" \"[Gmail]/Papierkorb\"",
	  ">* LIST (\\Subscribed) \"/\" inbox",
	  ">* LIST (\\Subscribed) \"/\" inbox/b",
	  ">* LIST () NIL \"a\\\"b\"",
	  ">* LIST () \"/\" \"a//b\"", ">* LIST () \"/\" \"\"",
	  ">* LIST () \"/\" \"a\001b\"", ">* LIST () \"/\" inbox", ">% OK" },
	  "INBOX=inbox 0 sub\nINBOX/b=inbox/b 0 sub\n[Gmail]=[Gmail] 0 name\n"
	  "[Gmail]/Papierkorb=[Gmail]/Papierkorb 4 sub\na\"b=a\"b 0\n3\n" },
};

static void
test_lists(void **state)
{
	struct buf out = BUF_INIT(0);
	struct imap_client c;
	struct imap_list l;
	enum imap_result r;
	size_t i;
	pid_t pid;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		pid = start(lists[i].script, &c);
		assert_int_equal(imap_greet(&c, IMAP_PLAIN, NULL, "x"),
		    IMAP_OK);
		r = imap_list(&c, &l);
		assert_int_equal(r, lists[i].all != NULL ? IMAP_OK :
		    IMAP_LOST);
		buf_reset(&out);
		listed(&l, &out);
		if (lists[i].all != NULL)
			assert_string_equal(buf_str(&out), lists[i].all);
		imap_list_clear(&l);
		finish(&c, pid, "list");
	}
	buf_clear(&out);
}

/* What is fetched, in a line for each message. */
struct seen {
	struct buf out, body;
	uint64_t size;
};

static void
on_message(void *ctx, const struct imap_message *m)
{
	struct seen *s = ctx;
	size_t i;

	buf_printf(&s->out, "%u", m->uid);
	if (m->has_flags)
		buf_printf(&s->out, " f%u", m->flags);
	for (i = 0; i < m->n_keywords; i++)
		buf_printf(&s->out, " %.*s", (int)m->keywords[i]->len,
		    m->keywords[i]->p);
	if (m->has_date)
		buf_printf(&s->out, " d%lld", (long long)m->date);
	if (m->has_size)
		buf_printf(&s->out, " s%llu", (unsigned long long)m->size);
	if (m->body == 1)
		buf_printf(&s->out, " {%llu}%s", (unsigned long long)s->size,
		    buf_str(&s->body));
	else if (m->body == 2)
		buf_printf(&s->out, " \"%.*s\"", (int)m->text->len,
		    m->text->p);
	buf_puts(&s->out, "\n");
	buf_reset(&s->body);
	s->size = 0;
}

static void
on_vanished(void *ctx, uint32_t first, uint32_t last)
{
	struct seen *s = ctx;

	buf_printf(&s->out, "-%u:%u\n", first, last);
}

static void
on_body(void *ctx, const char *p, size_t len, uint64_t size)
{
	struct seen *s = ctx;

	s->size = size;
	buf_append(&s->body, p, len);
}

static const struct imap_fetched fetched = { on_message, on_vanished,
	on_body };

static const struct fetch_row {
	const char *name;
	const char *script[STEPS];
	enum imap_result r;
	const char *all;
} fetches[] = {
	{ "all", { ">* 1 FETCH (UID 7 FLAGS (\\Seen \\Recent $Fwd x) "
	  "INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\" RFC822.SIZE 5 "
	  "BODY[] {5}", "~1 a\r\nbc)\r\n", ">R1 OK" }, IMAP_OK,
	  "7 f1 $Fwd x d836732665 s5 {5}a\r\nbc\n" },
	{ "the uid comes last", { ">* 1 FETCH (BODY[] {3}",
	  "~1 abc UID 9)\r\n", ">R1 OK" }, IMAP_OK, "9 {3}abc\n" },
	{ "no literal", { ">* 1 FETCH (UID 9 BODY[] \"\")",
	  ">* 2 FETCH (UID 10 BODY[] NIL)", ">* 3 FETCH (UID 11 BODY[] {0}",
	  ">)", ">R1 OK" }, IMAP_OK, "9 \"\"\n10\n11 {0}\n" },
	{ "others' news", { ">* 5 EXPUNGE", ">* VANISHED (EARLIER) 3:5,9",
	  ">* VANISHED 4294967295", ">* 2 FETCH (FLAGS ())",
	  ">* 2 FETCH (UID 5 FLAGS ())", ">R1 OK" }, IMAP_OK,
	  "-3:5\n-9:9\n-4294967295:4294967295\n5 f0\n" },
	{ "numbers over 2^32", { ">* 4294967296 FETCH (UID 1 FLAGS ())",
	  ">* 1 FETCH (UID 4294967296 RFC822.SIZE 4294967296)",
	  ">* 1 FETCH (UID 4 RFC822.SIZE 99999999999999999999)",
	  ">* 1 FETCH (UID 5 RFC822.SIZE 4294967296)",
	  ">* VANISHED 4294967296,7", ">R1 OK" }, IMAP_OK,
	  "4\n5 s4294967296\n" },
	{ "two messages in one", { ">* 1 FETCH (BODY[] {1}",
	  "~1 a BODY[] {1}\r\nb)\r\n" }, IMAP_LOST, NULL },
	{ "cut in a message", { ">* 1 FETCH (UID 1 BODY[] {100}", ">abc",
	  "!" }, IMAP_LOST, "" },
	{ "silent in a message", { ">* 1 FETCH (UID 1 BODY[] {100}", ">abc",
	  "#" }, IMAP_LOST, "" },
	{ "nesting", { "~1 * 1 FETCH (", "~100 (", "~100 )", ">)" },
	  IMAP_LOST, "" },
	{ "values without end", { "~1 * 1 FETCH (", "~20000 a ", ">)" },
	  IMAP_LOST, "" },
	{ "open brackets", { ">* 1 FETCH (UID 3", ">R1 OK" }, IMAP_LOST, "" },
	{ "no list", { ">* 1 FETCH 3", ">* 1 FETCH", ">* 1 FETCH () ()",
	  ">* 1 FETCH (UID)", ">* 1 FETCH (UID UID 3 FLAGS x FLAGS)",
	  ">R1 OK" }, IMAP_OK, "" },
	{ "the mailbox vanishes", { ">R1 NO [NONEXISTENT] gone" }, IMAP_NO,
	  "" },
	{ "a literal in a string", { ">* 1 FETCH (UID 3 X \"{5}\")",
	  ">* 1 FETCH (UID 4 X {5}", ">a\r\nb) FLAGS ())", ">R1 OK" },
	  IMAP_OK, "3\n4 f0\n" },
	{ "BYE", { ">* BYE shutdown", "!" }, IMAP_LOST, "" },
};

static void
test_fetches(void **state)
{
	const struct fetch_row *t;
	struct imap_client c;
	struct seen s;
	enum imap_result r;
	size_t i;
	pid_t pid;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
		t = &fetches[i];
		pid = start(t->script, &c);
		if (strcmp(t->name, "silent in a message") == 0)
			c.command = QUICK_MS;
		buf_reset(&s.out);
		buf_reset(&s.body);
		r = imap_fetch_wait(&c, imap_fetch_send(&c, "1:*", "FLAGS"),
		    &fetched, &s);
		if (r != t->r || (t->all != NULL &&
		    strcmp(buf_str(&s.out), t->all) != 0))
			fail_msg("%s: %d %s: %s", t->name, r,
			    buf_str(&c.words), buf_str(&s.out));
		finish(&c, pid, t->name);
	}
	buf_clear(&s.out);
	buf_clear(&s.body);
}

static void
test_examine(void **state)
{
	static const char *const script[] = {
		">* OK [CAPABILITY IMAP4rev1 CONDSTORE] x",
		"<EXAMINE \"a\\\"b\" (CONDSTORE)\r\n", ">* 3 EXISTS",
		">* OK [UIDVALIDITY 77] x", ">* OK [UIDNEXT 12] x",
		">* OK [HIGHESTMODSEQ 18446744073709551615] no",
		">* OK [HIGHESTMODSEQ 99] x", ">% OK [READ-ONLY] done",
		"<EXAMINE \"a\" (QRESYNC (77 50))\r\n",
		">* OK [UIDVALIDITY 77] x", ">* OK [HIGHESTMODSEQ 99] x",
		">* VANISHED (EARLIER) 4", ">* 1 FETCH (UID 5 FLAGS ())",
		">% OK done",
		"<EXAMINE \"b\" (QRESYNC (77 50))\r\n",
		">* OK [UIDVALIDITY 78] x", ">* OK [HIGHESTMODSEQ 99] x",
		">% OK done",
		"<EXAMINE \"gone\"", ">% NO [NONEXISTENT] no such",
		"<EXAMINE \"odd\"", ">% OK done", NULL };
	struct imap_client c;
	struct imap_box b;
	struct seen s;
	pid_t pid = start(script, &c);
	int told;

	memset(&s, 0, sizeof(s));
	assert_int_equal(imap_greet(&c, IMAP_PLAIN, NULL, "x"), IMAP_OK);
	assert_int_equal(imap_examine(&c, "a\"b", 77, 50, &b, NULL, NULL,
	    &told), IMAP_OK);
	assert_int_equal(told, 0);
	assert_int_equal(b.uidvalidity, 77);
	assert_int_equal(b.uidnext, 12);
	assert_int_equal(b.messages, 3);
	assert_int_equal(b.highestmodseq, 99);
	c.enabled = IMAP_CAP_QRESYNC;
	assert_int_equal(imap_examine(&c, "a", 77, 50, &b, &fetched, &s,
	    &told), IMAP_OK);
	assert_int_equal(told, 1);
	assert_string_equal(buf_str(&s.out), "-4:4\n5 f0\n");
	assert_int_equal(imap_examine(&c, "b", 77, 50, &b, NULL, NULL,
	    &told), IMAP_OK);
	assert_int_equal(told, 0);
	assert_int_equal(imap_examine(&c, "gone", 77, 50, &b, NULL, NULL,
	    &told), IMAP_NO);
	assert_string_equal(c.code, "NONEXISTENT");
	assert_int_equal(imap_examine(&c, "odd", 77, 0, &b, NULL, NULL,
	    &told), IMAP_LOST);
	buf_clear(&s.out);
	buf_clear(&s.body);
	finish(&c, pid, "examine");
}

/* Two commands are under way at a time, and a set has its bound. */
static void
test_pipelined(void **state)
{
	static const char *const script[] = { "<UID FETCH 1:2,5 (FLAGS)",
		"<UID FETCH 7 (FLAGS)", ">* 1 FETCH (UID 1 FLAGS ())",
		">R1 OK", ">* 7 FETCH (UID 7 FLAGS ())", ">R2 OK",
		"<UID FETCH 8", "<UID FETCH 9", ">R4 NO no", ">R3 OK", NULL };
	static const uint32_t uids[] = { 1, 2, 5 };
	struct buf set = BUF_INIT(0);
	uint32_t many[4000];
	struct imap_client c;
	struct seen s;
	unsigned a, b, i;
	pid_t pid = start(script, &c);

	memset(&s, 0, sizeof(s));
	assert_int_equal(imap_set_put(&set, uids, 3), 3);
	a = imap_fetch_send(&c, buf_str(&set), "FLAGS");
	b = imap_fetch_send(&c, "7", "FLAGS");
	assert_int_equal(imap_fetch_wait(&c, a, &fetched, &s), IMAP_OK);
	assert_string_equal(buf_str(&s.out), "1 f0\n");
	assert_int_equal(imap_fetch_wait(&c, b, &fetched, &s), IMAP_OK);
	assert_string_equal(buf_str(&s.out), "1 f0\n7 f0\n");
	/* The later one may be answered first. */
	a = imap_fetch_send(&c, "8", "FLAGS");
	b = imap_fetch_send(&c, "9", "FLAGS");
	assert_int_equal(imap_fetch_wait(&c, a, &fetched, &s), IMAP_OK);
	assert_int_equal(imap_fetch_wait(&c, b, &fetched, &s), IMAP_NO);
	for (i = 0; i < 4000; i++)
		many[i] = 4000000000u + 2 * i;
	buf_reset(&set);
	a = (unsigned)imap_set_put(&set, many, 4000);
	assert_true(a < 4000 && a > 300);
	assert_true(set.len < IMAP_SET_MAX + 24);
	buf_clear(&set);
	buf_clear(&s.out);
	buf_clear(&s.body);
	finish(&c, pid, "pipelined");
}

static int
set_up(void **state)
{
	struct buf why = BUF_INIT(300);
	int r = imap_login_open(&why);

	signal(SIGPIPE, SIG_IGN);
	tls_init();
	buf_clear(&why);
	return r;
}

/* A mailbox in which something changes. */
#define CHANGING(caps) ">* OK [CAPABILITY IMAP4rev1 " caps "] x", \
	"<SELECT \"INBOX\"\r\n", ">* 3 EXISTS", ">* OK [UIDVALIDITY 7] x", \
	">% OK [READ-WRITE] x"

static pid_t
start_change(const char *const *script, struct imap_client *c)
{
	struct imap_box b;
	pid_t pid = start(script, c);

	assert_int_equal(imap_greet(c, IMAP_PLAIN, NULL, "x"), IMAP_OK);
	assert_int_equal(imap_select(c, "INBOX", &b), IMAP_OK);
	assert_int_equal(b.uidvalidity, 7);
	assert_int_equal(b.messages, 3);
	return pid;
}

/* Never EXPUNGE, which is for all that anybody has marked, and never CLOSE. */
static void
test_remove(void **state)
{
	static const char *const uidplus[] = { CHANGING("UIDPLUS"),
		"<UID STORE 2:3,9 +FLAGS.SILENT (\\Deleted)\r\n", ">% OK",
		"<UID EXPUNGE 2:3,9\r\n", ">* 2 EXPUNGE", ">% OK",
		"<LOGOUT", NULL };
	static const char *const without[] = { CHANGING("IDLE"),
		"<UID STORE 2:3,9 +FLAGS.SILENT (\\Deleted)\r\n", ">% OK",
		"<LOGOUT", NULL };
	static const char *const refused[] = { CHANGING("UIDPLUS"),
		"<UID STORE 2:3,9 ", ">% NO [READ-ONLY] x", "<LOGOUT", NULL };
	static const uint32_t uids[] = { 2, 3, 9 };
	struct imap_client c;
	pid_t pid;

	pid = start_change(uidplus, &c);
	assert_int_equal(imap_remove(&c, uids, 3), IMAP_OK);
	finish(&c, pid, "UIDPLUS");
	pid = start_change(without, &c);
	assert_int_equal(imap_remove(&c, uids, 3), IMAP_OK);
	finish(&c, pid, "without UIDPLUS");
	pid = start_change(refused, &c);
	assert_int_equal(imap_remove(&c, uids, 3), IMAP_NO);
	finish(&c, pid, "refused");
}

static int
look_once(void *ctx)
{
	return --*(int *)ctx < 0;
}

static const struct {
	const char *name, *script[STEPS];
	int	 looks;
	enum imap_result r;
	int	 news;
} idles[] = {
	{ "news", { CHANGING("IDLE"), "<IDLE\r\n", ">+ idling",
	  ">* OK still here", ">* 4 EXISTS", "<DONE\r\n", ">R2 OK" }, 100,
	  IMAP_OK, 1 },
	{ "news at once", { CHANGING("IDLE"), "<IDLE", ">* 4 EXISTS",
	  ">+ idling", "<DONE", ">R2 OK" }, 100, IMAP_OK, 1 },
	{ "we have something to say", { CHANGING("IDLE"), "<IDLE", ">+ idling",
	  "<DONE", ">R2 OK" }, 0, IMAP_OK, 0 },
	{ "refused", { CHANGING("IDLE"), "<IDLE", ">% BAD what" }, 0, IMAP_NO,
	  0 },
	{ "ended by the server", { CHANGING("IDLE"), "<IDLE", ">+ idling",
	  ">R2 OK", "#" }, 100, IMAP_LOST, 0 },
	{ "no IDLE after all", { CHANGING("IDLE"), "<IDLE", ">% OK", "#" },
	  100, IMAP_LOST, 0 },
	{ "closed", { CHANGING("IDLE"), "<IDLE", ">+ idling", "!" }, 100,
	  IMAP_LOST, 0 },
};

static void
test_idle(void **state)
{
	struct imap_client c;
	enum imap_result r;
	int looks, news;
	size_t i;
	pid_t pid;

	for (i = 0; i < sizeof(idles) / sizeof(idles[0]); i++) {
		pid = start_change(idles[i].script, &c);
		looks = idles[i].looks;
		r = imap_idle(&c, 60000, -1, look_once, &looks, &news);
		if (r != idles[i].r || news != idles[i].news)
			fail_msg("%s: %d, news %d: %s", idles[i].name, r,
			    news, buf_str(&c.words));
		finish(&c, pid, idles[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_fetches),
		cmocka_unit_test(test_examine),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
