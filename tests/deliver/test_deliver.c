/*
 * A real deliver process between a queue and a store that the test plays.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "deliver/deliver_job.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "lib/server/wire.h"
#include "tests/built.h"

enum { WAIT = 10000, NOBODY = 65534 };

#define TRACE "Return-Path: <s@far.test>\r\nDelivered-To: anna@example.test\r\n"
#define OURS "\r\nReceived: from x by mx.example.test (Rohrpost) id 1"
#define TEXT TRACE "Subject: test\r\nFrom: a@b\r\n\r\nbody\r\n"

static char dir[] = "/tmp/deliver.XXXXXX";
static pid_t pid;
static struct chan master, queue, store;
static struct buf why = BUF_INIT(300);

static void
wire(enum peer p, struct chan *c)
{
	static uint32_t instance;
	int fd[2];

	chan_clear(c);
	assert_int_equal(fd_pair(fd), 0);
	msg_begin(&master, &proto_wire, WIRE_PEER, 0);
	msg_u32(&master, WF_PEER, p);
	msg_u32(&master, WF_INSTANCE, ++instance);
	msg_fd(&master, fd[1]);
	assert_int_equal(msg_end(&master), 0);
	assert_int_equal(chan_send(&master, WAIT), 0);
	chan_init(c, fd[0]);
}

static int
setup(void **state)
{
	const char *program = getenv("DELIVER_PROGRAM");
	char path[100];
	int fd[2];
	FILE *f;

	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/deliver.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/rohrpost.conf", dir);
	assert_non_null(f = fopen(path, "w"));
	fprintf(f, "hostname = mx.example.test\nstate_dir = %s\n", dir);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(fd_pair(fd), 0);
	if ((pid = fork()) == 0) {
		dup2(fd[1], SERVER_MASTER_FD);
		fd_cloexec(SERVER_MASTER_FD, 0);
		if ((program == NULL || program[0] != '/') &&
		    built_cd() == -1)
			_exit(97);
		if (geteuid() == 0 && (setgid(NOBODY) == -1 ||
		    setuid(NOBODY) == -1))
			_exit(99);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program != NULL ? program : "deliver/deliver", "deliver",
		    "-c", dir, (char *)NULL);
		_exit(98);
	}
	close(fd[1]);
	chan_init(&master, fd[0]);
	chan_init(&queue, -1);
	chan_init(&store, -1);
	wire(PEER_STORE, &store);
	wire(PEER_QUEUE, &queue);
	msg_begin(&master, &proto_wire, WIRE_GO, 0);
	assert_int_equal(msg_end(&master), 0);
	assert_int_equal(chan_send(&master, WAIT), 0);
	return 0;
}

static int
setup_filtering(void **state)
{
	const char *was = getenv("DELIVER_PROGRAM");
	char *keep = was == NULL ? NULL : strdup(was);
	int r;

	setenv("DELIVER_PROGRAM", "tests/deliver/filtering", 1);
	r = setup(state);
	if (keep != NULL)
		setenv("DELIVER_PROGRAM", keep, 1);
	else
		unsetenv("DELIVER_PROGRAM");
	free(keep);
	return r;
}

static int
teardown(void **state)
{
	char cmd[100];

	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	chan_clear(&master);
	chan_clear(&queue);
	chan_clear(&store);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static int
body(const char *text, size_t len)
{
	int fd = memfd_create("body", MFD_CLOEXEC);

	assert_int_equal(fd_write_all(fd, text, len), 0);
	return fd;
}

/* Queues a job for packed recipients, with the descriptor of its body. */
static void
put_job_fd(uint32_t id, const struct buf *to, int fd, uint64_t length,
    uint32_t crc)
{
	msg_begin(&queue, &proto_job, J_DELIVER, id);
	msg_text(&queue, JF_FILE, "00000000000000aa");
	msg_text(&queue, JF_SENDER, "s@far.test");
	msg_bytes(&queue, JF_RECIPIENTS, to->data, to->len);
	msg_u64(&queue, JF_LENGTH, length);
	msg_u32(&queue, JF_CRC, crc);
	msg_u32(&queue, JF_OFFSET, (uint32_t)strlen(TRACE));
	msg_u64(&queue, JF_TIME, 1700000000);
	msg_u32(&queue, JF_FLAGS, 0);
	msg_fd(&queue, fd);
	assert_int_equal(msg_end(&queue), 0);
}

static void
put_job(uint32_t id, const struct buf *to, const char *text, size_t len,
    uint64_t length, uint32_t crc)
{
	put_job_fd(id, to, body(text, len), length, crc);
}

