/*
 * Workers of smtpd at their wires, with the bodies, the disk and the table
 * played: which files they get, what is said where there is none, and whose
 * word is not trusted any more.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_intake.h"
#include "queue/queue_message.h"
#include "queue/queue_table.h"

enum { FIRST = 0x1000, LENGTH = 20, FILES = 4, WRONG = 3 };

static int stock, failing, full, table_full, writer;
static uint64_t next_id, dropped[20];
static unsigned n_dropped, n_sent, abandoned;
static off_t length;
static uint64_t said;		/* of its length, by the worker */
static struct submission sent;
static uint32_t retired;
static struct chan peer;
static char words[200];		/* of the last answer */

int	__wrap_body_take(uint64_t *id_r, int *fd_r);
int	__wrap_body_room(void);
int	__wrap_body_failing(void);
int	__wrap_body_open(uint64_t id);
void	__wrap_body_drop(uint64_t id);
enum bdb_room __wrap_table_room(void);
void	__wrap_commit_submit(const struct submission *s);
void	__wrap_commit_abandon(const void *from);
void	__wrap_server_retire_peer(enum peer kind, uint32_t instance);
int	__wrap_fd_no_writer(int fd);

int
__wrap_body_take(uint64_t *id_r, int *fd_r)
{
	if (stock == 0)
		return -1;
	stock--;
	*id_r = next_id++;
	*fd_r = memfd_create("body", MFD_CLOEXEC);
	return 0;
}

int
__wrap_body_room(void)
{
	return !full;
}

int
__wrap_body_failing(void)
{
	return failing;
}

int
__wrap_body_open(uint64_t id)
{
	int fd;

	if (length == -1)
		return -1;
	fd = memfd_create("body", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, length), 0);
	return fd;
}

void
__wrap_body_drop(uint64_t id)
{
	assert_true(n_dropped < 20);
	dropped[n_dropped++] = id;
}

enum bdb_room
__wrap_table_room(void)
{
	return table_full ? BDB_LOW : BDB_ROOM;
}

void
__wrap_commit_submit(const struct submission *s)
{
	sent = *s;
	n_sent++;
}

void
__wrap_commit_abandon(const void *from)
{
	abandoned++;
}

void
__wrap_server_retire_peer(enum peer kind, uint32_t instance)
{
	retired = instance;
}

int
__wrap_fd_no_writer(int fd)
{
	return !writer;
}

static void
turn(void)
{
	ev_run(queue.loop, EVRUN_NOWAIT);
	intake_flush();
}

static int
setup(void **state)
{
	int fd[2];

	queue.loop = ev_default_loop(0);
	failing = full = table_full = writer = 0;
	n_dropped = n_sent = abandoned = 0;
	stock = 100;
	next_id = FIRST;
	length = LENGTH;
	said = LENGTH;
	retired = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	intake_wired(PEER_SMTPD, 7, fd[0]);
	chan_init(&peer, fd[1]);
	return 0;
}

static int
teardown(void **state)
{
	chan_clear(&peer);
	turn();
	assert_int_equal(intake_count(), 0);
	return 0;
}

static void
send_built(void)
{
	assert_int_equal(msg_end(&peer), 0);
	assert_int_equal(chan_send(&peer, 0), 0);
	turn();
}

static void
ask_file(uint32_t frame)
{
	msg_begin(&peer, &proto_queue, Q_FILE, frame);
	send_built();
}

static void
submit(uint64_t id, uint32_t forward, uint32_t final)
{
	struct buf packed = BUF_INIT(0);
	char name[17];

	queue_id_text(id, name);
	assert_int_equal(packed_put_recipient(&packed,
	    &(struct packed_recipient){ "a@one.test", 10, "", 0, 0 }), 0);
	msg_begin(&peer, &proto_queue, Q_SUBMIT, 8);
	msg_text(&peer, QF_FILE, name);
	msg_text(&peer, QF_SENDER, "s@far.test");
	msg_bytes(&peer, QF_RECIPIENTS, packed.data, packed.len);
	msg_text(&peer, QF_CLIENT, "x [192.0.2.1]");
	msg_u64(&peer, QF_TIME, 1);
	msg_u64(&peer, QF_LENGTH, said);
	msg_u32(&peer, QF_CRC, 1);
	msg_u32(&peer, QF_FINAL, final);
	msg_u32(&peer, QF_FORWARD, forward);
	msg_u32(&peer, QF_FLAGS, 0);
	buf_clear(&packed);
	send_built();
}

