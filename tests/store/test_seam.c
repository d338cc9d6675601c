/*
 * What store does when its index is late, fails, or is another's: nothing that
 * was answered is lost, nothing is shown before its word, and whoever is
 * answered "later" may come again.
 */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/store/engine_mem.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

static struct rig rig;
static char id[4][17];
static atomic_int *ended;	/* shared with the child: moves that a load ends */

void	__wrap_log_info(const char *fmt, ...);
void
__wrap_log_info(const char *fmt, ...)
{
	if (strstr(fmt, "were being moved") != NULL)
		atomic_fetch_add(ended, 1);
}

/* All that a start sets off has been done: a fault meets what is asked then. */
static void
at_rest(void)
{
	struct buf out = BUF_INIT(10000);

	assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "INBOX"), 1);
	assert_int_equal(rig_mailbox(&rig, &rig.imap[2], "INBOX"), 1);
	(void)rig_control(&rig, C_CHECK, NULL, &out);
	buf_clear(&out);
}

static int
setup(void **state)
{
	int i;

	memset(engine_mem, 0, sizeof(*engine_mem));
	rig_init(&rig);
	for (i = 0; i < 4; i++)
		rig_file(&rig, i % 2 ? "second" : "first", id[i]);
	rig_start(&rig);
	assert_int_equal(rig_deliver(&rig, id[0], ANNA, NULL),
	    RESULT_DELIVERED);
	at_rest();
	return 0;
}

/* Where a door was dropped it is anna's or bert's; all come with a start. */
static void
again(void)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
}

static void
finds(unsigned first, unsigned all)
{
	struct buf out = BUF_INIT(10000);
	size_t n;

	assert_int_equal(rig_find(&rig, &rig.imap[0], 1, "first", &n), first);
	assert_int_equal(n, all);
	if (rig_control(&rig, C_CHECK, NULL, &out) != 0)
		fail_msg("%s", buf_str(&out));
	buf_clear(&out);
}

static int
teardown(void **state)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	return 0;
}

static void
fail_commit(enum engine_result how)
{
	atomic_store(&engine_mem->commit_how, (int)how);
	atomic_store(&engine_mem->commit_at, 1);
}

/* A delivery whose commit fails is answered "later", and is made once. */
static void
commit_fails(enum engine_result how)
{
	fail_commit(how);
	assert_int_equal(rig_deliver(&rig, id[1], ANNA, NULL), RESULT_LATER);
	assert_int_equal(rig_deliver(&rig, id[2], BERT, NULL),
	    RESULT_DELIVERED);
	assert_int_equal(rig_deliver(&rig, id[1], ANNA, NULL),
	    RESULT_DELIVERED);
	assert_int_equal(rig_deliver(&rig, id[1], ANNA, NULL),
	    RESULT_DELIVERED);
	/* her doors were dropped, bert's was not */
	assert_int_equal(rig_mailbox(&rig, &rig.imap[2], "INBOX"), 1);
	again();
	finds(1, 2);
}

static void
test_commit_later(void **state)
{
	commit_fails(ENGINE_LATER);
}

static void
test_commit_false(void **state)
{
	commit_fails(ENGINE_FALSE);
}

static void
test_commit_lost(void **state)
{
	commit_fails(ENGINE_LOST);
}

/* The account of a turn that fails is the only one. */
static void
test_one_of_a_turn(void **state)
{
	struct door *d = &rig.deliver[0];
	char words[RESULT_WORDS_MAX + 1];
	enum result result;
	unsigned later = 0, done = 0;
	uint32_t tag;
	int got;

	assert_int_equal(rig_deliver(&rig, id[3], BERT, NULL),
	    RESULT_DELIVERED);
	fail_commit(ENGINE_LATER);
	assert_int_equal(rig_send(d, 1, id[1], ANNA, rig_open(&rig, id[1]), 6,
	    1), 0);
	assert_int_equal(rig_send(d, 2, id[2], BERT, rig_open(&rig, id[2]), 5,
	    1), 0);
	while (later + done < 2) {
		got = rig_answer(d, &tag, &result, words);
		assert_int_not_equal(got, -1);
		if (got == 0) {
			usleep(1000);
			continue;
		}
		later += result == RESULT_LATER;
		done += result == RESULT_DELIVERED;
	}
	assert_int_equal(later, 1);
	assert_int_equal(done, 1);
}