/* Queues a job for u0..u<n-1> (or anna for n 0); nothing is sent yet. */
static void
job(uint32_t id, int n, const char *text, size_t len, uint64_t length,
    uint32_t crc)
{
	struct buf b = BUF_INIT(0);
	char name[64];
	int i;

	for (i = 0; i < (n == 0 ? 1 : n); i++) {
		if (n == 0)
			strcpy(name, "anna@example.test");
		else
			snprintf(name, sizeof(name), "u%d@example.test", i);
		buf_put_u32(&b, (uint32_t)i + 5);
		buf_put_lv(&b, name, strlen(name));
		buf_put_lv(&b, name, strlen(name));
	}
	put_job(id, &b, text, len, length, crc);
	buf_clear(&b);
}

static void
send_job(uint32_t id, int n, const char *text)
{
	job(id, n, text, strlen(text), strlen(text),
	    crc32c(0, text, strlen(text)));
	assert_int_equal(chan_send(&queue, WAIT), 0);
}

/* The next request at store; the caller says msg_done. */
static void
request(struct msg *m)
{
	assert_int_equal(msg_recv(m, &proto_door, PEER_DELIVER, &store, WAIT,
	    &why), 1);
	assert_int_equal(m->type, DM_DELIVER);
}

static void
stored(uint32_t id, enum result r, const char *words)
{
	msg_begin(&store, &proto_door, DM_DELIVERED, id);
	msg_u32(&store, DF_RESULT, r);
	msg_text(&store, DF_WORDS, words);
	assert_int_equal(msg_end(&store), 0);
	assert_int_equal(chan_send(&store, WAIT), 0);
}

/* The answer to a job: its type; for J_RESULT how many of which result. */
static unsigned
answer(uint32_t id, unsigned got[3])
{
	struct cursor c;
	struct msg m;
	const char *p;
	size_t len;
	uint8_t r;

	memset(got, 0, 3 * sizeof(got[0]));
	assert_int_equal(msg_recv(&m, &proto_job, PEER_DELIVER, &queue, WAIT,
	    &why), 1);
	assert_int_equal(m.id, id);
	if (m.type == J_RESULT) {
		p = msg_get(&m, JF_RESULTS, &len);
		cursor_init(&c, p, len);
		while (cursor_left(&c) > 0) {
			assert_true(cursor_u32(&c) >= 5);
			r = cursor_u8(&c);
			assert_int_equal(cursor_u8(&c), 0);
			cursor_lv(&c, &len, RESULT_WORDS_MAX);
			assert_false(c.bad);
			got[r]++;
		}
	}
	msg_done(&m);
	return m.type;
}

/* The J_RESULT of a job: index, result, words of each, as they were given. */
static void
expect_results(uint32_t id, const char *want)
{
	struct buf text = BUF_INIT(0);
	struct packed_result r;
	struct cursor c;
	struct msg m;
	const char *p;
	size_t len;
	int more;

	assert_int_equal(msg_recv(&m, &proto_job, PEER_DELIVER, &queue, WAIT,
	    &why), 1);
	assert_int_equal(m.type, J_RESULT);
	assert_int_equal(m.id, id);
	p = msg_get(&m, JF_RESULTS, &len);
	cursor_init(&c, p, len);
	while ((more = packed_result(&c, &r)) == 1)
		buf_printf(&text, "%u %d %.*s;", r.index, (int)r.result,
		    (int)r.len, r.words);
	assert_int_equal(more, 0);
	assert_string_equal(buf_str(&text), want);
	buf_clear(&text);
	msg_done(&m);
}

/* A body that is broken is answered when all before it is done: what store
   has not been asked by then waits. */