/* The type of what was answered under that frame; 0: nothing, -1: it is closed.
   A file's name and the words are kept. */
static int
heard(uint32_t frame)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	const char *p;
	size_t len;
	int r, fd;

	r = msg_recv(&m, &proto_queue, PEER_QUEUE, &peer, 0, &why);
	buf_clear(&why);
	if (r != 1)
		return r == -1 && errno == ETIMEDOUT ? 0 : -1;
	assert_int_equal(m.id, frame);
	p = msg_get(&m, m.type == Q_LATER || m.type == Q_NEVER ? QF_WORDS :
	    QF_FILE, &len);
	snprintf(words, sizeof(words), "%.*s", (int)len, p != NULL ? p : "");
	fd = msg_get_fd(&m, 0);
	if (fd != -1)
		close(fd);
	msg_done(&m);
	return (int)m.type;
}

static void
assert_file(uint32_t frame, uint64_t id)
{
	char name[17];

	queue_id_text(id, name);
	assert_int_equal(heard(frame), Q_FILE_IS);
	assert_string_equal(words, name);
}

static void
assert_later(uint32_t frame, const char *want)
{
	assert_int_equal(heard(frame), Q_LATER);
	assert_string_equal(words, want);
}

/* The worker's channel is closed, and master takes it. */
static void
assert_dropped(void)
{
	turn();
	assert_int_equal(retired, 7);
	assert_int_equal(intake_count(), 0);
	assert_int_equal(abandoned, 1);
}

/* Four files at a time, each another; of who asks for a fifth none is left. */
static void
test_files(void **state)
{
	unsigned i;

	for (i = 0; i < FILES; i++) {
		ask_file(i + 1);
		assert_file(i + 1, FIRST + i);
	}
	assert_int_equal(retired, 0);
	ask_file(9);
	assert_dropped();
	assert_int_equal(n_dropped, FILES);
	for (i = 0; i < FILES; i++)
		assert_int_equal(dropped[i], FIRST + FILES - 1 - i);
}

/* Where there is no file, and why. */
static void
test_none(void **state)
{
	static const struct {
		int full, table_full, failing;
		const char *words;
	} row[] = {
		{ 1, 0, 0, "4.3.1 the disk is full" },
		{ 0, 1, 0, "4.3.1 the disk is full" },
		{ 0, 0, ENOSPC, "4.3.1 the disk is full" },
		{ 0, 0, EDQUOT, "4.3.1 the disk is full" },
		{ 0, 0, EMFILE, "4.3.0 the queue cannot make files" },
	};
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		full = row[i].full;
		table_full = row[i].table_full;
		failing = row[i].failing;
		ask_file(i + 1);
		assert_later(i + 1, row[i].words);
	}
	assert_int_equal(stock, 100);
}

/* What is not there yet is waited for; meanwhile nothing else is asked. */
static void
test_wait(void **state)
{
	stock = 0;
	ask_file(3);
	assert_int_equal(heard(3), 0);
	intake_stock();
	turn();
	assert_int_equal(heard(3), 0);
	stock = 1;
	intake_stock();
	turn();
	assert_file(3, FIRST);
	ask_file(4);
	assert_int_equal(heard(4), 0);
	failing = EIO;
	intake_stock();
	turn();
	assert_later(4, "4.3.0 the queue cannot make files");
	failing = 0;
	ask_file(5);
	intake_stop();
	turn();
	assert_later(5, "4.3.2 the server stops");
	assert_int_equal(n_dropped, 1);
	ask_file(6);
	assert_int_equal(retired, 0);
	ask_file(7);
	assert_dropped();
}

