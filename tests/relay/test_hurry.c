/* What queue says while a job is at work, and what it does to a wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "relay/relay_hurry.h"

static struct chan queue, mine;

static int
setup(void **state)
{
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	chan_init(&queue, fd[0]);
	chan_init(&mine, fd[1]);
	hurry_begin(&mine, 7);
	return 0;
}

static int
teardown(void **state)
{
	chan_clear(&queue);
	chan_clear(&mine);
	hurry_begin(NULL, 0);
	return 0;
}

static void
say(enum j_type type, uint32_t id)
{
	msg_begin(&queue, &proto_job, type, id);
	if (type == J_REFUSED)
		msg_text(&queue, JF_WORDS, "x");
	assert_int_equal(msg_end(&queue), 0);
	assert_int_equal(chan_send(&queue, 1000), 0);
}

/* A wait of five minutes that began that long ago; ms. */
static int64_t
piece(int64_t ago)
{
	int64_t start = clock_mono_ms() - ago;

	return hurry_piece(start, start + 300000);
}

static void
test_patient(void **state)
{
	assert_int_equal(piece(0), 1000);
	assert_int_equal(piece(HURRY_MS + 5000), 1000);
	assert_in_range(piece(299500), 0, 500);
	assert_int_equal(piece(300000), 0);
	assert_false(hurry_now());
}

static void
test_others_wait(void **state)
{
	say(J_HURRY, 7);
	assert_int_equal(piece(HURRY_MS + 5000), 0);
	assert_in_range(piece(HURRY_MS - 500), 0, 500);
	assert_int_equal(piece(1000), 1000);
	assert_true(hurry_now());
	/* The next job has its own. */
	hurry_begin(&mine, 8);
	assert_false(hurry_now());
	assert_int_equal(piece(HURRY_MS + 5000), 1000);
}

static int stopping;

static int
asked_to_stop(int hear)
{
	return stopping;
}

/* A stop ends a wait, and that job alone. */
static void
test_stop(void **state)
{
	hurry_stop_by(asked_to_stop);
	assert_int_equal(piece(1000), 1000);
	assert_false(hurry_cut());
	stopping = 1;
	assert_int_equal(piece(0), 1000);
	assert_int_equal(piece(1000), 0);
	assert_true(hurry_cut());
	hurry_begin(&mine, 8);
	assert_false(hurry_cut());
	stopping = 0;
	hurry_stop_by(NULL);
}

/* A stop cut a wait, the job went on, and a host may have the message. */
static void
test_settle(void **state)
{
	hurry_stop_by(asked_to_stop);
	stopping = 1;
	assert_int_equal(piece(1000), 0);
	assert_true(hurry_cut());
	hurry_settle();
	assert_false(hurry_cut());
	stopping = 0;
	hurry_stop_by(NULL);
}

/* What a new queue says is not read by the job of the old one. */
static void
test_forget(void **state)
{
	hurry_stop_by(asked_to_stop);
	stopping = 1;
	assert_int_equal(piece(1000), 0);
	stopping = 0;
	hurry_stop_by(NULL);
	say(J_HURRY, 7);
	assert_true(hurry_now());
	hurry_forget();
	assert_false(hurry_now());
	assert_true(hurry_cut());
	say(J_HURRY, 7);
	assert_int_equal(piece(HURRY_MS + 5000), 1000);
	assert_false(chan_ready(&mine));
	assert_int_equal(chan_read(&mine), 1);
	assert_int_equal(chan_next_type(&mine), J_HURRY);
}

static void
test_late_word(void **state)
{
	say(J_HURRY, 6);
	assert_false(hurry_now());
	assert_false(hurry_now());
	say(J_HURRY, 7);
	assert_true(hurry_now());
}

/* What is not ours to take stays, and so does what is behind it. */
static void
test_other_frames_stay(void **state)
{
	say(J_REFUSED, 1);
	say(J_HURRY, 7);
	assert_false(hurry_now());
	assert_int_equal(chan_next_type(&mine), J_REFUSED);
}

static void
test_queue_is_gone(void **state)
{
	chan_clear(&queue);
	assert_false(hurry_now());
	assert_int_equal(piece(HURRY_MS + 5000), 1000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_patient), T(test_others_wait), T(test_late_word), T(test_stop),
		T(test_settle), T(test_forget), T(test_other_frames_stay),
		T(test_queue_is_gone),
	};

	return cmocka_run_group_tests_name("hurry", tests, NULL, NULL);
}