static void
expect_quiet(void)
{
	struct pollfd p = { .fd = store.fd, .events = POLLIN };
	unsigned got[3];

	job(77, 0, TEXT, strlen(TEXT), strlen(TEXT), 1);
	assert_int_equal(chan_send(&queue, WAIT), 0);
	assert_int_equal(answer(77, got), J_BROKEN);
	assert_int_equal(store.in.len, store.in_done);
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* The process ends by itself, to be followed by a new one. */
static void
expect_end(void)
{
	int i, status = -1;

	for (i = 0; i < WAIT && waitpid(pid, &status, WNOHANG) != pid; i++)
		usleep(1000);
	assert_int_equal(status, 0);
	pid = -1;
}

static void
test_one(void **state)
{
	unsigned got[3];
	struct msg m;
	size_t len;

	send_job(1, 0, TEXT);
	request(&m);
	assert_memory_equal(msg_get(&m, DF_QUEUE_ID, &len),
	    "00000000000000aa", 16);
	assert_memory_equal(msg_get(&m, DF_OWNER, &len), "anna@example.test",
	    17);
	assert_int_equal(msg_get_u64(&m, DF_SIZE), strlen(TEXT));
	assert_int_equal(msg_get_u32(&m, DF_HEADER), strlen(TEXT) - 6);
	assert_int_equal(msg_get_u64(&m, DF_DATE), 1700000000);
	assert_non_null(msg_get(&m, DF_CACHE, &len));
	assert_true(len > 0);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(1, got), J_RESULT);
	assert_int_equal(got[RESULT_DELIVERED], 1);
}

/* Whatever order store answers in. */
static void
test_each_recipient_has_its_result(void **state)
{
	struct msg m;
	uint32_t id[3];
	int i;

	send_job(9, 3, TEXT);
	for (i = 0; i < 3; i++) {
		request(&m);
		id[i] = m.id;
		msg_done(&m);
	}
	stored(id[1], RESULT_LATER, "4.2.2 full");
	stored(id[2], RESULT_NEVER, "5.1.1 none");
	stored(id[0], RESULT_DELIVERED, "2.0.0 ok");
	expect_results(9, "6 1 4.2.2 full;7 2 5.1.1 none;5 0 2.0.0 ok;");
}

static unsigned
open_files(void)
{
	char path[40];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	assert_non_null(d = opendir(path));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Message after message: the file of each is closed again. */
static void
test_files_are_closed(void **state)
{
	unsigned got[3], before = 0;
	struct msg m;
	uint32_t i;

	for (i = 1; i <= 4; i++) {
		send_job(i, 0, TEXT);
		request(&m);
		stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
		msg_done(&m);
		assert_int_equal(answer(i, got), J_RESULT);
		if (i == 1)
			before = open_files();
	}
	assert_int_equal(open_files(), before);
}

/* So many requests are with store at a time, and with the next one, too. */
static void
test_window(void **state)
{
	unsigned got[3];
	struct msg m;
	int i, round;

	for (round = 0; round < 2; round++) {
		send_job(1, DELIVER_WINDOW + 20, TEXT);
		for (i = 0; i < DELIVER_WINDOW; i++) {
			request(&m);
			msg_done(&m);
		}
		expect_quiet();
		stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
		request(&m);
		msg_done(&m);
		expect_quiet();
		chan_clear(&store);
		assert_int_equal(answer(1, got), J_REFUSED);
		wire(PEER_STORE, &store);
	}
}

/* A file that cannot be read is no broken message. */
static void
test_unreadable(void **state)
{
	struct buf to = BUF_INIT(0);
	int i;

	for (i = 0; i < 2; i++) {
		buf_put_u32(&to, (uint32_t)i + 5);
		buf_put_lv(&to, "a@b.test", 8);
		buf_put_lv(&to, "a@b.test", 8);
	}
	put_job_fd(3, &to, open("/", O_RDONLY | O_DIRECTORY), 100, 1);
	assert_int_equal(chan_send(&queue, WAIT), 0);
	expect_results(3, "5 1 4.3.0 the body cannot be read: Is a directory;"
	    "6 1 4.3.0 the body cannot be read: Is a directory;");
	buf_clear(&to);
}

/* The script of the system. */
static void
write_before(const char *text)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof(path), "%s/jail", dir);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/jail/before.sieve", dir);
	assert_non_null(f = fopen(path, "w"));
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* No script says of what could not be read that it is to be thrown away. */
static void
test_unreadable_before(void **state)
{
	write_before("if not exists \"from\" { discard; }");
	send_job(1, 0, "Subject: x\r\n\r\n");
	expect_results(1, "5 0 2.0.0 discarded by a script;");
	test_unreadable(state);
}

static void
test_pipeline(void **state)
{
	uint32_t id[30];
	unsigned got[3];
	struct msg m;
	int i;

	for (i = 0; i < 30; i++)
		job((uint32_t)i + 1, 0, TEXT, strlen(TEXT), strlen(TEXT),
		    crc32c(0, TEXT, strlen(TEXT)));
	assert_int_equal(chan_send(&queue, WAIT), 0);
	for (i = 0; i < 30; i++) {
		request(&m);
		id[i] = m.id;
		msg_done(&m);
	}
	/* Answers may overtake each other. */
	for (i = 29; i >= 0; i--) {
		stored(id[i], i % 2 ? RESULT_LATER : RESULT_DELIVERED, "4.2.2");
		answer((uint32_t)i + 1, got);
		assert_int_equal(got[i % 2 ? RESULT_LATER : RESULT_DELIVERED],
		    1);
	}
}

