/*
 * The requests of auth and what each has: a slot, an id, a place in its
 * asker's count, a reason for the log; the accounts behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "auth/auth_hash.h"
#include "auth/auth_hashes.h"
#include "lib/base/fd.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "lib/mail/tables.h"
#include "tests/auth/rig.h"

static const char *const accounts[][2] = {
	{ "anna@example.test", hash6 }, { "bert@example.test", hash6 },
	{ NULL, NULL }
};

/* Until that many requests have what they want of master. */
static void
turn_until_free(unsigned n_free)
{
	while (serve->n_free != n_free)
		ev_run(loop, EVRUN_ONCE);
}

/*
 * An asker has so many at once and no more, again and again: what is answered
 * gives its place and its slot back.
 */
static void
test_slots(void **state)
{
	unsigned round, i;
	struct msg m;

	write_passwd(accounts);
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_ok(1, "anna@example.test");
	start_worker = 0;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < AUTH_PEER_MAX; i++) {
			ask(i + 2, SERVICE_SUBMISSION, "anna@example.test",
			    password);
			if (i % 64 == 63)
				turn_until_free(AUTH_REQUESTS_MAX - i - 1);
			start_worker = 0;
		}
		assert_int_equal(serve->peers->requests, AUTH_PEER_MAX);
		ask(9999, SERVICE_SUBMISSION, "anna@example.test", password);
		expect_no(9999, A_LATER);
		for (i = 0; i < AUTH_REQUESTS_MAX; i++)
			if (serve->slot[i] != NULL)
				auth_serve_started(serve, serve->slot[i]->id,
				    -1, 0, NULL);
		assert_int_equal(serve->n_free, AUTH_REQUESTS_MAX);
		assert_int_equal(serve->peers->requests, 0);
		for (i = 0; i < AUTH_PEER_MAX; i++) {
			assert_int_equal(answer(&m, ANSWER_MS), 1);
			assert_int_equal(m.type, A_OK);
			msg_done(&m);
		}
	}
	close_serve();
}

/* Gives master's answer with a descriptor: 1 where it was closed at once. */
static int
started(uint32_t id, int full, const char *words)
{
	int fd[2], closed;
	char c;

	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[1], 1);
	auth_serve_started(serve, id, fd[0], full, words);
	closed = read(fd[1], &c, 1) == 0;
	close(fd[1]);
	return closed;
}

/* What master says to a request that is gone, or not there yet, is nothing. */
static void
test_ids(void **state)
{
	struct msg m;
	uint32_t old;

	write_passwd(accounts);
	open_serve(PEER_LOGIN, 600000);
	ask(1, SERVICE_IMAPS, "anna@example.test", password);
	turn_until_started();
	old = start_id;
	assert_false(started(old, 0, NULL));
	expect_ok(1, "anna@example.test");
	/* The next has the same slot. */
	start_id = 0;
	ask(2, SERVICE_IMAPS, "anna@example.test", password);
	turn_until_started();
	assert_int_equal(start_id & (AUTH_REQUESTS_MAX - 1),
	    old & (AUTH_REQUESTS_MAX - 1));
	assert_true(started(old, 0, NULL));
	assert_int_equal(answer(&m, 20), -1);
	assert_false(started(start_id, 0, NULL));
	expect_ok(2, "anna@example.test");
	/* The one after it is at its hash, then late: not at a session. */
	old = start_id + AUTH_REQUESTS_MAX;
	ask(3, SERVICE_IMAPS, "anna@example.test", "falsch");
	ev_run(loop, EVRUN_NOWAIT);
	assert_non_null(auth_request_find(serve, old));
	assert_true(started(old, 0, NULL));
	assert_non_null(auth_request_find(serve, old));
	while (auth_request_find(serve, old)->state == AUTH_HASH)
		ev_run(loop, EVRUN_ONCE);
	assert_true(started(old, 0, NULL));
	assert_non_null(auth_request_find(serve, old));
	close_serve();
}

