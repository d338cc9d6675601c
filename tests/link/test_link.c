#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/link/link.h"

enum { T_ASK = 1, T_SAY };
enum { F_WORD = 1, F_BLOB };
enum { BLOB = 900000 };

static const struct msg_field ask[] = {
	{ "word", F_WORD, MSG_TEXT, 0, 20 },
	{ 0 }
};
static const struct msg_field say[] = {
	{ "word", F_WORD, MSG_TEXT, 1, 20 },
	{ "blob", F_BLOB, MSG_BYTES, 1, BLOB },
	{ 0 }
};
static const struct msg_desc table[] = {
	[T_ASK] = { "ASK", PEER_BIT(PEER_SMTPD), 0, 1, ask },
	[T_SAY] = { "SAY", PEER_BIT(PEER_QUEUE), 0, 0, say },
};
static const struct msg_proto proto = MSG_PROTO("test", table);

static struct ev_loop *loop;
static struct link_turn turn = TAILQ_HEAD_INITIALIZER(turn);

/* The owner: on the heap, so that a sanitizer sees a use after its end. */
struct owner {
	struct link link;
	int	 unused;
};

static struct owner *owner;
static struct chan far;		/* the other side, blocking */
static unsigned heard, lost, written;
static enum link_end lost_how;
static char lost_why[300], words[1000];
static int below;		/* a call that must not come back to us */
static int (*react)(struct owner *, const char *word);

static int
on_message(struct link *l, struct msg *m, struct buf *why)
{
	struct owner *o = l->owner;
	char *word = msg_get_dup(m, F_WORD);
	int r = 0;

	assert_false(below);
	heard++;
	strncat(words, word, sizeof(words) - strlen(words) - 1);
	if (strcmp(word, "bad") == 0) {
		buf_set(why, "says bad");
		r = -1;
	} else if (react != NULL)
		r = react(o, word);
	free(word);
	return r;
}

static void
on_lost(struct link *l, enum link_end how, const char *why)
{
	assert_false(below);
	assert_false(link_is_open(l));
	lost++;
	lost_how = how;
	strncpy(lost_why, why == NULL ? "" : why, sizeof(lost_why) - 1);
	free(l->owner);
	owner = NULL;
}

static void
on_written(struct link *l)
{
	assert_false(below);
	assert_false(chan_pending(&l->chan));
	written++;
}

static const struct link_kind at_once = {
	.proto = &proto,
	.message = on_message,
	.lost = on_lost,
	.written = on_written,
	.secret = 1,
};
static const struct link_kind in_turn = {
	.proto = &proto,
	.message = on_message,
	.lost = on_lost,
	.written = on_written,
	.turn = &turn,
};

static void
open_owner(const struct link_kind *kind)
{
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	assert_int_equal(fd_nonblock(fd[0], 1), 0);
	chan_init(&far, fd[1]);
	owner = mem_zalloc(1, sizeof(*owner));
	link_init(&owner->link, loop, kind, owner);
	assert_false(link_is_open(&owner->link));
	link_open(&owner->link, PEER_SMTPD, 7, fd[0]);
	assert_true(link_is_open(&owner->link));
}

static int
setup(void **state)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	heard = lost = written = 0;
	lost_why[0] = words[0] = '\0';
	react = NULL;
	return loop == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	if (owner != NULL) {
		link_clear(&owner->link);
		link_clear(&owner->link);
		free(owner);
		owner = NULL;
	}
	chan_clear(&far);
	ev_loop_destroy(loop);
	return TAILQ_EMPTY(&turn) ? 0 : -1;
}