/*
 * It is committed, and nobody says whether it is durable: no word is given,
 * and nothing undone. Who comes again hears that it was made.
 */
static void
test_durable_lost(void **state)
{
	atomic_store(&engine_mem->durable_lost, 1);
	assert_int_equal(rig_deliver(&rig, id[1], ANNA, NULL), RESULT_LATER);
	assert_int_equal(rig_deliver(&rig, id[1], ANNA, NULL),
	    RESULT_DELIVERED);
	again();
	finds(1, 2);
}

static size_t
shown(void)
{
	struct door_mailbox m;

	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	return m.messages;
}

/* Until its word comes a message is neither answered nor shown. */
static void
test_durable_late(void **state)
{
	struct door *d = &rig.deliver[0];
	char words[RESULT_WORDS_MAX + 1];
	enum result result;
	uint32_t tag;
	int64_t from;

	atomic_store(&engine_mem->durable_us, 300000);
	from = clock_mono_ms();
	assert_int_equal(rig_send(d, 1, id[1], ANNA, rig_open(&rig, id[1]), 6,
	    1), 0);
	assert_int_equal(rig_answer(d, &tag, &result, words), 0);
	usleep(100000);
	assert_int_equal(shown(), 1);
	while (rig_answer(d, &tag, &result, words) == 0)
		usleep(5000);
	assert_int_equal(result, RESULT_DELIVERED);
	assert_true(clock_mono_ms() - from >= 290);
	assert_int_equal(shown(), 2);
	atomic_store(&engine_mem->durable_us, 0);
	finds(1, 2);
}

/* What only looks is answered "later", and the door stays. */
static void
test_read_later(void **state)
{
	struct door_record *rec;
	struct door *d = &rig.imap[0];
	uint32_t *gone;
	size_t n, n_gone;
	uint64_t modseq;
	int complete;

	assert_int_equal(shown(), 1);
	atomic_store(&engine_mem->scan_at, 1);
	assert_int_equal(door_records(d, 1, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), -1);
	assert_int_equal(door_error(d), D_LATER);
	finds(1, 1);
}

/* Every look of a load fails once: the account is neither made anew nor
   taken for empty, and is there when it is asked for again. */
static void
test_load_later(void **state)
{
	atomic_int *const at[] = { &engine_mem->get_at, &engine_mem->scan_at,
		&engine_mem->last_at };
	struct door_mailbox m;
	int i, n;

	for (i = 0; i < 3; i++)
		for (n = 1; n < 12; n++) {
			assert_int_equal(rig_stop(&rig), 0);
			atomic_store(at[i], n);
			rig_start(&rig);
			(void)rig_deliver(&rig, id[1], ANNA, NULL);
			(void)door_status(&rig.imap[0], 1, &m);
			atomic_store(at[i], 0);
			again();
			assert_int_equal(rig_deliver(&rig, id[1], ANNA, NULL),
			    RESULT_DELIVERED);
			finds(1, 2);
		}
}

static int
flag(struct door *d)
{
	char *words[] = { "Red", NULL };
	uint32_t uid = 1, *failed;
	struct door_record *rec;
	size_t n, n_failed;

	if (door_store(d, 1, &uid, 1, DOOR_ADD, FLAG_FLAGGED, words,
	    UINT64_MAX, &rec, &n, &failed, &n_failed) == -1)
		return 0;
	free(rec);
	free(failed);
	return n == 1;
}

static int
copy(struct door *d, int how)
{
	uint32_t uid = 1, *from, *to, validity;
	size_t n;

	if (door_copy(d, 1, 5, &uid, 1, how, &from, &to, &n, &validity) == -1)
		return 0;
	free(from);
	free(to);
	return 1;
}

static int
expunge(struct door *d)
{
	uint32_t uid = 1, *gone;
	uint64_t modseq;
	size_t n;

	if (door_expunge(d, 1, &uid, 1, 1, &gone, &n, &modseq) == -1)
		return 0;
	free(gone);
	return 1;
}

static int
move(struct door *d)
{
	return copy(d, DOOR_MOVE);
}

/*
 * Each commit of a change fails in turn, until one gets through: the message
 * is where it was, or where it was to go, and not at both.
 */