static void
test_many_recipients(void **state)
{
	unsigned got[3];
	struct msg m;
	int i;

	/* More than may be with store at a time. */
	send_job(1, 450, TEXT);
	for (i = 0; i < 450; i++) {
		request(&m);
		stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
		msg_done(&m);
	}
	assert_int_equal(answer(1, got), J_RESULT);
	assert_int_equal(got[RESULT_DELIVERED], 450);
}

static void
test_broken(void **state)
{
	static const char text[] = TEXT;
	size_t len = strlen(text);
	const struct {
		size_t	 len;
		uint64_t length;
		uint32_t flip;
	} row[] = {
		{ len, len + 1, 0 }, { len, len - 1, 0 }, { len, len, 1 },
		{ 0, len, 0 }, { len, 100u << 20, 0 }, { len, 0, 0 },
	};
	unsigned got[3];
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		job(7, 0, text, row[i].len, row[i].length,
		    crc32c(0, text, len) ^ row[i].flip);
		assert_int_equal(chan_send(&queue, WAIT), 0);
		assert_int_equal(answer(7, got), J_BROKEN);
	}
}

static void
test_large(void **state)
{
	size_t len = 20 << 20, head = strlen(TEXT);
	char *text = malloc(len);
	unsigned got[3];
	struct msg m;
	size_t n;

	memset(text, 'x', len);
	memcpy(text, TEXT, head);
	job(1, 0, text, len, len, crc32c(0, text, len));
	assert_int_equal(chan_send(&queue, WAIT), 0);
	request(&m);
	assert_int_equal(msg_get_u32(&m, DF_HEADER), head - 6);
	msg_get(&m, DF_CACHE, &n);
	assert_int_equal(n, 0);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(1, got), J_RESULT);
	/* Longer than it should be, by one octet behind its last piece. */
	job(3, 0, text, len, len - 1, crc32c(0, text, len - 1));
	job(4, 0, text, (17 << 20) + 1, 17 << 20, crc32c(0, text, 17 << 20));
	assert_int_equal(chan_send(&queue, WAIT), 0);
	assert_int_equal(answer(3, got), J_BROKEN);
	assert_int_equal(answer(4, got), J_BROKEN);
	/* One octet past what is loaded at once is flipped. */
	text[18 << 20] = 'y';
	job(2, 0, text, len, len, crc32c(0, text, len) + 1);
	assert_int_equal(chan_send(&queue, WAIT), 0);
	assert_int_equal(answer(2, got), J_BROKEN);
	free(text);
}

static void
test_loop(void **state)
{
	unsigned got[3];
	struct msg m;

	/* Our own trace line does not count; one behind it does. */
	send_job(1, 0, TRACE "Delivered-To:  <x@y>\r\n"
	    "delivered-to: Anna@Example.Test" OURS "\r\n\r\nbody\r\n");
	assert_int_equal(answer(1, got), J_RESULT);
	assert_int_equal(got[RESULT_NEVER], 1);
	send_job(2, 0, TRACE "Delivered-To: bert@example.test" OURS
	    "\r\n\r\nDelivered-To: anna@example.test" OURS "\r\n");
	request(&m);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(2, got), J_RESULT);
	assert_int_equal(got[RESULT_DELIVERED], 1);
}

