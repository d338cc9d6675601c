/* A real queue process: what it promises to its neighbours. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "tests/queue/fixture.h"

static void
test_deliver(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna+tag@example.test"), TEXT), 0);
	take(&deliver, &j);
	assert_int_equal(j.type, J_DELIVER);
	assert_string_equal(j.file, id);
	assert_string_equal(j.sender, "s@far.test");
	assert_int_equal(j.n, 1);
	assert_string_equal(j.rcpt[0].owner, "anna@example.test");
	assert_string_equal(j.rcpt[0].address, "anna+tag@example.test");
	assert_string_equal(j.body, TEXT);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
	again();
	assert_idle(&deliver);
}

static void
test_many_in_one(void **state)
{
	struct rig_job j, k;
	char id[17];

	/* An alias, one of its targets, the alias domain's name of another,
	   and a recipient elsewhere twice: each mailbox one copy. */
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("sales@example.test", "anna@example.test", "bert@alias.test",
	    "far@remote.test", "x@Remote.TEST", "nobody@example.test"),
	    TEXT), 0);
	take(&deliver, &j);
	assert_int_equal(j.n, 2);
	take(&relay, &k);
	assert_int_equal(k.type, J_RELAY);
	assert_string_equal(k.dest, "remote.test");
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [::1]");
	rig_job_clear(&j);
	rig_job_clear(&k);
	/* x@remote.test was given directly, far@ came by the alias: two. */
	take(&relay, &k);
	assert_string_equal(k.dest, "remote.test");
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [::1]");
	rig_job_clear(&k);
	/* And the sender hears of nobody@example.test. */
	take(&relay, &k);
	assert_string_equal(k.dest, "far.test");
	assert_string_equal(k.sender, "");
	assert_non_null(strstr(k.body, "nobody@example.test"));
	assert_non_null(strstr(k.body, "Status: 5.1.1"));
	rig_result(&relay, &k, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [::1]");
	rig_job_clear(&k);
	assert_empty();
}

static void
test_partial_results(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("u1@example.test", "u2@example.test", "u3@example.test"),
	    TEXT), 0);
	take(&deliver, &j);
	assert_int_equal(j.n, 3);
	rig_result(&deliver, &j, 1, RESULT_DELIVERED, "2.0.0 ok", "");
	assert_column(7, "waiting delivered waiting ");
	rig_job_clear(&j);
	again();
	take(&deliver, &j);
	assert_int_equal(j.n, 2);
	assert_string_equal(j.rcpt[0].owner, "u1@example.test");
	assert_string_equal(j.rcpt[1].owner, "u3@example.test");
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_worker_lost(void **state)
{
	struct chan other;
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	rig_job_clear(&j);
	chan_clear(&deliver);
	rig_wire(&rig, PEER_DELIVER, &other);
	take(&other, &j);
	assert_string_equal(j.file, id);
	/* Refused: the same worker gets it again after a moment. */
	rig_words(&other, &j, J_REFUSED, "4.3.0 the mail store went away");
	rig_job_clear(&j);
	assert_int_equal(rig_job(&other, &j, 100), 0);
	take(&other, &j);
	rig_result(&other, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
	chan_clear(&other);
}

/*
 * A worker answers and ends, and all of it comes to queue at once, from master
 * too: the answer counts, and nobody gets the message twice.
 */
static void
test_answer_before_the_end(void **state)
{
	struct chan other;
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("far@remote.test"), TEXT), 0);
	take(&relay, &j);
	assert_int_equal(kill(rig.pid, SIGSTOP), 0);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.test");
	rig_job_clear(&j);
	chan_clear(&relay);
	rig_gone(&rig, PEER_RELAY, rig.instance);
	assert_int_equal(kill(rig.pid, SIGCONT), 0);
	rig_wire(&rig, PEER_RELAY, &other);
	assert_idle(&other);
	assert_empty();
	chan_clear(&other);
}

static void
test_writer_left(void **state)
{
	struct rig_job j;
	char id[17];
	int fd;

	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	assert_int_equal(fd_write_all(fd, TEXT, strlen(TEXT)), 0);
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"), TEXT);
	assert_int_equal(rig_answer(&smtpd), Q_LATER);
	assert_int_equal(rig_retired(&rig, RIG_WAIT), rig.instance - 2);
	assert_int_equal(rig_job(&deliver, &j, 300), 0);
	close(fd);
}

