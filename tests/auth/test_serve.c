/* The real auth behind its channel: what its askers hear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "lib/mail/tables.h"
#include "tests/auth/rig.h"

#define KEY "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="

static const char *const one_domain[][2] = {
	{ "anna@xn--bcher-kva.test", hash }, { "berta@xn--bcher-kva.test",
	hash6 }, { "carl@xn--bcher-kva.test", "$argon2id$v=19$m=1" },
	{ NULL, NULL }
};
static const char *const two_domains[][2] = {
	{ "anna@example.test", hash }, { "anna@example.org", hash6 },
	{ NULL, NULL }
};

static void
test_names(void **state)
{
	static const struct {
		const char *given, *name;
	} row[] = {
		{ "anna@xn--bcher-kva.test", "anna@xn--bcher-kva.test" },
		{ "ANNA@XN--BCHER-KVA.Test", "anna@xn--bcher-kva.test" },
		{ "anna@b\xc3\xbc" "cher.test", "anna@xn--bcher-kva.test" },
		{ "Anna", "anna@xn--bcher-kva.test" },
		{ "anna+x", NULL }, { "", NULL }, { "@", NULL },
		{ "@xn--bcher-kva.test", NULL }, { "anna@", NULL },
		{ "anna@\xff\xfe", NULL }, { "carl", NULL },
		{ "anna@example.test", NULL },
	};
	size_t i;

	write_passwd(one_domain);
	open_serve(PEER_SMTPD, 0);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ask((uint32_t)i + 1, SERVICE_SUBMISSION, row[i].given,
		    password);
		if (row[i].name != NULL)
			expect_ok((uint32_t)i + 1, row[i].name);
		else
			expect_no((uint32_t)i + 1, A_BAD);
	}
	close_serve();
}

static void
test_replaced(void **state)
{
	static const char *const changed[][2] = {
		{ "anna@example.test", "$6$rounds=1000$abcdefgh$x" },
		{ NULL, NULL }
	};

	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSIONS, "anna", password);
	expect_no(1, A_BAD);
	ask(2, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(2, "anna@example.test");
	/* By the cache; then a wrong one; then the file changes. */
	ask(3, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(3, "anna@example.test");
	ask(4, SERVICE_SUBMISSIONS, "anna@example.test", "falsch");
	expect_no(4, A_BAD);
	ask(5, SERVICE_SUBMISSIONS, "anna@example.org", password);
	expect_ok(5, "anna@example.org");
	write_passwd(changed);
	ask(6, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_no(6, A_BAD);
	ask(7, SERVICE_SUBMISSIONS, "anna@example.org", password);
	expect_no(7, A_BAD);
	close_serve();
}

/* Without the file nobody is told that an account does not exist. */
static void
test_missing(void **state)
{
	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(1, "anna@example.test");
	assert_int_equal(unlink(path), 0);
	ask(2, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_no(2, A_LATER);
	ask(3, SERVICE_SUBMISSIONS, "anna", password);
	expect_no(3, A_LATER);
	close_serve();
	open_serve(PEER_SMTPD, 0);
	ask(4, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_no(4, A_LATER);
	write_passwd(two_domains);
	ask(5, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(5, "anna@example.test");
	close_serve();
	/* What is there and cannot be opened is as good as missing. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	open_serve(PEER_SMTPD, 0);
	ask(6, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_no(6, A_LATER);
	assert_int_equal(rmdir(path), 0);
	write_passwd(two_domains);
	ask(7, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(7, "anna@example.test");
	close_serve();
}

static const char apps[] = "crypt=%s:app=phone,imap+later,1700000000,%s"
    ":new-tag=x";

/* An app password admits to its protocols, and is noted. */
static void
test_app_password(void **state)
{
	const char *const other = app_password;
	char line[600], app[200];
	const char *rows[][2] = {
		{ "anna@example.test", line }, { "bert@example.test", app },
		{ NULL, NULL }
	};
	struct auth_learned *l;

	snprintf(line, sizeof(line), apps, hash, app_hash);
	snprintf(app, sizeof(app), "app=tool,submission,1,%s", app_hash);
	write_passwd((const char *const (*)[2])rows);
	open_serve(PEER_LOGIN, 0);
	start_result = -1;
	/* Master is away: what would be a session is "later". */
	ask(1, SERVICE_IMAPS, "anna@example.test", other);
	expect_no(1, A_LATER);
	ask(2, SERVICE_IMAP, "anna@example.test", other);
	expect_no(2, A_LATER);
	ask(3, SERVICE_POP3S, "anna@example.test", other);
	expect_no(3, A_BAD);
	ask(4, SERVICE_POP3S, "anna@example.test", password);
	expect_no(4, A_LATER);
	ask(5, SERVICE_IMAPS, "anna@example.test", "falsch");
	expect_no(5, A_BAD);
	ask(6, SERVICE_IMAPS, "bert@example.test", other);
	expect_no(6, A_BAD);
	close_serve();
	open_serve(PEER_SMTPD, 0);
	ask(7, SERVICE_SUBMISSIONS, "anna@example.test", other);
	expect_no(7, A_BAD);
	ask(8, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(8, "anna@example.test");
	ask(9, SERVICE_SUBMISSIONS, "bert@example.test", other);
	expect_ok(9, "bert@example.test");
	close_serve();
	l = auth_learned_open(learned_path);
	assert_true(auth_learned_last(l, "anna@example.test", app_hash) > 0);
	assert_int_equal(auth_learned_last(l, "anna@example.test", hash), 0);
	auth_learned_free(&l);
}

/* Keys are learned from a good login, of a line that has none. */
static void
test_scram(void **state)
{
	char with[800], app[600];
	const char *rows[][2] = {
		{ "anna@example.test", hash }, { "bert@example.test", with },
		{ "carl@example.test", app }, { NULL, NULL }
	};
	struct buf why = BUF_INIT(200);
	struct auth_learned *l;
	struct scram_keys k, again;

	snprintf(with, sizeof(with), "%s:scram-sha-256=250000,c2FsdHNhbHQ=,"
	    KEY "," KEY, hash);
	snprintf(app, sizeof(app), apps, hash, app_hash);
	write_passwd((const char *const (*)[2])rows);
	unlink(learned_path);
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(1, "anna@example.test");
	close_serve();
	l = auth_learned_open(learned_path);
	assert_int_equal(auth_learned_keys(l, "anna@example.test", hash, NULL),
	    0);
	auth_learned_free(&l);
	scram = 1;
	open_serve(PEER_SMTPD, 0);
	ask(1, SERVICE_SUBMISSIONS, "anna@example.test", "falsch");
	expect_no(1, A_BAD);
	assert_int_equal(auth_learned_keys(learned, "anna@example.test", hash,
	    NULL), 0);
	ask(2, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(2, "anna@example.test");
	ask(3, SERVICE_SUBMISSIONS, "bert@example.test", password);
	expect_ok(3, "bert@example.test");
	ask(4, SERVICE_SUBMISSIONS, "carl@example.test", "falsch");
	expect_no(4, A_BAD);
	close_serve();
	scram = 0;
	l = auth_learned_open(learned_path);
	assert_int_equal(auth_learned_keys(l, "anna@example.test", hash, &k),
	    1);
	again = k;
	assert_int_equal(scram_derive(password, &again, &why), 0);
	assert_memory_equal(&k, &again, sizeof(k));
	assert_int_equal(auth_learned_keys(l, "bert@example.test", hash, NULL),
	    0);
	assert_int_equal(auth_learned_keys(l, "carl@example.test", hash, NULL),
	    0);
	auth_learned_free(&l);
	buf_clear(&why);
}

/* A file of a newer format: nobody is told that he does not exist. */
static void
test_newer_format(void **state)
{
	static const char *const newer[][2] = {
		{ "f", "\1\1\1\1" }, { "anna@example.test", hash },
		{ "new@example.test", hash }, { NULL, NULL }
	};

	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 0);
	write_passwd(newer);
	ask(1, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(1, "anna@example.test");
	ask(2, SERVICE_SUBMISSIONS, "new@example.test", password);
	expect_no(2, A_LATER);
	close_serve();
	open_serve(PEER_SMTPD, 0);
	ask(3, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_no(3, A_LATER);
	write_passwd(two_domains);
	ask(4, SERVICE_SUBMISSIONS, "anna@example.test", password);
	expect_ok(4, "anna@example.test");
	close_serve();
}

/* What waits is counted in hashes: app passwords make a guess dearer. */
static void
test_line(void **state)
{
	enum { ASKED = 64, HASHES = 1 + CREDENTIAL_APPS };
	unsigned i, later = 0, bad = 0, ok = 0;
	struct buf line = BUF_INIT(0);
	const char *rows[2][2] = { { "anna@example.test", NULL } };
	struct msg m;

	buf_printf(&line, "crypt=%s", hash6);
	for (i = 0; i < CREDENTIAL_APPS; i++)
		buf_printf(&line, ":app=a%u,*,1,%s", i, app_hash);
	rows[0][1] = buf_str(&line);
	write_passwd((const char *const (*)[2])rows);
	open_serve(PEER_SMTPD, 0);
	ask(1000, SERVICE_SUBMISSIONS, "anna@example.test", app_password);
	expect_ok(1000, "anna@example.test");
	for (i = 0; i < ASKED; i++)
		ask(i + 1, SERVICE_SUBMISSIONS, "anna@example.test", "falsch");
	/* What is remembered needs no place in it. */
	ask(1001, SERVICE_SUBMISSIONS, "anna@example.test", app_password);
	for (i = 0; i <= ASKED; i++) {
		assert_int_equal(answer(&m, ANSWER_MS), 1);
		if (m.type == A_OK) {
			assert_int_equal(m.id, 1001);
			ok++;
		} else {
			later += msg_get_u32(&m, AF_REASON) == A_LATER;
			bad += msg_get_u32(&m, AF_REASON) == A_BAD;
		}
		msg_done(&m);
	}
	assert_int_equal(later + bad, ASKED);
	assert_int_equal(ok, 1);
	assert_true(later > 0);
	assert_true(bad >= AUTH_HASH_LINE / HASHES);
	/* The line is empty again. */
	ask(i + 1, SERVICE_SUBMISSIONS, "anna@example.test", "falsch");
	expect_no(i + 1, A_BAD);
	close_serve();
	buf_clear(&line);
}

static void
test_session(void **state)
{
	struct msg m;
	int fd[2], got;

	write_passwd(two_domains);
	open_serve(PEER_LOGIN, 0);
	ask(9, SERVICE_IMAPS, "anna@example.test", password);
	turn_until_started();
	assert_string_equal(start_user, "anna@example.test");
	assert_int_equal(fd_pair(fd), 0);
	auth_serve_started(serve, start_id, fd[0], 0, NULL);
	assert_int_equal(answer(&m, ANSWER_MS), 1);
	assert_int_equal(m.type, A_OK);
	got = msg_get_fd(&m, 0);
	assert_true(got != -1);
	msg_done(&m);
	assert_int_equal(write(got, "x", 1), 1);
	close(got);
	close(fd[1]);
	/* An answer to nobody closes what it brings. */
	assert_int_equal(fd_pair(fd), 0);
	auth_serve_started(serve, start_id, fd[0], 0, NULL);
	assert_int_equal(read(fd[1], &got, 1), 0);
	close(fd[1]);
	/* Refused, and master away. */
	start_id = 0;
	ask(10, SERVICE_POP3, "anna@example.test", password);
	turn_until_started();
	auth_serve_started(serve, start_id, -1, 0, "not now");
	expect_no(10, A_LATER);
	start_id = 0;
	ask(12, SERVICE_IMAP, "anna@example.test", password);
	turn_until_started();
	auth_serve_started(serve, start_id, -1, 1, "too many");
	expect_no(12, A_SESSIONS);
	start_result = -1;
	ask(11, SERVICE_POP3, "anna@example.test", password);
	expect_no(11, A_LATER);
	close_serve();
}

/* Between the check and the session the password is changed, or the account
   disabled: whoever ends its sessions in that moment has ended this one. */
static void
test_changed_meanwhile(void **state)
{
	static const char *const others[][2] = {
		{ "anna@example.test", hash6 }, { NULL, NULL } };
	static const char *const disabled[][2] = {
		{ "anna@example.test", PASSWD_DISABLED }, { NULL, NULL } };
	struct msg m;
	int fd[2];
	char c;

	write_passwd(two_domains);
	open_serve(PEER_LOGIN, 0);
	ask(1, SERVICE_IMAPS, "anna@example.test", password);
	turn_until_started();
	write_passwd(others);
	assert_int_equal(fd_pair(fd), 0);
	auth_serve_started(serve, start_id, fd[0], 0, NULL);
	expect_no(1, A_BAD);
	assert_int_equal(read(fd[1], &c, 1), 0);
	close(fd[1]);
	/* Nobody can say whether it was. */
	write_passwd(two_domains);
	start_id = 0;
	ask(2, SERVICE_IMAPS, "anna@example.test", password);
	turn_until_started();
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fd_pair(fd), 0);
	auth_serve_started(serve, start_id, fd[0], 0, NULL);
	expect_no(2, A_LATER);
	assert_int_equal(read(fd[1], &c, 1), 0);
	close(fd[1]);
	close_serve();

	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 0);
	start_worker = 0;
	ask(2, SERVICE_SUBMISSION, "anna@example.test", password);
	turn_until_started();
	assert_int_equal(start_instance, 7);
	start_worker = 0;
	write_passwd(disabled);
	auth_serve_started(serve, start_id, -1, 0, NULL);
	expect_no(2, A_BAD);
	/* And from now on it is as any other that is refused. */
	ask(3, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_no(3, A_BAD);
	write_passwd(two_domains);
	ask(4, SERVICE_SUBMISSION, "anna@example.test", password);
	assert_int_equal(answer(&m, ANSWER_MS), 1);
	assert_int_equal(m.type, A_OK);
	msg_done(&m);
	close_serve();
}

/* The password is right, the protocol is switched off: that is said, and not
   before; also where it is switched off between the check and the session. */
static void
test_protocol_off(void **state)
{
	char off[300];
	const char *const rows[][2] = { { "anna@example.test", off },
		{ NULL, NULL } };
	int fd[2];

	snprintf(off, sizeof(off), "%s:protocols=imap", hash);
	write_passwd(rows);
	open_serve(PEER_LOGIN, 0);
	start_id = 0;
	ask(1, SERVICE_POP3S, "anna@example.test", password);
	expect_no(1, A_PROTOCOL);
	/* It is remembered as right, too. */
	ask(2, SERVICE_POP3, "anna@example.test", password);
	expect_no(2, A_PROTOCOL);
	assert_int_equal(start_id, 0);
	ask(3, SERVICE_POP3, "anna@example.test", "falsch");
	expect_no(3, A_BAD);
	ask(4, SERVICE_IMAPS, "anna@example.test", password);
	turn_until_started();
	snprintf(off, sizeof(off), "%s:protocols=pop3", hash);
	write_passwd(rows);
	assert_int_equal(fd_pair(fd), 0);
	auth_serve_started(serve, start_id, fd[0], 0, NULL);
	expect_no(4, A_PROTOCOL);
	close(fd[1]);
	close_serve();

	open_serve(PEER_SMTPD, 0);
	ask(5, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_no(5, A_PROTOCOL);
	close_serve();
}

static void
come_back(enum peer kind)
{
	int fd[2];

	chan_clear(&asker);
	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	auth_serve_peer(serve, kind, 7, fd[0]);
	chan_init(&asker, fd[1]);
}

/* Guess, and leave before the verdict: it counts, and the next one waits. */
static void
test_failure_of_who_left(void **state)
{
	struct msg m;
	int i;

	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 1000);
	for (i = 0; i < AUTH_DELAY_FREE; i++) {
		ask(1, SERVICE_SUBMISSION, "anna@example.test", "falsch");
		ev_run(loop, EVRUN_NOWAIT);
		assert_int_equal(serve->hashing, 1);
		auth_serve_peer_gone(serve, PEER_SMTPD, 7);
		while (serve->hashing > 0)
			ev_run(loop, EVRUN_ONCE);
		come_back(PEER_SMTPD);
	}
	ask(2, SERVICE_SUBMISSION, "anna@example.test", password);
	ev_run(loop, EVRUN_NOWAIT);
	/* Not even looked at yet. */
	assert_int_equal(serve->hashing, 0);
	assert_int_equal(answer(&m, 100), -1);
	expect_ok(2, "anna@example.test");
	close_serve();
}

/* Failures come late; a right login beside them does not wait. */
static void
test_late(void **state)
{
	int64_t t = clock_mono_ms();
	struct msg m;

	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 300);
	ask(1, SERVICE_SUBMISSION, "nobody@example.test", password);
	ask(2, SERVICE_SUBMISSION, "anna@example.test", password);
	expect_ok(2, "anna@example.test");
	expect_no(1, A_BAD);
	assert_true(clock_mono_ms() - t >= 300);
	/* The asker goes away in the middle. */
	ask(3, SERVICE_SUBMISSION, "nobody@example.test", password);
	ask(4, SERVICE_SUBMISSION, "anna@example.test", "falsch");
	assert_int_equal(answer(&m, 20), -1);
	auth_serve_peer_gone(serve, PEER_SMTPD, 7);
	ev_run(loop, EVRUN_NOWAIT);
	close_serve();
}

/* Whose answer only waits for its time is forgotten with who asked. */
static void
test_place_of_who_left(void **state)
{
	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 600000);
	ask(1, SERVICE_SUBMISSION, "anna@example.test", "falsch");
	do
		ev_run(loop, EVRUN_ONCE);
	while (serve->n_free == AUTH_REQUESTS_MAX || serve->hashing > 0);
	assert_int_equal(serve->n_free, AUTH_REQUESTS_MAX - 1);
	auth_serve_peer_gone(serve, PEER_SMTPD, 7);
	assert_int_equal(serve->n_free, AUTH_REQUESTS_MAX);
	close_serve();
}

static void
test_rules(void **state)
{
	struct msg m;

	write_passwd(two_domains);
	open_serve(PEER_SMTPD, 0);
	/* smtpd has no business with sessions. */
	ask(1, SERVICE_IMAPS, "anna@example.test", password);
	assert_int_equal(answer(&m, ANSWER_MS), 0);
	close_serve();
	open_serve(PEER_LOGIN, 0);
	assert_int_equal(write(asker.fd, "\xff\xff\xff\xff\xff\xff\xff\xff"
	    "\xff\xff\xff\xff", 12), 12);
	assert_int_equal(answer(&m, ANSWER_MS), 0);
	close_serve();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_newer_format),
		cmocka_unit_test(test_app_password),
		cmocka_unit_test(test_scram),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_changed_meanwhile),
		cmocka_unit_test(test_protocol_off),
		cmocka_unit_test(test_failure_of_who_left),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_place_of_who_left),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