/* What stands in the header block, and for whom that is a loop. */
static void
test_what_is_a_loop(void **state)
{
	static const struct {
		const char *field;
		int	 loops;	/* for the address al@x.test of the owner
				   own@x.test */
	} row[] = {
		{ "Delivered-To: al@x.test" OURS, 1 },
		{ "Delivered-To: AL@X.TEST" OURS, 1 },
		{ "Delivered-To: own@x.test" OURS, 1 },
		{ "delivered-to: Own@X.test" OURS, 1 },
		{ "Delivered-To: <own@x.test>" OURS, 0 },
		{ "Delivered-To: al@x.tes" OURS, 0 },
		{ "Delivered-To: al@x.tests" OURS, 0 },
		{ "Delivered-To: own@x.tests" OURS, 0 },
		{ "Delivered-To: own@x.tes" OURS, 0 },
		{ "X-Delivered-To: al@x.test" OURS, 0 },
		{ "Delivered: al@x.test" OURS, 0 },
		{ "To: al@x.test" OURS, 0 },
		{ "Delivered-To: else@x.test" OURS "\r\nDelivered-To: "
		    "al@x.test" OURS, 1 },
		{ "Delivered-To: al@x.test" OURS "\r\nDelivered-To: "
		    "else@x.test" OURS, 1 },
		{ "Delivered-To: al@\r\nDelivered-To: x.test" OURS, 0 },
		{ "Delivered-To: al@x.test", 0 },
		{ "Delivered-To: al@x.test\r\nX: y" OURS, 0 },
		{ "Delivered-To: own@x.test\r\nReceived: from elsewhere by "
		    "old-provider.test; Mon, 2 Nov 2026 10:00:00 +0000", 0 },
	};
	struct buf to = BUF_INIT(0), text = BUF_INIT(0);
	struct msg m;
	uint32_t i;

	buf_put_u32(&to, 7);
	buf_put_lv(&to, "own@x.test", 10);
	buf_put_lv(&to, "al@x.test", 9);
	buf_put_u32(&to, 8);
	buf_put_lv(&to, "b@x.test", 8);
	buf_put_lv(&to, "b@x.test", 8);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_set(&text, TRACE "Subject: x\r\n%s\r\n\r\nbody\r\n",
		    row[i].field);
		put_job(i, &to, text.data, text.len, text.len,
		    crc32c(0, text.data, text.len));
		assert_int_equal(chan_send(&queue, WAIT), 0);
		if (!row[i].loops) {
			request(&m);
			stored(m.id, RESULT_DELIVERED, "1");
			msg_done(&m);
		}
		request(&m);
		stored(m.id, RESULT_DELIVERED, "2");
		msg_done(&m);
		if (row[i].loops)
			expect_results(i, "7 2 5.4.6 mail loop: it was "
			    "delivered to that address before;8 0 2;");
		else
			expect_results(i, "7 0 1;8 0 2;");
	}
	buf_clear(&to);
	buf_clear(&text);
}

/* What is not what was agreed: neither the peer is trusted, nor this state. */
static void
test_malformed_job(void **state)
{
	struct buf to = BUF_INIT(0);
	struct msg m;

	buf_puts(&to, "nonsense");
	put_job(1, &to, TEXT, strlen(TEXT), strlen(TEXT),
	    crc32c(0, TEXT, strlen(TEXT)));
	assert_int_equal(chan_send(&queue, WAIT), 0);
	assert_int_equal(msg_recv(&m, &proto_job, PEER_DELIVER, &queue, WAIT,
	    &why), 0);
	expect_end();
	buf_clear(&to);
}

/* After so many it makes room for a new process, and takes no more. */
static void
test_retires(void **state)
{
	enum { PART = 100 };
	unsigned got[3], i, k;

	for (i = 0; i < DELIVER_RETIRE; i += PART) {
		for (k = 0; k < PART; k++)
			job(i + k, 0, TEXT, strlen(TEXT), strlen(TEXT), 1);
		if (i + PART == DELIVER_RETIRE)
			job(i + k, 0, TEXT, strlen(TEXT), strlen(TEXT),
			    crc32c(0, TEXT, strlen(TEXT)));
		assert_int_equal(chan_send(&queue, WAIT), 0);
		for (k = 0; k < PART; k++)
			assert_int_equal(answer(i + k, got), J_BROKEN);
	}
	assert_int_equal(answer(DELIVER_RETIRE, got), J_REFUSED);
	expect_end();
}

static void
test_store_lost(void **state)
{
	unsigned got[3];
	struct msg m;

	send_job(1, 0, TEXT);
	request(&m);
	msg_done(&m);
	chan_clear(&store);
	assert_int_equal(answer(1, got), J_REFUSED);
	send_job(2, 0, TEXT);
	assert_int_equal(answer(2, got), J_REFUSED);
	wire(PEER_STORE, &store);
	send_job(3, 0, TEXT);
	request(&m);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(3, got), J_RESULT);
}

static void
test_queue_lost(void **state)
{
	unsigned got[3];
	struct msg m;
	uint32_t old;

	send_job(1, 0, TEXT);
	request(&m);
	old = m.id;
	msg_done(&m);
	wire(PEER_QUEUE, &queue);
	send_job(1, 0, TEXT);
	request(&m);
	/* The answer to the job of the old queue is nobody's. */
	stored(old, RESULT_LATER, "4.0.0 old");
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(1, got), J_RESULT);
	assert_int_equal(got[RESULT_DELIVERED], 1);
}

