#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/link/login.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "tests/link/peer.h"

static unsigned asked;
static char remote[100];
static uint32_t service;

/* The password says what the answer is. */
static int
on_auth(struct chan *c, struct msg *m)
{
	static const char *const reasons[] = { "", "bad", "later", "limit",
	    "later version" };
	char *pass = msg_get_dup(m, AF_PASSWORD);
	char *from = msg_get_dup(m, AF_REMOTE);
	uint32_t i;
	int r = 0;

	asked++;
	service = msg_get_u32(m, AF_SERVICE);
	snprintf(remote, sizeof(remote), "%s", from);
	for (i = 1; i < 5 && strcmp(pass, reasons[i]) != 0;)
		i++;
	if (strcmp(pass, "gone") == 0) {
		r = -1;
	} else if (i < 5) {
		msg_begin(c, &proto_auth, A_NO, m->id);
		msg_u32(c, AF_REASON, i);
		msg_text(c, AF_WORDS, "no");
	} else {
		msg_begin(c, &proto_auth, A_OK, m->id);
		msg_text(c, AF_USER, "anna@example.test");
	}
	if (r == 0 && msg_end(c) == -1)
		abort();
	free(pass);
	free(from);
	return r;
}

static enum login_result
ask(const char *user, size_t user_len, const char *pass, size_t pass_len,
    struct buf *account)
{
	const struct login_question q = { .service = SERVICE_SUBMISSION,
		.remote = "192.0.2.1:4711", .tls = "TLSv1.3", .user = user,
		.user_len = user_len, .password = pass,
		.password_len = pass_len };

	return login_ask(&q, account);
}

static void
test_answers(void **state)
{
	static const struct {
		const char *pass;
		enum login_result r;
	} t[] = {
		{ "secret", LOGIN_OK }, { "bad", LOGIN_BAD },
		{ "later", LOGIN_LATER }, { "limit", LOGIN_LIMIT },
		/* A reason that this one does not know. */
		{ "later version", LOGIN_LATER },
	};
	struct buf account = BUF_INIT(ADDRESS_MAX);
	size_t i;

	peer_begin(&proto_auth, on_auth);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&account);
		assert_int_equal(ask("ANNA", 4, t[i].pass, strlen(t[i].pass),
		    &account), t[i].r);
		assert_string_equal(buf_str(&account), t[i].r == LOGIN_OK ?
		    "anna@example.test" : "");
	}
	assert_string_equal(remote, "192.0.2.1:4711");
	assert_int_equal(service, SERVICE_SUBMISSION);
	/* A name that does not fit is no login. */
	buf_clear(&account);
	account.max = 5;
	assert_int_equal(ask("ANNA", 4, "secret", 6, &account), LOGIN_LATER);
	buf_clear(&account);
	peer_end();
}

/* What no account can have is not asked for. */
static void
test_impossible(void **state)
{
	static char big[PASSWORD_MAX + 1];
	struct buf account = BUF_INIT(ADDRESS_MAX);

	memset(big, 'x', sizeof(big));
	peer_begin(&proto_auth, on_auth);
	asked = 0;
	assert_int_equal(ask("", 0, "secret", 6, &account), LOGIN_BAD);
	assert_int_equal(ask(big, ADDRESS_MAX + 1, "x", 1, &account),
	    LOGIN_BAD);
	assert_int_equal(ask("anna", 4, big, sizeof(big), &account),
	    LOGIN_BAD);
	assert_int_equal(ask("an\0a", 4, "secret", 6, &account), LOGIN_BAD);
	assert_int_equal(ask("anna", 4, "se\rret", 6, &account), LOGIN_BAD);
	assert_int_equal(asked, 0);
	assert_int_equal(ask("anna", 4, big, PASSWORD_MAX, &account),
	    LOGIN_OK);
	assert_int_equal(asked, 1);
	assert_int_equal(ask(big, ADDRESS_MAX, "secret", 6, &account),
	    LOGIN_OK);
	assert_int_equal(asked, 2);
	buf_clear(&account);
	peer_end();
}

static void
test_away(void **state)
{
	struct buf account = BUF_INIT(ADDRESS_MAX);

	peer_begin(&proto_auth, on_auth);
	assert_int_equal(ask("anna", 4, "gone", 4, &account), LOGIN_LATER);
	/* The channel was given up; there is none now. */
	assert_int_equal(peer_chan()->fd, -1);
	assert_int_equal(ask("anna", 4, "secret", 6, &account), LOGIN_LATER);
	buf_clear(&account);
	peer_end();
}

/* No copy of the password stays in the channel. */
static void
test_wiped(void **state)
{
	struct buf account = BUF_INIT(ADDRESS_MAX);
	struct chan *c = peer_chan();

	peer_begin(&proto_auth, on_auth);
	assert_int_equal(ask("anna", 4, "tell-nobody", 11, &account),
	    LOGIN_OK);
	assert_true(c->out.cap > 0);
	assert_null(memmem(c->out.data, c->out.cap, "tell-nobody", 11));
	buf_clear(&account);
	peer_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_away),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