static void
run(void)
{
	int i;

	for (i = 0; i < 5; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static void
far_ask(const char *word)
{
	msg_begin(&far, &proto, T_ASK, 1);
	msg_text(&far, F_WORD, word);
	assert_int_equal(msg_end(&far), 0);
}

static void
far_send(const char *word)
{
	far_ask(word);
	assert_int_equal(chan_send(&far, 1000), 0);
}

static void
say_word(const char *word)
{
	msg_text(link_begin(&owner->link, T_SAY, 2), F_WORD, word);
	below = 1;
	link_send(&owner->link);
	below = 0;
}

static void
say_blob(void)
{
	static char blob[BLOB];

	msg_bytes(link_begin(&owner->link, T_SAY, 3), F_BLOB, blob, BLOB);
	below = 1;
	link_send(&owner->link);
	below = 0;
}

/* What the other side hears: the word; NULL: nothing within ms. */
static char *
far_hear(int ms)
{
	struct buf why = BUF_INIT(200);
	char *word = NULL;
	struct msg m;

	if (msg_recv(&m, &proto, PEER_QUEUE, &far, ms, &why) == 1) {
		word = msg_get_dup(&m, F_WORD);
		msg_done(&m);
	}
	buf_clear(&why);
	return word;
}

static void
assert_hears(const char *word)
{
	char *s = far_hear(1000);

	assert_non_null(s);
	assert_string_equal(s, word);
	free(s);
}

static int
answer(struct owner *o, const char *word)
{
	msg_text(link_begin(&o->link, T_SAY, 4), F_WORD, word);
	link_send(&o->link);
	return 0;
}

static void
test_messages_and_answers(void **state)
{
	open_owner(&at_once);
	react = answer;
	far_ask("one");
	far_send("two");
	run();
	assert_int_equal(heard, 2);
	assert_hears("one");
	assert_hears("two");
	assert_int_equal(lost, 0);
}

static void
test_answers_wait_for_the_turn(void **state)
{
	open_owner(&in_turn);
	react = answer;
	far_ask("one");
	far_send("two");
	run();
	assert_int_equal(heard, 2);
	assert_null(far_hear(0));
	link_turn_flush(&turn);
	assert_hears("one");
	assert_hears("two");
	assert_true(TAILQ_EMPTY(&turn));
}

static void
test_end(void **state)
{
	open_owner(&at_once);
	far_send("last");
	chan_clear(&far);
	run();
	assert_string_equal(words, "last");
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_ENDED);
	assert_string_equal(lost_why, "");
}

/* Writing fails first; what the peer said before its end is heard all the
   same. */
/* The end is known before the loop has read what was said. */
static void
test_finish(void **state)
{
	open_owner(&at_once);
	far_ask("one");
	far_send("two");
	chan_clear(&far);
	link_finish(&owner->link);
	assert_string_equal(words, "onetwo");
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_ENDED);
	/* One that says what it must not is lost once. */
	open_owner(&at_once);
	far_ask("bad");
	far_send("unheard");
	link_finish(&owner->link);
	assert_string_equal(words, "onetwobad");
	assert_int_equal(lost, 2);
	assert_int_equal(lost_how, LINK_BROKE);
	run();
	assert_int_equal(lost, 2);
}

static void
test_end_while_writing(void **state)
{
	open_owner(&at_once);
	far_send("last");
	chan_clear(&far);
	say_word("too late");
	assert_int_equal(lost, 0);
	run();
	assert_string_equal(words, "last");
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_ENDED);
}

static void
test_bad_frame(void **state)
{
	open_owner(&at_once);
	far_send("good");
	assert_int_equal(write(far.fd, "no frame at all", 15), 15);
	run();
	assert_string_equal(words, "good");
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_BROKE);
}

/* A message that its sender may not send. */
static void
test_wrong_sender(void **state)
{
	open_owner(&at_once);
	msg_begin(&far, &proto, T_SAY, 1);
	assert_int_equal(msg_end(&far), 0);
	assert_int_equal(chan_send(&far, 1000), 0);
	run();
	assert_int_equal(heard, 0);
	assert_int_equal(lost_how, LINK_BROKE);
	assert_true(lost_why[0] != '\0');
}

/* What was answered before goes out, also where it waited for its turn. */
static void
test_refused_message(void **state)
{
	open_owner(&in_turn);
	react = answer;
	far_ask("one");
	far_ask("bad");
	far_send("three");
	run();
	assert_string_equal(words, "onebad");
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_BROKE);
	assert_string_equal(lost_why, "says bad");
	assert_hears("one");
	assert_true(TAILQ_EMPTY(&turn));
}

static int
free_owner(struct owner *o, const char *word)
{
	link_clear(&o->link);
	free(o);
	owner = NULL;
	return -1;
}

static void
test_freed_in_the_hook(void **state)
{
	open_owner(&at_once);
	react = free_owner;
	far_ask("one");
	far_send("two");
	run();
	assert_int_equal(heard, 1);
	assert_int_equal(lost, 0);
	assert_int_equal(read(far.fd, words, 1), 0);
}

static int
reopen(struct owner *o, const char *word)
{
	int fd[2];

	link_clear(&o->link);
	chan_clear(&far);
	assert_int_equal(fd_pair(fd), 0);
	assert_int_equal(fd_nonblock(fd[0], 1), 0);
	chan_init(&far, fd[1]);
	link_open(&o->link, PEER_SMTPD, 8, fd[0]);
	react = answer;
	return 0;
}