static void
test_store_lies(void **state)
{
	unsigned got[3];
	struct msg m;

	send_job(1, 2, TEXT);
	request(&m);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");	/* twice */
	msg_done(&m);
	assert_int_equal(answer(1, got), J_REFUSED);
	expect_end();
}

/* An answer to what it was not asked yet is a lie, too. */
static void
test_store_is_early(void **state)
{
	unsigned got[3];
	struct msg m;
	int i;

	send_job(1, DELIVER_WINDOW + 20, TEXT);
	for (i = 0; i < DELIVER_WINDOW; i++) {
		request(&m);
		msg_done(&m);
	}
	stored(m.id + 1, RESULT_DELIVERED, "2.0.0 ok");
	assert_int_equal(answer(1, got), J_REFUSED);
	expect_end();
}

/* Queues a job for these, sent. */
static void
send_to(uint32_t id, const char *const *names, int n)
{
	struct buf b = BUF_INIT(0);
	int i;

	for (i = 0; i < n; i++) {
		buf_put_u32(&b, (uint32_t)i + 5);
		buf_put_lv(&b, names[i], strlen(names[i]));
		buf_put_lv(&b, names[i], strlen(names[i]));
	}
	put_job(id, &b, TEXT, strlen(TEXT), strlen(TEXT),
	    crc32c(0, TEXT, strlen(TEXT)));
	assert_int_equal(chan_send(&queue, WAIT), 0);
	buf_clear(&b);
}

/* One recipient of two actions: how it went with him. */
static enum result
both(uint32_t id, enum result a, enum result b)
{
	static const char *const two[] = { "two@example.test" };
	unsigned got[3], r;
	uint32_t ask[2];
	struct msg m;
	int i;

	send_to(id, two, 1);
	for (i = 0; i < 2; i++) {
		request(&m);
		ask[i] = m.id;
		msg_done(&m);
	}
	stored(ask[1], b, "b");
	stored(ask[0], a, "a");
	assert_int_equal(answer(id, got), J_RESULT);
	assert_int_equal(got[0] + got[1] + got[2], 1);
	for (r = 0; got[r] == 0; r++)
		;
	return (enum result)r;
}

/* The words are those of the result that it comes to. */
static void
test_words_of_a_recipient(void **state)
{
	static const char *const two[] = { "two@example.test" };
	static const struct {
		enum result first, second;
		const char *want;
	} row[] = {
		{ RESULT_DELIVERED, RESULT_LATER, "5 1 second;" },
		{ RESULT_LATER, RESULT_DELIVERED, "5 1 first;" },
		{ RESULT_NEVER, RESULT_LATER, "5 1 second;" },
		{ RESULT_LATER, RESULT_NEVER, "5 1 first;" },
		{ RESULT_NEVER, RESULT_DELIVERED, "5 2 first;" },
		{ RESULT_DELIVERED, RESULT_NEVER, "5 2 second;" },
	};
	struct msg m;
	uint32_t i, id[2];
	int k;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		send_to(i, two, 1);
		for (k = 0; k < 2; k++) {
			request(&m);
			id[k] = m.id;
			msg_done(&m);
		}
		stored(id[0], row[i].first, "first");
		stored(id[1], row[i].second, "second");
		expect_results(i, row[i].want);
	}
}

static void
test_actions_of_a_recipient_are_one_answer(void **state)
{
	const enum result d = RESULT_DELIVERED, l = RESULT_LATER,
	    n = RESULT_NEVER;

	assert_int_equal(both(1, d, d), d);
	assert_int_equal(both(2, d, l), l);
	assert_int_equal(both(3, l, d), l);
	assert_int_equal(both(4, n, d), n);
	assert_int_equal(both(5, d, n), n);
	assert_int_equal(both(6, n, l), l);
	assert_int_equal(both(7, l, n), l);
	assert_int_equal(both(8, n, n), n);
}