/* A mapping that can write is a writer, also where its descriptor is closed. */
static void
test_writer_mapped(void **state)
{
	struct rig_job j;
	char id[17];
	void *p;
	int fd;

	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	assert_int_equal(fd_write_all(fd, TEXT, strlen(TEXT)), 0);
	p = mmap(NULL, strlen(TEXT), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"), TEXT);
	assert_int_equal(rig_answer(&smtpd), Q_LATER);
	assert_int_equal(rig_retired(&rig, RIG_WAIT), rig.instance - 2);
	assert_int_equal(rig_job(&deliver, &j, 300), 0);
	munmap(p, strlen(TEXT));
}

static void
test_wrong_length(void **state)
{
	char id[17];
	int fd;

	assert_int_equal(rig_file(&smtpd, id, &fd), 0);
	rig_write(fd, TEXT);
	rig_submit(&smtpd, id, "s@far.test", TO("anna@example.test"),
	    TEXT "more");
	assert_int_equal(rig_answer(&smtpd), Q_LATER);
	/* And the worker may go on. */
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
}

static void
test_broken(void **state)
{
	struct rig_job j;
	char id[17], out[400];
	uint32_t status;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test", "a@one.test"), TEXT), 0);
	take(&deliver, &j);
	rig_words(&deliver, &j, J_BROKEN, "4.3.0 checksum");
	rig_job_clear(&j);
	assert_states("broken broken ");
	assert_int_equal(rig_files(&rig, "bad", 0), 1);
	assert_int_equal(rig_files(&rig, "body", 0), 0);
	again();
	ask(C_LIST, NULL, 1, out, sizeof(out), &status);
	assert_string_equal(out, "broken broken ");
	assert_idle(&deliver);
	ask(C_RETRY, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	take(&deliver, &j);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_broken_deleted(void **state)
{
	char id[17], out[400];
	struct rig_job j;
	uint32_t status;
	int i;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	rig_words(&deliver, &j, J_BROKEN, "4.3.0 checksum");
	rig_job_clear(&j);
	for (i = 0; i < 50 && rig_files(&rig, "bad", 0) == 0; i++)
		nap(100);
	assert_int_equal(rig_files(&rig, "bad", 0), 1);
	ask(C_DELETE, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	for (i = 0; i < 50 && rig_files(&rig, "bad", 0) > 0; i++)
		nap(100);
	assert_int_equal(rig_files(&rig, "bad", 0), 0);
	assert_empty();
}

static void
test_deferred_and_control(void **state)
{
	char id[17], id2[17], out[400];
	struct rig_job j;
	uint32_t status;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 greylisted", "mx.one");
	rig_job_clear(&j);
	assert_states("deferred ");
	assert_column(11, "4.7.1 greylisted ");
	again();
	assert_idle(&relay);
	ask(C_LIST, NULL, 11, out, sizeof(out), &status);
	assert_string_equal(out, "4.7.1 greylisted ");
	ask(C_HOLD, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	ask(C_LIST, NULL, 1, out, sizeof(out), &status);
	assert_string_equal(out, "held ");
	ask(C_RETRY, NULL, 1, out, sizeof(out), &status);
	assert_idle(&relay);
	ask(C_RELEASE, id, 1, out, sizeof(out), &status);
	take(&relay, &j);
	assert_string_equal(j.file, id);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 greylisted", "mx.one");
	rig_job_clear(&j);
	assert_states("deferred ");
	ask(C_RETRY, NULL, 1, out, sizeof(out), &status);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 greylisted", "mx.one");
	rig_job_clear(&j);
	assert_states("deferred ");
	assert_true(ask(C_SHOW, id, 0, out, sizeof(out), &status) > 5);
	assert_int_equal(rig_send(&smtpd, id2, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	take(&deliver, &j);
	ask(C_DELETE, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	ask(C_DELETE, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_REFUSED);
	ask(C_DELETE, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_REFUSED);
	ask(C_STATUS, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
	again();
	assert_idle(&relay);
}

static void
test_backoff(void **state)
{
	int64_t start = clock_mono_ms();
	struct rig_job j;
	char id[17];
	int i;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	for (i = 0; i < 3; i++) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx.one");
		rig_job_clear(&j);
	}
	assert_true(clock_mono_ms() - start >= 1900);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.7.1 no", "mx.one");
	rig_job_clear(&j);
	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_non_null(strstr(j.body, "5.7.1"));
	/* Nobody is told of a bounce that fails. */
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx.far");
	rig_job_clear(&j);
	assert_empty();
	assert_idle(&relay);
}

/* Deferred while the clock was ahead: not for as long as that. And its name is
   no other's after it, though the clock would say so: store knows it. */
static void
test_clock_put_back(void **state)
{
	struct rig_job j;
	char id[17], later[17];
	int i;

	again_at("864000");
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx.one");
	rig_job_clear(&j);
	assert_states("deferred ");
	again_at(NULL);
	take(&relay, &j);
	assert_string_equal(j.file, id);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.one");
	rig_job_clear(&j);
	assert_empty();
	again();
	/* Blank files of the run that was killed have the first names. */
	for (i = 0; i < 300 && rig_send(&smtpd, later, "s@far.test",
	    TO("a@one.test"), TEXT) == -1; i++)
		nap(100);
	assert_true(i < 300 && strcmp(later, id) > 0);
}

/* Accepted while it was behind: some attempts are made all the same. */
static void
test_clock_was_behind(void **state)
{
	struct rig_job j;
	char id[17];
	int i;

	again_at("2592000");
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	for (i = 0; i < 3; i++) {
		take(&relay, &j);
		assert_string_equal(j.dest, "one.test");
		rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx.one");
		rig_job_clear(&j);
	}
	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_non_null(strstr(j.body, "4.4.7 not delivered in time"));
	assert_non_null(strstr(j.body, "Remote-MTA: dns; mx.one\r\n"));
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.far");
	rig_job_clear(&j);
	assert_empty();
}

static void
not_now(const char *id)
{
	struct rig_job j;

	take(&relay, &j);
	assert_string_equal(j.file, id);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.7.1 no", "mx.one");
	rig_job_clear(&j);
}

/* Old at once by a clock that is ahead: it is not given up for that alone. */
static void
test_clock_is_ahead(void **state)
{
	struct rig_job j;
	char id[17];
	int i;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	for (i = 0; i < 2; i++)
		not_now(id);
	assert_states("deferred ");
	again_at("864000");
	not_now(id);
	assert_states("deferred ");
	/* The clock is put right. */
	again_at(NULL);
	for (i = 0; i < 2; i++)
		not_now(id);
	assert_states("deferred ");
	/* Or it was right: the second attempt is the last. */
	again_at("864000");
	for (i = 0; i < 2; i++)
		not_now(id);
	take(&relay, &j);
	assert_string_equal(j.dest, "far.test");
	assert_non_null(strstr(j.body, "4.4.7 not delivered in time"));
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx.far");
	rig_job_clear(&j);
	assert_empty();
}

static void
test_loops(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "bert@example.test",
	    TO("ping@example.test"), TEXT), 0);
	take(&deliver, &j);
	assert_string_equal(j.sender, "");
	assert_string_equal(j.rcpt[0].owner, "bert@example.test");
	assert_non_null(strstr(j.body, "Status: 5.4.6"));
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	assert_empty();
}

/* Many messages are done at the moment of a stop: their names go with it. */
static void
test_stop_with_names_to_go(void **state)
{
	struct rig_job j;
	char id[17];
	int i;

	for (i = 0; i < 150; i++)
		assert_int_equal(rig_send(&smtpd, id, "s@far.test",
		    TO("anna@example.test"), TEXT), 0);
	for (i = 0; i < 150; i++) {
		take(&deliver, &j);
		rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
		rig_job_clear(&j);
	}
	rig_stop(&rig);
	assert_true(rig_files(&rig, "body", 1) <= 1);
	rig_start(&rig);
	wire_all();
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_deliver), T(test_many_in_one), T(test_partial_results),
		T(test_worker_lost), T(test_answer_before_the_end),
		T(test_writer_left), T(test_writer_mapped), T(test_wrong_length),
		T(test_broken), T(test_broken_deleted),
		T(test_deferred_and_control), TQ(test_backoff),
		TQ(test_clock_put_back), TQ(test_clock_was_behind),
		TQ(test_clock_is_ahead),
		T(test_loops), T(test_stop_with_names_to_go),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
