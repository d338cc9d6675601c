/*
 * Extensions: what EHLO and HELP say in each service, and the parameters of
 * MAIL and RCPT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_ext.h"
#include "tests/smtpd/fake.h"

static void
test_hello(void **state)
{
	static const struct {
		enum service service;
		int tls;
		const char *hello, *verbs;
	} t[] = {
		{ SERVICE_SMTP, 0, "250-PIPELINING 250-SIZE 614400 "
		    "250-8BITMIME 250-STARTTLS 250-DSN "
		    "250 ENHANCEDSTATUSCODES ",
		    " STARTTLS" },
		{ SERVICE_SMTP, 1, "250-PIPELINING 250-SIZE 614400 "
		    "250-8BITMIME 250-DSN 250 ENHANCEDSTATUSCODES ", "" },
		{ SERVICE_SUBMISSION, 0, "250-PIPELINING 250-SIZE 614400 "
		    "250-8BITMIME 250-STARTTLS 250-DSN "
		    "250 ENHANCEDSTATUSCODES ",
		    " STARTTLS" },
		{ SERVICE_SUBMISSION, 1, "250-PIPELINING 250-SIZE 614400 "
		    "250-8BITMIME 250-AUTH PLAIN LOGIN "
		    "250-DSN 250 ENHANCEDSTATUSCODES ", " AUTH" },
		{ SERVICE_SUBMISSIONS, 1, "250-PIPELINING 250-SIZE 614400 "
		    "250-8BITMIME 250-AUTH PLAIN LOGIN "
		    "250-DSN 250 ENHANCEDSTATUSCODES ", " AUTH" },
		{ SERVICE_LOCAL, 0, "250-PIPELINING 250-SIZE 614400 "
		    "250-8BITMIME 250-DSN 250 ENHANCEDSTATUSCODES ", "" },
	};
	struct buf got = BUF_INIT(0);
	struct smtp_session s;
	struct stream far;
	char *line;
	size_t i, len;
	int fd[2];

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&s, 0, sizeof(s));
		assert_int_equal(fd_pair(fd), 0);
		stream_init(&s.io, fd[0]);
		stream_init(&far, fd[1]);
		s.service = t[i].service;
		s.tls[0] = t[i].tls ? 'T' : '\0';
		smtp_ext_hello(&s);
		assert_int_equal(stream_flush(&s.io), STREAM_OK);
		stream_clear(&s.io);
		buf_reset(&got);
		while (stream_line(&far, 500, &line, &len) == STREAM_OK)
			buf_printf(&got, "%s ", line);
		assert_string_equal(buf_str(&got), t[i].hello);
		buf_reset(&got);
		smtp_ext_verbs(&s, &got);
		assert_string_equal(buf_str(&got), t[i].verbs);
		stream_clear(&far);
	}
	buf_clear(&got);
}

/* No keyword stands there twice, no parameter belongs to two rows. */
static void
test_rows(void **state)
{
	const struct smtp_param_row *row;
	const struct smtp_ext *e, *f;
	const char *names[2][50];
	unsigned n[2] = { 0, 0 }, i, j, k;

	for (e = smtp_exts; e->keyword != NULL; e++) {
		for (f = smtp_exts; f < e; f++)
			assert_string_not_equal(e->keyword, f->keyword);
		for (k = 0; k < 2; k++)
			for (i = 0, row = k ? e->rcpt : e->mail;
			    i < EXT_PARAMS_MAX && row[i].name != NULL; i++)
				names[k][n[k]++] = row[i].name;
	}
	assert_true(n[0] > 2);
	for (k = 0; k < 2; k++)
		for (i = 0; i < n[k]; i++)
			for (j = 0; j < i; j++)
				assert_string_not_equal(names[k][i],
				    names[k][j]);
}