static void
test_what_an_action_says(void **state)
{
	static const char *const names[] = { "one@example.test",
		"two@example.test", "one@example.test" };
	unsigned got[3];
	uint32_t id[4];
	struct msg m;
	size_t len;
	int i;

	send_to(1, names, 3);
	for (i = 0; i < 4; i++) {
		request(&m);
		id[i] = m.id;
		assert_int_equal(msg_get_u32(&m, DF_ATTRS),
		    i == 0 || i == 3 ? ATTR_JUNK : 0);
		assert_int_equal(msg_get_u32(&m, DF_FLAGS),
		    (i == 1 ? FLAG_FLAGGED : 0) |
		    (i == 2 ? MARK_CUT : MARK_WHOLE));
		assert_int_equal(msg_has(&m, DF_NAME), i == 1);
		assert_int_equal(msg_has(&m, DF_TO_NAME), i == 2);
		assert_int_equal(msg_get_u64(&m, DF_SIZE),
		    i == 2 ? 7 : strlen(TEXT));
		if (i == 1) {
			assert_memory_equal(msg_get(&m, DF_NAME, &len),
			    "Lists", 5);
			assert_int_equal(msg_get_u32(&m, DF_ON), 1);
			msg_get(&m, DF_NAMES, &len);
			assert_int_equal(len, 5);
		}
		if (i == 2)
			assert_int_equal(msg_get_u32(&m, DF_CRC), 9);
		assert_int_equal(msg_get_u32(&m, DF_HEADER),
		    i == 2 ? 3 : strlen(TEXT) - 6);
		assert_int_equal(msg_get_u64(&m, DF_DATE), 1700000000);
		msg_get(&m, DF_CACHE, &len);
		assert_true(i == 2 ? len == 0 : len > 0);
		msg_done(&m);
	}
	for (i = 0; i < 4; i++)
		stored(id[i], RESULT_DELIVERED, "2.0.0");
	assert_int_equal(answer(1, got), J_RESULT);
	assert_int_equal(got[RESULT_DELIVERED], 3);
}

/* Store has a script instead of an answer, and gives the descriptor back. */
static void
scripted(struct msg *m, const char *text, const char *name)
{
	struct buf names = BUF_INIT(0);

	msg_begin(&store, &proto_door, DM_SCRIPT_IS, m->id);
	msg_bytes(&store, DF_CACHE, text, strlen(text));
	if (name != NULL) {
		buf_put_lv(&names, name, strlen(name));
		msg_bytes(&store, DF_NAMES, names.data, names.len);
	}
	msg_fd(&store, msg_get_fd(m, 0));
	assert_int_equal(msg_end(&store), 0);
	assert_int_equal(chan_send(&store, WAIT), 0);
	buf_clear(&names);
	msg_done(m);
}

/* A request for that mailbox ("": INBOX), that asks for a script so. */
static void
expect_request(struct msg *m, const char *mailbox, unsigned filter)
{
	size_t len;
	const char *p;

	request(m);
	assert_int_equal(msg_get_u32(m, DF_OP), filter);
	p = msg_get(m, DF_NAME, &len);
	assert_int_equal(len, strlen(mailbox));
	if (len > 0)
		assert_memory_equal(p, mailbox, len);
}

/* The J_RESULT of a job, and "index address;" of each redirect. */
static void
expect_redirects(uint32_t id, enum result result, const char *want)
{
	struct buf text = BUF_INIT(0);
	struct packed_result r;
	struct packed_target t;
	struct cursor c;
	struct msg m;
	const char *p;
	size_t len;

	assert_int_equal(msg_recv(&m, &proto_job, PEER_DELIVER, &queue, WAIT,
	    &why), 1);
	assert_int_equal(m.type, J_RESULT);
	assert_int_equal(m.id, id);
	p = msg_get(&m, JF_RESULTS, &len);
	cursor_init(&c, p, len);
	assert_int_equal(packed_result(&c, &r), 1);
	assert_int_equal(r.result, result);
	p = msg_get(&m, JF_REDIRECTS, &len);
	cursor_init(&c, p, len);
	while (packed_target(&c, 0, &t) == 1)
		buf_printf(&text, "%u %.*s;", t.index, (int)t.len, t.address);
	assert_string_equal(buf_str(&text), want);
	buf_clear(&text);
	msg_done(&m);
}