static void
test_opened_again_in_the_hook(void **state)
{
	open_owner(&at_once);
	react = reopen;
	far_ask("one");
	far_send("lost");
	run();
	assert_string_equal(words, "one");
	assert_int_equal(lost, 0);
	far_send("two");
	run();
	assert_string_equal(words, "onetwo");
	assert_hears("two");
}

static int
drop(struct owner *o, const char *word)
{
	below = 1;
	link_drop(&o->link, LINK_BROKE, "first");
	link_drop(&o->link, LINK_ENDED, "second");
	link_pause(&o->link);
	link_resume(&o->link);
	below = 0;
	return 0;
}

static void
test_dropped_in_the_hook(void **state)
{
	open_owner(&at_once);
	react = drop;
	far_ask("one");
	far_send("two");
	run();
	assert_int_equal(heard, 1);
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_BROKE);
	assert_string_equal(lost_why, "first");
}

static void
test_dropped_from_outside(void **state)
{
	open_owner(&at_once);
	far_send("unheard");
	drop(owner, NULL);
	assert_int_equal(lost, 0);
	run();
	assert_int_equal(heard, 0);
	assert_int_equal(lost, 1);
}

/* Nobody reads: what waits is bounded, and then the peer is dropped. */
static void
overflow(const struct link_kind *kind)
{
	unsigned i;

	open_owner(kind);
	for (i = 0; i < 2 * CHAN_OUT_MAX / BLOB; i++)
		say_blob();
	assert_true(owner->link.chan.out.len <= CHAN_OUT_MAX);
	assert_int_equal(lost, 0);
	run();
	assert_int_equal(lost, 1);
	assert_int_equal(lost_how, LINK_DEAF);
	assert_string_equal(lost_why, "does not read its answers");
}

static void
test_overflow(void **state)
{
	overflow(&at_once);
}

static void
test_overflow_in_turn(void **state)
{
	overflow(&in_turn);
}

static void
test_answer_against_the_table(void **state)
{
	open_owner(&at_once);
	say_word("more than twenty octets");
	run();
	assert_int_equal(lost_how, LINK_DEAF);
	assert_string_not_equal(lost_why, "does not read its answers");
}

/* More than the socket takes: the rest follows as the peer reads. */
static void
partial(const struct link_kind *kind)
{
	int i;

	open_owner(kind);
	say_blob();
	say_word("behind");
	link_turn_flush(&turn);
	assert_true(chan_pending(&owner->link.chan));
	assert_int_equal(written, 0);
	for (i = 0; i < 1000 && written == 0; i++) {
		run();
		link_turn_flush(&turn);
		assert_int_equal(fd_nonblock(far.fd, 1), 0);
		(void)!chan_read(&far);
	}
	assert_int_equal(fd_nonblock(far.fd, 0), 0);
	assert_false(chan_pending(&owner->link.chan));
	assert_hears("");
	assert_hears("behind");
	run();
	assert_int_equal(written, 1);
	assert_int_equal(lost, 0);
}

static void
test_partial_write(void **state)
{
	partial(&at_once);
}

static void
test_partial_write_in_turn(void **state)
{
	partial(&in_turn);
}

/*
 * All that waited goes out with an answer, and another answer follows in the
 * same turn: `written` is told still.
 */
static void
test_written_by_an_answer(void **state)
{
	size_t got = 0;
	char b[65536];
	ssize_t n;

	open_owner(&at_once);
	react = answer;
	say_blob();
	assert_true(chan_pending(&owner->link.chan));
	ev_io_stop(loop, &owner->link.writing);
	while (got < BLOB) {
		n = recv(far.fd, b, sizeof(b), MSG_DONTWAIT);
		if (n > 0)
			got += (size_t)n;
		else
			(void)!chan_flush(&owner->link.chan);
	}
	assert_false(chan_pending(&owner->link.chan));
	far_ask("one");
	far_send("two");
	run();
	assert_int_equal(heard, 2);
	assert_int_equal(written, 1);
	link_clear(&owner->link);
}

static int
pause_at_two(struct owner *o, const char *word)
{
	if (strcmp(word, "two") == 0)
		link_pause(&o->link);
	return 0;
}