static void
test_params(void **state)
{
	static const struct {
		const char *in;
		int code, auth, rcpt;
		uint64_t size;
		uint32_t body;
	} t[] = {
		{ "", 0, 0, 0, 0, 0 },
		{ " ", 0, 0, 0, 0, 0 },
		{ " SIZE=10", 0, 0, 0, 10, 0 },
		{ " size=00010 BODY=8bitmime", 0, 0, 0, 10, Q_BODY_8BITMIME },
		{ "  BODY=7BIT   SIZE=1 ", 0, 0, 0, 1, Q_BODY_7BIT },
		{ " SIZE=1000", 0, 0, 0, 1000, 0 },
		{ " SIZE=1001", 552, 0, 0, 0, 0 },
		{ " SIZE=18446744073709551615", 552, 0, 0, 0, 0 },
		{ " SIZE=18446744073709551617", 501, 0, 0, 0, 0 },
		{ " SIZE=-1", 501, 0, 0, 0, 0 },
		{ " SIZE=", 501, 0, 0, 0, 0 },
		{ " SIZE", 501, 0, 0, 0, 0 },
		{ " SIZE=1 SIZE=1", 501, 0, 0, 0, 0 },
		{ " BODY=7BIT BODY=7BIT", 501, 0, 0, 0, 0 },
		{ " BODY=BINARYMIME", 501, 0, 0, 0, 0 },
		{ " BODY", 501, 0, 0, 0, 0 },
		{ "SIZE=1", 501, 0, 0, 0, 0 },
		{ " SMTPUTF8", 555, 0, 0, 0, 0 },
		{ " REQUIRETLS", 555, 0, 0, 0, 0 },
		{ " RET=FULL", 0, 0, 0, 0, 0 },
		{ " RET=FULL", 555, 0, 1, 0, 0 },
		{ " RET=ALL", 501, 0, 0, 0, 0 },
		{ " RET", 501, 0, 0, 0, 0 },
		{ " RET=FULL RET=FULL", 501, 0, 0, 0, 0 },
		{ " ENVID=a+2Bb RET=hdrs", 0, 0, 0, 0, 0 },
		{ " ENVID", 501, 0, 0, 0, 0 },
		{ " ENVID=", 501, 0, 0, 0, 0 },
		{ " ENVID=a+0Ab", 501, 0, 0, 0, 0 },
		{ " ENVID=a ENVID=b", 501, 0, 0, 0, 0 },
		{ " ENVID=a", 555, 0, 1, 0, 0 },
		{ " NOTIFY=NEVER", 555, 0, 0, 0, 0 },
		{ " PIPELINING", 555, 0, 0, 0, 0 },
		{ " =x", 555, 0, 0, 0, 0 },
		{ " AUTH=<>", 0, 0, 0, 0, 0 },
		{ " AUTH=a+0Ab@x", 501, 0, 0, 0, 0 },
		{ " AUTH=<>", 555, 0, 1, 0, 0 },
		{ " AUTH=<>", 0, 1, 0, 0, 0 },
		{ " AUTH=a+2Bb@x", 0, 1, 0, 0, 0 },
		{ " AUTH=a+0Ab@x", 501, 1, 0, 0, 0 },
		{ " AUTH=a+00b@x", 501, 1, 0, 0, 0 },
		{ " AUTH=a+09b@x", 501, 1, 0, 0, 0 },
		{ " AUTH=a+2", 501, 1, 0, 0, 0 },
		{ " AUTH=a+", 501, 1, 0, 0, 0 },
		{ " AUTH=a+2b", 501, 1, 0, 0, 0 },
		{ " AUTH=", 501, 1, 0, 0, 0 },
		{ " AUTH=a\xff", 501, 1, 0, 0, 0 },
		{ " SIZE=1", 555, 0, 1, 0, 0 },
		{ " ORCPT=rfc822;a+0Ab", 501, 0, 1, 0, 0 },
		{ " ORCPT=rfc822;a ORCPT=rfc822;a", 501, 0, 1, 0, 0 },
		{ " ORCPT=anna@x", 501, 0, 1, 0, 0 },
		{ " ORCPT", 501, 0, 1, 0, 0 },
		{ " NOTIFY=NEVER ORCPT=rfc822;a+2Bb@x", 0, 0, 1, 0, 0 },
		{ " notify=success,DELAY,Failure", 0, 0, 1, 0, 0 },
		{ " NOTIFY=NEVER NOTIFY=NEVER", 501, 0, 1, 0, 0 },
		{ " NOTIFY=NEVER,DELAY", 501, 0, 1, 0, 0 },
		{ " NOTIFY=DELAY,DELAY", 501, 0, 1, 0, 0 },
		{ " NOTIFY=", 501, 0, 1, 0, 0 },
		{ " NOTIFY", 501, 0, 1, 0, 0 },
	};
	static struct smtp_session s;
	struct smtp_refusal r;
	struct smtp_params p;
	size_t i;

	smtpd.conf.message_size = 1000;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s.service = t[i].auth ? SERVICE_SUBMISSION : SERVICE_SMTP;
		s.tls[0] = t[i].auth ? 'T' : '\0';
		r = smtp_ext_params(&s, t[i].rcpt, t[i].in, strlen(t[i].in),
		    &p);
		if (r.code != t[i].code)
			fail_msg("\"%s\": %d", t[i].in, r.code);
		if (r.code == 0)
			assert_true(p.size == t[i].size &&
			    p.options.body == t[i].body);
	}
}