/* What the recipient's script makes of it is the answer. */
static void
test_script(void **state)
{
	static const char both[] = "require [\"fileinto\",\"copy\","
	    "\"envelope\"]; if envelope \"from\" \"s@far.test\" { fileinto "
	    "\"A\"; fileinto \"B\"; redirect :copy \"x@far.test\"; }";
	struct msg m, n;

	send_job(1, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	scripted(&m, both, NULL);
	expect_request(&m, "A", DOOR_UNFILTERED);
	expect_request(&n, "B", DOOR_UNFILTERED);
	assert_int_equal(msg_get_u64(&n, DF_SIZE), strlen(TEXT));
	stored(n.id, RESULT_DELIVERED, "2.0.0 ok");
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	msg_done(&n);
	expect_redirects(1, RESULT_DELIVERED, "5 x@far.test;");
	/* Where one is later nothing is sent on yet. */
	send_job(2, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	scripted(&m, both, NULL);
	expect_request(&m, "A", DOOR_UNFILTERED);
	stored(m.id, RESULT_LATER, "4.2.2 full");
	msg_done(&m);
	expect_request(&m, "B", DOOR_UNFILTERED);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	expect_redirects(2, RESULT_LATER, "");
}

/* Nothing is left to ask store. */
static void
test_script_without_store(void **state)
{
	struct msg m;

	send_job(1, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	scripted(&m, "discard;", NULL);
	expect_results(1, "5 0 2.0.0 discarded by a script;");
	send_job(2, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	scripted(&m, "redirect \"a@b.test\"; redirect \"c@d.test\";", NULL);
	expect_redirects(2, RESULT_DELIVERED, "5 a@b.test;5 c@d.test;");
}

/* What cannot be read or run is kept. */
static void
test_script_fails(void **state)
{
	static const char *const bad[] = { "kep;", "require [\"variables\","
	    "\"fileinto\"]; fileinto \"A\"; fileinto \"${x}\";" };
	unsigned got[3];
	struct msg m;
	size_t i;

	for (i = 0; i < 2; i++) {
		send_job(1, 0, TEXT);
		expect_request(&m, "", DOOR_FILTER);
		scripted(&m, bad[i], NULL);
		expect_request(&m, "", DOOR_UNFILTERED);
		stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
		msg_done(&m);
		assert_int_equal(answer(1, got), J_RESULT);
		assert_int_equal(got[RESULT_DELIVERED], 1);
	}
}

static void
test_script_asks_for_mailboxes(void **state)
{
	static const char asks[] = "require [\"mailbox\",\"fileinto\","
	    "\"envelope\"]; if allof (mailboxexists \"A\", envelope "
	    "\"from\" \"s@far.test\") { fileinto \"A\"; }";
	unsigned got[3];
	struct msg m;

	send_job(1, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	scripted(&m, asks, NULL);
	expect_request(&m, "", DOOR_FILTER_NAMES);
	scripted(&m, asks, "A");
	expect_request(&m, "A", DOOR_UNFILTERED);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(1, got), J_RESULT);
	send_job(2, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	/* It may be gone by the second question. */
	scripted(&m, asks, NULL);
	expect_request(&m, "", DOOR_FILTER_NAMES);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(2, got), J_RESULT);
}

/* Each recipient's script is his own, and store may go while it runs. */
static void
test_script_store_lost(void **state)
{
	unsigned got[3];
	struct msg m, n;

	send_job(1, 2, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	expect_request(&n, "", DOOR_FILTER);
	scripted(&m, "keep;", NULL);
	stored(n.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&n);
	expect_request(&m, "", DOOR_UNFILTERED);
	msg_done(&m);
	chan_clear(&store);
	assert_int_equal(answer(1, got), J_REFUSED);
	wire(PEER_STORE, &store);
	send_job(2, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	stored(m.id, RESULT_DELIVERED, "2.0.0 ok");
	msg_done(&m);
	assert_int_equal(answer(2, got), J_RESULT);
}

/* A script that was not asked for. */
static void
test_script_store_lies(void **state)
{
	struct msg m;

	send_job(1, 0, TEXT);
	expect_request(&m, "", DOOR_FILTER);
	scripted(&m, "keep;", NULL);
	expect_request(&m, "", DOOR_UNFILTERED);
	scripted(&m, "keep;", NULL);
	expect_end();
}


#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define F(f) cmocka_unit_test_setup_teardown(f, setup_filtering, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_one), T(test_pipeline), T(test_many_recipients),
		T(test_broken), T(test_large), T(test_loop),
		T(test_each_recipient_has_its_result), T(test_window),
		T(test_files_are_closed),
		T(test_unreadable), T(test_unreadable_before),
		T(test_what_is_a_loop),
		T(test_malformed_job), T(test_retires),
		T(test_store_lost), T(test_queue_lost), T(test_store_lies),
		T(test_store_is_early), T(test_script),
		T(test_script_without_store), T(test_script_fails),
		T(test_script_asks_for_mailboxes), T(test_script_store_lost),
		T(test_script_store_lies),
		F(test_actions_of_a_recipient_are_one_answer),
		F(test_words_of_a_recipient),
		F(test_what_an_action_says),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