static void
test_pause(void **state)
{
	open_owner(&at_once);
	react = pause_at_two;
	far_ask("one");
	far_ask("two");
	far_ask("three");
	far_send("four");
	run();
	assert_string_equal(words, "onetwo");
	far_send("five");
	chan_clear(&far);
	run();
	assert_string_equal(words, "onetwo");
	assert_int_equal(lost, 0);
	below = 1;
	link_resume(&owner->link);
	below = 0;
	assert_string_equal(words, "onetwo");
	run();
	assert_string_equal(words, "onetwothreefourfive");
	assert_int_equal(lost, 1);
}

/* Paused again before the loop had its turn. */
static void
test_pause_after_resume(void **state)
{
	open_owner(&at_once);
	react = pause_at_two;
	far_ask("two");
	far_send("three");
	run();
	link_resume(&owner->link);
	link_pause(&owner->link);
	run();
	assert_string_equal(words, "two");
	link_resume(&owner->link);
	run();
	assert_string_equal(words, "twothree");
}

/* What was due or held back on one channel is not so on the next. */
static void
test_opened_anew(void **state)
{
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		open_owner(&at_once);
		if (i == 0)
			link_pause(&owner->link);
		else
			link_drop(&owner->link, LINK_ENDED, NULL);
		link_clear(&owner->link);
		chan_clear(&far);
		assert_int_equal(fd_pair(fd), 0);
		fd_nonblock(fd[0], 1);
		chan_init(&far, fd[1]);
		link_open(&owner->link, PEER_SMTPD, 8, fd[0]);
		far_send("one");
		run();
		assert_string_equal(words, "one");
		assert_int_equal(lost, 0);
		if (i == 0) {
			teardown(NULL);
			assert_int_equal(setup(NULL), 0);
		}
	}
}

/* An end that is due comes though the link is paused then. */
static void
test_paused_while_dropped(void **state)
{
	open_owner(&at_once);
	link_drop(&owner->link, LINK_ENDED, NULL);
	link_pause(&owner->link);
	run();
	assert_int_equal(lost, 1);
}

static void
test_dropped_while_paused(void **state)
{
	open_owner(&at_once);
	link_pause(&owner->link);
	link_drop(&owner->link, LINK_ENDED, NULL);
	run();
	assert_int_equal(lost, 1);
}

static void
test_closed_link_throws_away(void **state)
{
	open_owner(&in_turn);
	say_word("never sent");
	link_clear(&owner->link);
	say_word("nor this");
	link_turn_flush(&turn);
	assert_false(chan_pending(&owner->link.chan));
	assert_null(far_hear(100));
	run();
	assert_int_equal(lost, 0);
}

/* A descriptor that the hook did not take is closed. */
static void
test_descriptor_not_taken(void **state)
{
	int fd[2];
	char c;

	open_owner(&at_once);
	assert_int_equal(pipe(fd), 0);
	msg_begin(&far, &proto, T_ASK, 1);
	msg_text(&far, F_WORD, "one");
	msg_fd(&far, fd[1]);
	assert_int_equal(msg_end(&far), 0);
	assert_int_equal(chan_send(&far, 1000), 0);
	run();
	assert_int_equal(heard, 1);
	assert_int_equal(read(fd[0], &c, 1), 0);
	close(fd[0]);
}

static int
has(const struct buf *b, const char *word)
{
	return b->data != NULL && memmem(b->data, b->cap, word,
	    strlen(word)) != NULL;
}

static void
test_secrets_are_wiped(void **state)
{
	open_owner(&at_once);
	react = answer;
	far_send("password");
	run();
	assert_hears("password");
	assert_non_null(owner->link.chan.in.data);
	assert_false(has(&owner->link.chan.in, "password"));
	assert_non_null(owner->link.chan.out.data);
	assert_false(has(&owner->link.chan.out, "password"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_messages_and_answers),
		T(test_answers_wait_for_the_turn),
		T(test_end),
		T(test_finish),
		T(test_end_while_writing),
		T(test_bad_frame),
		T(test_wrong_sender),
		T(test_refused_message),
		T(test_freed_in_the_hook),
		T(test_opened_again_in_the_hook),
		T(test_dropped_in_the_hook),
		T(test_dropped_from_outside),
		T(test_overflow),
		T(test_overflow_in_turn),
		T(test_answer_against_the_table),
		T(test_partial_write),
		T(test_partial_write_in_turn),
		T(test_written_by_an_answer),
		T(test_pause),
		T(test_pause_after_resume),
		T(test_dropped_while_paused),
		T(test_opened_anew),
		T(test_paused_while_dropped),
		T(test_closed_link_throws_away),
		T(test_descriptor_not_taken),
		T(test_secrets_are_wiped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