/* A message; the next file comes with the word where the worker has none. */
static void
test_submit(void **state)
{
	static const struct {
		int durable, full;
		unsigned files;
		int answer;
		const char *words;
	} row[] = {
		{ 1, 0, 1, Q_DONE, "0000000000001001" },
		{ 1, 1, 1, Q_DONE, "" },
		{ 1, 0, 2, Q_DONE, "" },
		{ 0, 0, 1, Q_LATER, "4.3.0 the queue is in trouble" },
		{ 0, 1, 1, Q_LATER, "4.3.1 the disk is full" },
	};
	unsigned i, k;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (i > 0)
			setup(state);
		for (k = 0; k < row[i].files; k++) {
			ask_file(k + 1);
			assert_file(k + 1, FIRST + k);
		}
		submit(FIRST, 0, 0);
		assert_int_equal(heard(8), 0);
		assert_int_equal(n_sent, 1);
		assert_int_equal(sent.m->id, FIRST);
		assert_int_equal(sent.m->env.length, LENGTH);
		assert_string_equal(sent.m->env.sender, "s@far.test");
		full = row[i].full;
		sent.done(&sent, row[i].durable);
		turn();
		message_free(sent.m);
		assert_int_equal(heard(8), row[i].answer);
		assert_string_equal(words, row[i].words);
		if (i + 1 < sizeof(row) / sizeof(row[0]))
			teardown(state);
	}
}

/* A file that was given once is submitted once. */
static void
test_twice(void **state)
{
	ask_file(1);
	assert_file(1, FIRST);
	submit(FIRST, 0, 0);
	message_free(sent.m);
	submit(FIRST, 0, 0);
	assert_int_equal(n_sent, 1);
	assert_dropped();
}

/* Bodies that are not as said: not taken, and the fourth is one too many. */
static void
test_wrong(void **state)
{
	static const struct {
		off_t length;
		const char *words;
	} row[] = {
		{ LENGTH - 1, "4.3.0 the message is not as long as it should "
		    "be" },
		{ LENGTH + 1, "4.3.0 the message is not as long as it should "
		    "be" },
		{ -1, "4.3.0 the queue cannot read the message" },
		{ 0, "4.3.0 the message is not as long as it should be" },
	};
	unsigned i;

	for (i = 0; i < WRONG + 1; i++) {
		assert_int_equal(retired, 0);
		ask_file(1);
		assert_file(1, FIRST + i);
		length = row[i].length;
		/* No octet is no message, though it is as it was said. */
		said = length == 0 ? 0 : LENGTH;
		submit(FIRST + i, 0, 0);
		assert_later(8, row[i].words);
		assert_int_equal(n_dropped, i + 1);
		assert_int_equal(dropped[i], FIRST + i);
	}
	assert_int_equal(n_sent, 0);
	assert_dropped();
}

/* Who still has the file open for writing is dropped at once. */
static void
test_writer(void **state)
{
	ask_file(1);
	assert_file(1, FIRST);
	writer = 1;
	submit(FIRST, 0, 0);
	assert_later(8, "4.3.0 the message is still being written");
	assert_int_equal(n_sent, 0);
	assert_dropped();
}

/* The places where delivery adds its lines stand in order, in the message. */
static void
test_envelope(void **state)
{
	static const struct {
		uint32_t forward, final;
		int good;
	} row[] = {
		{ 0, 0, 1 }, { 5, 5, 1 }, { 5, LENGTH, 1 }, { 6, 5, 0 },
		{ 5, LENGTH + 1, 0 },
	};
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (i > 0)
			setup(state);
		ask_file(1);
		assert_file(1, FIRST);
		submit(FIRST, row[i].forward, row[i].final);
		assert_int_equal(n_sent, row[i].good);
		if (row[i].good)
			message_free(sent.m);
		else
			assert_dropped();
		if (i + 1 < sizeof(row) / sizeof(row[0]))
			teardown(state);
	}
}

#define TI(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TI(test_files), TI(test_none), TI(test_wait), TI(test_submit),
		TI(test_twice), TI(test_wrong), TI(test_writer),
		TI(test_envelope),
	};

	log_init("test_intake", 0);
	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