/* What was declared of a message goes with its envelope, and no other. */
static void
test_declared(void **state)
{
	static const struct {
		const char *before, *mail;
		uint32_t body;
	} t[] = {
		{ "", " BODY=8BITMIME", Q_BODY_8BITMIME },
		{ "", "", 0 },
		{ "MAIL FROM:<eve@remote.test> BODY=8BITMIME\r\nRSET\r\n",
		    " SIZE=5", 0 },
		{ "", " BODY=7BIT", Q_BODY_7BIT },
	};
	const struct fake_message *m;
	char line[100];
	size_t i, n;

	fake_worker(FAKE_GOOD);
	fake_talk(SERVICE_SMTP);
	fake_expect("220");
	fake_say("HELO x\r\n");
	fake_expect("250");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fake_say(t[i].before);
		if (t[i].before[0] != '\0') {
			fake_expect("250 2.1.0");
			fake_expect("250 2.0.0 reset");
		}
		snprintf(line, sizeof(line), "MAIL FROM:<eve@remote.test>%s"
		    "\r\n", t[i].mail);
		fake_say(line);
		fake_say("RCPT TO:<anna@example.test>\r\nDATA\r\n");
		fake_expect("250 2.1.0");
		fake_expect("250 2.1.5");
		fake_expect("354");
		fake_say("Subject: x\r\n\r\n.\r\n");
		fake_expect("250 2.0.0");
	}
	fake_end_talk();
	m = fake_messages(&n);
	assert_int_equal(n, i);
	for (i = 0; i < n; i++)
		assert_int_equal(m[i].body, t[i].body);
}

/* What is asked of reports goes with its envelope and its recipient alone. */
static void
test_dsn(void **state)
{
	static const char *const mail[] = { " RET=FULL ENVID=QQ+2B1", "" },
	    *const rcpt[] = { " NOTIFY=SUCCESS,delay ORCPT=rfc822;A+2Bb@x",
	    "" };
	const struct fake_message *m;
	char line[200];
	size_t i, n;

	fake_worker(FAKE_GOOD);
	fake_talk(SERVICE_SMTP);
	fake_expect("220");
	fake_say("HELO x\r\n");
	fake_expect("250");
	for (i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "MAIL FROM:<eve@remote.test>%s"
		    "\r\nRCPT TO:<anna@example.test>%s\r\n", mail[i], rcpt[i]);
		fake_say(line);
		fake_say("RCPT TO:<bert@example.test>\r\n"
		    "RCPT TO:<bert@example.test> NOTIFY=NEVER,DELAY\r\n"
		    "RCPT TO:<bert@example.test> NOTIFY=NEVER\r\nDATA\r\n");
		fake_expect("250 2.1.0");
		fake_expect("250 2.1.5");
		fake_expect("250 2.1.5");
		fake_expect("501 5.5.4");
		fake_expect("250 2.1.5");
		fake_expect("354");
		fake_say("Subject: x\r\n\r\n.\r\n");
		fake_expect("250 2.0.0");
	}
	fake_end_talk();
	m = fake_messages(&n);
	assert_int_equal(n, 2);
	assert_int_equal(m[0].ret, Q_RET_FULL);
	assert_string_equal(m[0].envid, "QQ+2B1");
	assert_string_equal(m[0].asked, "10 rfc822;A+2Bb@x,0 ,");
	assert_int_equal(m[1].ret, 0);
	assert_string_equal(m[1].envid, "");
	assert_string_equal(m[1].asked, "0 ,0 ,");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_declared), cmocka_unit_test(test_dsn),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_params),
	};
	int r;

	fake_begin();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_end();
	return r;
}