static void
each_commit(int (*change)(struct door *), int target)
{
	size_t n, a, z;
	int i, done = 0;

	for (i = 1; i < 20 && !done; i++) {
		at_rest();
		atomic_store(&engine_mem->commit_how, ENGINE_LATER);
		atomic_store(&engine_mem->commit_at, i);
		done = change(&rig.imap[0]);
		atomic_store(&engine_mem->commit_at, 0);
		again();
		for (a = z = 1, n = 0; a + z != 1 && n < 300; n++) {
			a = rig_find(&rig, &rig.imap[0], 1, "first", &z);
			z = rig_find(&rig, &rig.imap[0], 5, "first", &z);
			if (!target)
				break;
			usleep(10000);
		}
		assert_true(a + z == 1 || (!target && z == 0));
		if (a == 0)
			done = 1;
	}
	assert_true(done && i > (target ? 2 : 1));
}

static void
test_flags_fail(void **state)
{
	int i;

	for (i = 1; i < 9; i++) {
		at_rest();
		atomic_store(&engine_mem->commit_how, ENGINE_FALSE);
		atomic_store(&engine_mem->commit_at, i);
		if (flag(&rig.imap[0]))
			break;
		again();
		finds(1, 1);
	}
	assert_true(i > 1 && i < 9);
	atomic_store(&engine_mem->commit_at, 0);
	again();
	finds(1, 1);
}

/* The lines of the first message in the flags file. */
static unsigned
lines_filed(void)
{
	struct buf text = BUF_INIT(1 << 20);
	const char *p;
	unsigned n = 0;
	int fd;

	fd = open(rig_path(&rig, "spool/mail/example.test/anna/1/flags"),
	    O_RDONLY);
	if (fd == -1)
		return 0;
	assert_int_equal(fd_slurp(fd, &text), 0);
	close(fd);
	for (p = buf_str(&text); (p = strstr(p, "\n1 ")) != NULL; p++)
		n++;
	buf_clear(&text);
	return n;
}

/* Flags that cannot be read for their file are behind until they can. */
static void
test_flags_file_later(void **state)
{
	atomic_int *const at[] = { &engine_mem->get_at, &engine_mem->scan_at };
	struct door_record *rec;
	uint32_t uid = 1, *failed;
	size_t n, n_failed;
	char name[20], *words[] = { name, NULL };
	unsigned before, i, k;

	for (i = 0; i < 2; i++)
		for (k = 1; k < 4; k++) {
			before = lines_filed();
			snprintf(name, sizeof(name), "word%u%u", i, k);
			assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1,
			    DOOR_ADD, 0, words, UINT64_MAX, &rec, &n, &failed,
			    &n_failed), 0);
			free(rec);
			free(failed);
			atomic_store(at[i], (int)k);
			assert_int_equal(rig_stop(&rig), 0);
			atomic_store(at[i], 0);
			rig_start(&rig);
			assert_int_equal(shown(), 1);
			assert_int_equal(rig_stop(&rig), 0);
			assert_true(lines_filed() > before);
			rig_start(&rig);
		}
}

static void
test_move_fails(void **state)
{
	each_commit(move, 1);
}

static void
test_expunge_fails(void **state)
{
	each_commit(expunge, 0);
	finds(0, 0);
}

/* MOVE by two sessions at once: one of them has it. */
static void
test_move_twice(void **state)
{
	struct door *d = &rig.deliver[0];
	char words[RESULT_WORDS_MAX + 1];
	enum result result;
	size_t all, a, z;
	uint32_t tag;
	int status;
	pid_t pid;

	/* Both wait while the delivery does. */
	atomic_store(&engine_mem->durable_us, 500000);
	assert_int_equal(rig_send(d, 1, id[1], ANNA, rig_open(&rig, id[1]), 6,
	    1), 0);
	assert_int_equal(rig_answer(d, &tag, &result, words), 0);
	usleep(50000);
	if ((pid = fork()) == 0)
		_exit(copy(&rig.imap[1], DOOR_MOVE));
	status = copy(&rig.imap[0], DOOR_MOVE);
	atomic_store(&engine_mem->durable_us, 0);
	if (status == 0)
		assert_int_equal(door_error(&rig.imap[0]), D_GONE);
	a = (size_t)status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(a + (size_t)WEXITSTATUS(status), 1);
	z = rig_find(&rig, &rig.imap[0], 5, "first", &all);
	assert_int_equal(z, 1);
	assert_int_equal(all, 1);
	while (rig_answer(d, &tag, &result, words) == 0)
		usleep(5000);
	finds(0, 1);
}

