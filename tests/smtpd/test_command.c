/*
 * Every row of the command table in every state of a session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "smtpd/smtpd_command.h"
#include "tests/smtpd/fake.h"

static int
want_code(const struct smtp_command *c, const struct smtp_session *s)
{
	int sub = s->service == SERVICE_SUBMISSION;

	if (strcmp(c->name, "AUTH") == 0)
		return !sub ? 502 : s->tls[0] == '\0' ? 538 :
		    s->state == SMTP_HELLO ? 0 : 503;
	if (strcmp(c->name, "MAIL") == 0 && s->state != SMTP_HELLO)
		return 503;
	if ((strcmp(c->name, "RCPT") == 0 || strcmp(c->name, "DATA") == 0) &&
	    s->state != SMTP_MAIL && s->state != SMTP_RCPT)
		return 503;
	if ((strcmp(c->name, "MAIL") == 0 || strcmp(c->name, "RCPT") == 0 ||
	    strcmp(c->name, "DATA") == 0) && sub && s->login[0] == '\0')
		return 530;
	return 0;
}

static void
test_table(void **state)
{
	static const enum smtp_state states[] = { SMTP_START, SMTP_HELLO,
		SMTP_MAIL, SMTP_RCPT };
	static const enum service services[] = { SERVICE_SMTP,
		SERVICE_SUBMISSION, SERVICE_LOCAL };
	const struct smtp_command *c;
	struct smtp_session s;
	struct smtp_refusal r;
	unsigned i, n = 0;

	for (c = smtp_commands; c->name != NULL; c++)
		for (i = 0; i < 4 * 3 * 2 * 2; i++, n++) {
			memset(&s, 0, sizeof(s));
			s.state = states[i % 4];
			s.service = services[i / 4 % 3];
			s.tls[0] = i / 12 % 2 ? 'T' : '\0';
			s.login[0] = i / 24 % 2 ? 'a' : '\0';
			r = smtp_command_judge(c, &s, c->min_args);
			if (r.code != want_code(c, &s))
				fail_msg("%s state %d service %d: %d",
				    c->name, s.state, s.service, r.code);
			r = smtp_command_judge(c, &s, c->max_args + 1);
			assert_int_equal(r.code, 501);
			if (c->min_args > 0) {
				r = smtp_command_judge(c, &s,
				    c->min_args - 1);
				assert_int_equal(r.code, 501);
			}
		}
	assert_true(n > 500);
}

static void
test_names(void **state)
{
	assert_non_null(smtp_command_find("mail", 4));
	assert_non_null(smtp_command_find("StartTLS", 8));
	assert_null(smtp_command_find("MAI", 3));
	assert_null(smtp_command_find("MAILX", 5));
	assert_null(smtp_command_find("XCLIENT", 7));
	assert_null(smtp_command_find("XFORWARD", 8));
	assert_ptr_equal(smtp_command_find("PROXY", 5)->run, cmd_foreign);
	assert_ptr_equal(smtp_command_find("PATCH", 5)->run, cmd_foreign);
	assert_ptr_equal(smtp_command_find("DELETE", 6)->run, cmd_foreign);
	assert_ptr_equal(smtp_command_find("PRI", 3)->run, cmd_foreign);
	assert_ptr_equal(smtp_command_find("TRACE", 5)->run, cmd_foreign);
	assert_null(smtp_command_find("", 0));
}

static void
test_split(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		int r;
		const char *verb, *text;
		unsigned words;
	} t[] = {
		{ "QUIT", 4, 0, "QUIT", "", 0 },
		{ "QUIT  ", 6, 0, "QUIT", "", 0 },
		{ "MAIL  FROM:<a b> X=1 ", 21, 0, "MAIL", "FROM:<a b> X=1",
		    3 },
		{ "NOOP\tx", 6, 0, "NOOP", "x", 1 },
		{ "", 0, -1, NULL, NULL, 0 },
		{ " QUIT", 5, -1, NULL, NULL, 0 },
		{ "   ", 3, -1, NULL, NULL, 0 },
		{ "QU\0IT", 5, -1, NULL, NULL, 0 },
		{ "QUIT\r", 5, -1, NULL, NULL, 0 },
		{ "QUIT\n", 5, -1, NULL, NULL, 0 },
	};
	struct smtp_args a;
	char line[100], *verb;
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memcpy(line, t[i].in, t[i].len);
		line[t[i].len] = '\0';
		assert_int_equal(smtp_command_split(line, t[i].len, &verb, &n,
		    &a), t[i].r);
		if (t[i].r == -1)
			continue;
		assert_int_equal(n, strlen(t[i].verb));
		assert_memory_equal(verb, t[i].verb, n);
		assert_string_equal(a.text, t[i].text);
		assert_int_equal(a.words, t[i].words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