/* One asker's end is its own; who comes back takes its place. */
static void
test_askers(void **state)
{
	struct chan first = asker;
	struct msg m;
	int fd[2];

	write_passwd(accounts);
	open_serve(PEER_SMTPD, 0);
	first = asker;
	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	auth_serve_peer(serve, PEER_SMTPD, 8, fd[0]);
	auth_serve_peer_gone(serve, PEER_SMTPD, 8);
	auth_serve_peer_gone(serve, PEER_LOGIN, 7);
	close(fd[1]);
	ask(1, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_ok(1, "anna@example.test");
	/* Instance 7 anew: the channel before is closed. */
	first = asker;
	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	auth_serve_peer(serve, PEER_SMTPD, 7, fd[0]);
	assert_int_equal(answer(&m, ANSWER_MS), 0);
	chan_clear(&first);
	chan_init(&asker, fd[1]);
	ask(2, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_ok(2, "anna@example.test");
	close_serve();
}

/* Who may ask for which service. */
static void
test_services(void **state)
{
	static const struct { enum peer peer; uint32_t services; } t[] = {
		{ PEER_LOGIN, 1u << SERVICE_IMAP | 1u << SERVICE_IMAPS |
		    1u << SERVICE_POP3 | 1u << SERVICE_POP3S },
		{ PEER_SMTPD, 1u << SERVICE_SUBMISSION |
		    1u << SERVICE_SUBMISSIONS },
	};
	unsigned i, s;
	struct msg m;

	write_passwd(accounts);
	for (i = 0; i < 2; i++)
		for (s = 0; s <= SERVICE_COUNT; s++) {
			open_serve(t[i].peer, 0);
			start_result = -1;
			ask(1, (enum service)s, "anna@example.test", password);
			if (s < SERVICE_COUNT && t[i].services >> s & 1)
				expect_no(1, A_LATER);
			else
				assert_int_equal(answer(&m, ANSWER_MS), 0);
			close_serve();
		}
}

/* A right password from there makes the next ones wait no more. */
static void
test_success_clears(void **state)
{
	int i;

	write_passwd(accounts);
	open_serve(PEER_SMTPD, 200);
	for (i = 0; i < AUTH_DELAY_FREE; i++) {
		ask(1, SERVICE_SUBMISSION, "anna@example.test", "falsch");
		expect_no(1, A_BAD);
	}
	ask(2, SERVICE_SUBMISSION, "anna@example.test", password);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(serve->hashing, 0);	/* it waits */
	expect_ok(2, "anna@example.test");
	ask(3, SERVICE_SUBMISSION, "anna@example.test", "falsch");
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(serve->hashing, 1);	/* at once */
	expect_no(3, A_BAD);
	close_serve();
}

/* Turns until it is answered, and returns what the log has of it. */
static const char *
log_of(const char *user, const char *pw)
{
	static char text[2000];
	char file[] = "/tmp/test-requests-XXXXXX";
	int fd = mkstemp(file), was = dup(2);
	ssize_t n;

	unlink(file);
	dup2(fd, 2);
	ask(5, SERVICE_POP3S, user, pw);
	expect_no(5, A_BAD);
	dup2(was, 2);
	close(was);
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/*
 * The log has the reason, and never what may be a password. All of them take
 * the time of a hash.
 */
static void
test_reasons(void **state)
{
	char app[300];
	const char *const rows[][2] = {
		{ "anna@example.test", hash6 }, { "app@example.test", app },
		{ "off@example.test", PASSWD_DISABLED }, { NULL, NULL }
	};
	static const struct { const char *user, *log; } t[] = {
		{ "anna@example.test", "login failed: anna@example.test from "
		    "192.0.2.1:4711 (pop3s): wrong password\n" },
		{ "app@example.test", "login failed: app@example.test from "
		    "192.0.2.1:4711 (pop3s): it has no password for this\n" },
		{ "off@example.test", "login failed: off@example.test from "
		    "192.0.2.1:4711 (pop3s): it is disabled\n" },
		{ "nobody@example.org", "login failed: nobody@example.org "
		    "from 192.0.2.1:4711 (pop3s): no such account\n" },
		{ "geheim@", "login failed: geheim@ from 192.0.2.1:4711 "
		    "(pop3s): no such account\n" },
	};
	const char *got;
	size_t i;

	snprintf(app, sizeof(app), "app=tool,imap,1,%s", app_hash);
	write_passwd(rows);
	open_serve(PEER_LOGIN, 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		got = log_of(t[i].user, "falsch");
		if (strstr(got, t[i].log) == NULL)
			fail_msg("%s", got);
		ask(6, SERVICE_POP3S, t[i].user, "auch falsch");
		ev_run(loop, EVRUN_NOWAIT);
		assert_int_equal(serve->hashing, 1);
		expect_no(6, A_BAD);
	}
	close_serve();
	/* Two domains: a name without one is nobody's, and stays unsaid. */
	write_passwd((const char *const[][2]){ { "anna@example.test", hash6 },
	    { "anna@example.org", hash6 }, { NULL, NULL } });
	open_serve(PEER_LOGIN, 0);
	got = log_of("geheim", "falsch");
	assert_non_null(strstr(got, "login failed: (no address) from "));
	assert_null(strstr(got, "geheim"));
	close_serve();
}

/* The domain of a bare name is that of the file as it is now. */
static void
test_domain_changes(void **state)
{
	static const char *const other[][2] = {
		{ "anna@example.org", hash6 }, { NULL, NULL } };

	write_passwd(accounts);
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSION, "anna", password);
	expect_ok(1, "anna@example.test");
	write_passwd(other);
	ask(2, SERVICE_SUBMISSION, "anna", password);
	expect_ok(2, "anna@example.org");
	close_serve();
}

/* The longest local part there is. */
static void
test_long_name(void **state)
{
	char name[ACCOUNT_LOCAL_MAX + 20], more[ACCOUNT_LOCAL_MAX + 30];
	const char *const rows[][2] = { { name, hash6 }, { NULL, NULL } };

	memset(name, 'a', ACCOUNT_LOCAL_MAX);
	strcpy(name + ACCOUNT_LOCAL_MAX, "@example.test");
	snprintf(more, sizeof(more), "a%s", name);
	write_passwd(rows);
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSION, name, password);
	expect_ok(1, name);
	ask(2, SERVICE_SUBMISSION, more, password);
	expect_no(2, A_BAD);
	close_serve();
}

/* Who does not exist costs what most of the others do. */
static void
test_decoy(void **state)
{
	static const char *const mostly_y[][2] = {
		{ "a@example.test", hash }, { "b@example.test", hash6 },
		{ "c@example.test", hash }, { NULL, NULL }
	};
	static const char *const mostly_6[][2] = {
		{ "a@example.test", hash6 }, { "b@example.test", hash },
		{ "c@example.test", hash6 }, { NULL, NULL }
	};
	struct auth_users *u;

	write_passwd(mostly_y);
	u = auth_users_open(path);
	assert_string_equal(auth_users_decoy(u), hash);
	write_passwd(mostly_6);
	auth_users_refresh(u);
	assert_string_equal(auth_users_decoy(u), hash6);
	write_passwd(mostly_y);
	auth_users_refresh(u);
	assert_string_equal(auth_users_decoy(u), hash);
	auth_users_free(&u);
}

/* A line has so many hashes; what is left out is said. */
static void
test_hashes(void **state)
{
	struct buf line = BUF_INIT(0);
	struct auth_hashes h;
	unsigned i;

	buf_printf(&line, "crypt=%s", hash6);
	for (i = 0; i < CREDENTIAL_APPS; i++)
		buf_printf(&line, ":app=a%u,%s,1,%s", i, i == 3 ? "imap+pop3" :
		    "*", app_hash);
	auth_hashes_read(&h, buf_str(&line), line.len, "pop3");
	assert_int_equal(h.n, AUTH_HASHES_MAX);
	assert_null(h.fault);
	assert_null(h.app[0]);
	assert_string_equal(h.app[CREDENTIAL_APPS], "a15");
	auth_hashes_clear(&h);
	auth_hashes_read(&h, buf_str(&line), line.len, "submission");
	assert_int_equal(h.n, AUTH_HASHES_MAX - 1);
	auth_hashes_clear(&h);
	buf_printf(&line, ":app=more,*,1,%s", app_hash);
	auth_hashes_read(&h, buf_str(&line), line.len, NULL);
	assert_int_equal(h.n, AUTH_HASHES_MAX);
	assert_string_equal(h.fault, "too many hashes");
	auth_hashes_clear(&h);
	buf_set(&line, "crypt=%s:?", hash6);
	auth_hashes_read(&h, buf_str(&line), line.len, NULL);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.fault, "its line is damaged");
	auth_hashes_clear(&h);
	buf_clear(&line);
	/* A digest without a salt is none; a scheme has its name said. */
	buf_set(&line, "{SSHA512}%086d==", 0);
	assert_string_equal(auth_hash_fault(buf_str(&line)),
	    "the {SSHA512} text is broken");
	assert_string_equal(auth_hash_fault("{SHA256}AAAA"),
	    "this hash scheme is not known");
	assert_string_equal(auth_hash_fault("*0"), "not a hash of crypt(3)");
	buf_clear(&line);
}

/* Keys are learned of the account's own password, never of an app's. */
static void
test_no_keys_of_apps(void **state)
{
	char line[500];
	const char *const rows[][2] = { { "anna@example.test", line },
	    { NULL, NULL } };

	snprintf(line, sizeof(line), "crypt=%s:app=phone,*,1,%s", hash6,
	    app_hash);
	write_passwd(rows);
	unlink(learned_path);
	scram = 1;
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSION, "anna@example.test", app_password);
	expect_ok(1, "anna@example.test");
	assert_int_equal(auth_learned_keys(learned, "anna@example.test",
	    app_hash, NULL), 0);
	assert_int_equal(auth_learned_keys(learned, "anna@example.test", hash6,
	    NULL), 0);
	ask(2, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_ok(2, "anna@example.test");
	assert_int_equal(auth_learned_keys(learned, "anna@example.test", hash6,
	    NULL), 1);
	close_serve();
	scram = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_askers),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_success_clears),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_domain_changes),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_decoy),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_no_keys_of_apps),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