/* 1 where anna's mailboxes can be read, and have so many messages in all. */
static int
holds(unsigned n)
{
	struct buf out = BUF_INIT(10000);
	char text[40];
	int r;

	snprintf(text, sizeof(text), ANNA "|6|%u|", n);
	r = rig_control(&rig, C_LIST, ANNA, &out) == 1 &&
	    strncmp(buf_str(&out), text, strlen(text)) == 0;
	buf_clear(&out);
	return r;
}

/*
 * The second commit of a MOVE fails, and then each look of the load that is to
 * end the MOVE. Who has seen the message at both places and expunges one must
 * not lose the other: it is ended before anybody's request is.
 */
static void
test_move_load_fails(void **state)
{
	int i, n, both;

	for (i = 1; i < 7; i++) {
		if (i > 1) {
			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
		at_rest();
		atomic_store(&engine_mem->commit_how, ENGINE_LATER);
		atomic_store(&engine_mem->commit_at, 2);
		atomic_store(&engine_mem->scan_at, i);
		assert_int_equal(move(&rig.imap[0]), 0);
		atomic_store(&engine_mem->commit_at, 0);
		for (n = both = 0; n < 2000 && !holds(1); n++) {
			both += holds(2);
			assert_true(both < 200);
			usleep(10000);
		}
		assert_true(holds(1));
		atomic_store(&engine_mem->scan_at, 0);
		again();
		finds(0, 0);
	}
}

/* A MOVE that was cut short is ended by the next load, and by no other. */
static void
test_move_ends_once(void **state)
{
	int n;

	at_rest();
	atomic_store(ended, 0);
	atomic_store(&engine_mem->commit_how, ENGINE_LATER);
	atomic_store(&engine_mem->commit_at, 2);
	assert_int_equal(move(&rig.imap[0]), 0);
	for (n = 0; n < 2000 && !holds(1); n++)
		usleep(10000);
	assert_true(holds(1));
	assert_int_equal(atomic_load(ended), 1);
	again();
	assert_true(holds(1));
	finds(0, 0);
	assert_int_equal(atomic_load(ended), 1);
}

/* What of the requests is refused while the index's disk is so full: adding,
   changing, removing; reading goes on. */
static void
room_allows(enum engine_room room, int adds, int changes, int removes)
{
	struct door *d = &rig.imap[0];
	char words[RESULT_WORDS_MAX + 1];
	struct door_mailbox m;
	size_t n;

	atomic_store(&engine_mem->room, (int)room);
	assert_int_equal(rig_deliver(&rig, id[1], ANNA, words), adds ?
	    RESULT_DELIVERED : RESULT_LATER);
	if (!adds)
		assert_string_equal(words, "4.3.1 the disk is full");
	assert_int_equal(copy(d, 0), adds);
	if (!adds)
		assert_string_equal(door_words(d), "the disk is full");
	assert_int_equal(flag(d), changes);
	if (!changes) {
		assert_int_equal(door_error(d), D_LATER);
		assert_string_equal(door_words(d), "the disk is full");
	}
	assert_int_equal(door_create(d, "new", 0, &m), adds ? 0 : -1);
	assert_true(rig_find(&rig, d, 1, "first", &n) == 1);
	assert_int_equal(expunge(d), removes);
	if (!removes)
		assert_int_equal(door_error(d), D_LATER);
	atomic_store(&engine_mem->room, ENGINE_ROOM);
}

static void
test_room(void **state)
{
	room_allows(ENGINE_ROOM, 1, 1, 1);
}

static void
test_room_is_low(void **state)
{
	room_allows(ENGINE_LOW, 0, 0, 1);
}

static void
test_no_room(void **state)
{
	room_allows(ENGINE_NONE, 0, 0, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit_later), TEST(test_commit_false),
		TEST(test_commit_lost), TEST(test_one_of_a_turn),
		TEST(test_durable_lost), TEST(test_durable_late),
		TEST(test_read_later), TEST(test_load_later),
		TEST(test_flags_file_later),
		TEST(test_flags_fail), TEST(test_move_fails),
		TEST(test_expunge_fails), TEST(test_move_twice),
		TEST(test_move_load_fails), TEST(test_move_ends_once),
		TEST(test_room),
		TEST(test_room_is_low), TEST(test_no_room),
	};

	engine_mem_faults();
	ended = mmap(NULL, sizeof(*ended), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ended == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
