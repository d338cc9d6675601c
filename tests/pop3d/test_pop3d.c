#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/pop3_capability.h"
#include "pop3d/pop3d_send.h"
#include "pop3d/pop3d_session.h"

static struct pop3d_io io;
static struct pop3d_box box;
static struct pop3d_session session;

static int
file_of(const char *text, size_t len)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, len), (ssize_t)len);
	return fd;
}

static void
test_stuff(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{ "", ".\r\n" }, { "a\r\n", "a\r\n.\r\n" },
		{ "a", "a\r\n.\r\n" }, { ".", "..\r\n.\r\n" },
		{ ".\r\n", "..\r\n.\r\n" },
		{ "..\r\n.\r\n", "...\r\n..\r\n.\r\n" },
		{ "a\r\n.b\r\n.\r\n.\r\n", "a\r\n..b\r\n..\r\n..\r\n.\r\n" },
		{ "a\n.\r\nb\r\n", "a\n..\r\nb\r\n.\r\n" },
		{ "a.\r.b\r\n", "a.\r.b\r\n.\r\n" },
		{ "a\r", "a\r\r\n.\r\n" }, { "a\n", "a\n\r\n.\r\n" },
	};
	struct pop3d_stuff s;
	size_t i, step, at, len, n;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		len = strlen(row[i].in);
		for (step = 1; step <= len + 1; step++) {
			pop3d_io_init(&io, -1, 0);
			pop3d_stuff_begin(&s);
			for (at = 0; at < len; at += n) {
				n = len - at < step ? len - at : step;
				pop3d_stuff(&s, &io, row[i].in + at, n);
			}
			pop3d_stuff_end(&s, &io);
			assert_string_equal(buf_str(&io.out), row[i].out);
			pop3d_io_clear(&io);
		}
	}
}

static const char letter[] =
    "Subject: x\r\nFrom: a@example.test\r\n\r\none\r\n.two\r\n\r\nfour\r\n";
enum { LETTER_HEADER = 36 };

static void
test_top(void **state)
{
	static const char *const body[] = { "", "one\r\n", "one\r\n..two\r\n",
		"one\r\n..two\r\n\r\n", "one\r\n..two\r\n\r\nfour\r\n",
		"one\r\n..two\r\n\r\nfour\r\n" };
	int fd = file_of(letter, sizeof(letter) - 1);
	char expected[200];
	uint64_t n;

	for (n = 0; n < sizeof(body) / sizeof(body[0]); n++) {
		pop3d_io_init(&io, -1, 0);
		assert_int_equal(pop3d_send(&io, fd, sizeof(letter) - 1,
		    LETTER_HEADER, n), 0);
		snprintf(expected, sizeof(expected), "%.*s%s.\r\n",
		    LETTER_HEADER, letter, body[n]);
		assert_string_equal(buf_str(&io.out), expected);
		pop3d_io_clear(&io);
	}
	/* A file that is shorter than its record. */
	pop3d_io_init(&io, -1, 0);
	assert_int_equal(pop3d_send(&io, fd, sizeof(letter), LETTER_HEADER,
	    UINT64_MAX), -1);
	pop3d_io_clear(&io);
	close(fd);
}

/* A large message, byte for byte, through the real socket. */
static void
test_large(void **state)
{
	enum { LINES = 200000 };
	struct buf in = BUF_INIT(0), want = BUF_INIT(0), got = BUF_INIT(0);
	char piece[8192];
	int fd, pair[2], i;
	ssize_t n;
	pid_t pid;

	for (i = 0; i < LINES; i++) {
		buf_printf(&in, "%s%d\r\n", i % 3 == 0 ? "." : "", i);
		buf_printf(&want, "%s%d\r\n", i % 3 == 0 ? ".." : "", i);
	}
	buf_puts(&want, ".\r\n");
	fd = file_of(in.data, in.len);
	assert_int_equal(fd_pair(pair), 0);
	if ((pid = fork()) == 0) {
		pop3d_io_init(&io, pair[1], 5000);
		if (pop3d_send(&io, fd, in.len, 0, UINT64_MAX) == -1 ||
		    pop3d_io_flush(&io) == -1)
			_exit(1);
		_exit(0);
	}
	close(pair[1]);
	while ((n = read(pair[0], piece, sizeof(piece))) > 0)
		buf_append(&got, piece, (size_t)n);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	close(pair[0]);
	close(fd);
	buf_clear(&in);
	buf_clear(&want);
	buf_clear(&got);
}

static int
no_door(void)
{
	return -1;
}

static void
open_box(void)
{
	uint32_t i;

	memset(&box, 0, sizeof(box));
	door_init(&box.door, PEER_POP3D, -1);
	box.reopen = no_door;
	box.uidvalidity = 4294967295u;
	box.n = box.n_left = 3;
	box.message = mem_zalloc(3, sizeof(*box.message));
	for (i = 0; i < 3; i++) {
		box.message[i].uid = (i + 1) * 10;
		box.message[i].size = sizeof(letter) - 1;
		box.message[i].header_len = LETTER_HEADER;
		box.size_left += sizeof(letter) - 1;
		box.ahead[i] = file_of(letter, sizeof(letter) - 1);
	}
	box.ahead_n = 3;
	pop3d_io_init(&io, -1, 0);
	session = (struct pop3d_session){ .io = &io, .box = &box };
}

static void
close_box(void)
{
	pop3d_io_clear(&io);
	pop3d_box_clear(&box);
}

#define RETR	"+OK 55 octets\r\nSubject: x\r\nFrom: a@example.test\r\n" \
	"\r\none\r\n..two\r\n\r\nfour\r\n.\r\n"

static void
test_commands(void **state)
{
	static const struct {
		const char *line, *answer;
	} row[] = {
		{ "STAT", "+OK 3 165\r\n" }, { "stat ", "+OK 3 165\r\n" },
		{ "LIST", "+OK 3 messages (165 octets)\r\n1 55\r\n2 55\r\n"
		  "3 55\r\n.\r\n" },
		{ "LIST 2", "+OK 2 55\r\n" },
		{ "UIDL", "+OK\r\n1 4294967295.10\r\n2 4294967295.20\r\n"
		  "3 4294967295.30\r\n.\r\n" },
		{ "UIDL 3", "+OK 3 4294967295.30\r\n" },
		{ "RETR 1", RETR },
		{ "TOP 2 4294967296", RETR },
		{ "RETR 0", "-ERR no such message\r\n" },
		{ "RETR 4", "-ERR no such message\r\n" },
		{ "RETR 99999999999", "-ERR no such message\r\n" },
		{ "DELE 2", "+OK\r\n" },
		{ "DELE 2", "-ERR no such message\r\n" },
		{ "LIST 2", "-ERR no such message\r\n" },
		{ "UIDL 2", "-ERR no such message\r\n" },
		{ "RETR 2", "-ERR no such message\r\n" },
		{ "STAT", "+OK 2 110\r\n" },
		{ "LIST", "+OK 2 messages (110 octets)\r\n1 55\r\n3 55\r\n"
		  ".\r\n" },
		{ "RSET", "+OK\r\n" }, { "STAT", "+OK 3 165\r\n" },
		{ "NOOP", "+OK\r\n" }, { "CAPA", "+OK\r\n" POP3_CAPABILITY
		  ".\r\n" },
		{ "TOP -1 1", "-ERR the arguments are wrong\r\n" },
		{ "TOP 1", "-ERR the arguments are wrong\r\n" },
		{ "TOP 1 2 3", "-ERR the arguments are wrong\r\n" },
		{ "TOP 1 2 3 4", "-ERR the arguments are wrong\r\n" },
		{ "STAT   ", "+OK 3 165\r\n" },
		{ "LIST  1", "-ERR the arguments are wrong\r\n" },
		{ "RETR 18446744073709551616",
		  "-ERR the arguments are wrong\r\n" },
		{ "STAT 1", "-ERR the arguments are wrong\r\n" },
		{ "USER anna", "-ERR unknown command\r\n" },
		{ "", "-ERR unknown command\r\n" },
		{ "QUIT", "+OK until next time\r\n" },
	};
	size_t i;

	open_box();
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_false(session.done);
		pop3d_session_line(&session, row[i].line,
		    strlen(row[i].line));
		assert_string_equal(buf_str(&io.out), row[i].answer);
		buf_reset(&io.out);
	}
	assert_true(session.done);
	close_box();
	/* No store: said, not done. */
	open_box();
	pop3d_session_line(&session, "RETR 3", 6);
	buf_reset(&io.out);
	pop3d_session_line(&session, "RETR 3", 6);
	assert_string_equal(buf_str(&io.out), "-ERR [SYS/TEMP] the mail store "
	    "is not there, try again later\r\n");
	buf_reset(&io.out);
	pop3d_session_line(&session, "DELE 1", 6);
	pop3d_session_line(&session, "QUIT", 4);
	assert_string_equal(buf_str(&io.out), "+OK\r\n-ERR [SYS/TEMP] some "
	    "messages may not be removed\r\n");
	close_box();
}

static void
test_errors(void **state)
{
	int i;

	open_box();
	for (i = 0; i < POP3D_ERRORS_MAX; i++) {
		assert_false(session.done);
		pop3d_session_line(&session, "XYZZY", 5);
	}
	assert_true(session.done);
	close_box();
}

static void
test_lines(void **state)
{
	static char in[70000];
	int pair[2], i, r, lines = 0, longs = 0;
	size_t len;
	char *line;

	assert_int_equal(fd_pair(pair), 0);
	memset(in, 'x', sizeof(in));
	strcpy(in, "one\r\ntwo\nthree\r\n");
	in[strlen(in)] = 'y';
	in[60000] = '\n';
	strcpy(in + 60001, "four\r\nrest");
	pop3d_io_init(&io, pair[1], 1000);
	i = 1 << 20;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &i, sizeof(i));
	assert_int_equal(write(pair[0], in, 60011), 60011);
	shutdown(pair[0], SHUT_WR);
	while ((r = pop3d_io_line(&io, &line, &len)) != 0) {
		assert_true(r == -1 || strlen(line) == len);
		lines += r == 1;
		longs += r == -1;
	}
	assert_int_equal(lines, 4);
	assert_int_equal(longs, 1);
	close(pair[0]);
	pop3d_io_clear(&io);
}

/* A line of so many octets before its LF, in two pieces. */
static int
line_of(size_t len, size_t piece)
{
	char in[2 * POP3D_LINE_MAX], *line;
	int pair[2], r;
	size_t got;

	assert_int_equal(fd_pair(pair), 0);
	memset(in, 'x', sizeof(in));
	in[len] = '\n';
	pop3d_io_init(&io, pair[1], 1000);
	assert_int_equal(write(pair[0], in, piece), (ssize_t)piece);
	assert_int_equal(write(pair[0], in + piece, len + 1 - piece),
	    (ssize_t)(len + 1 - piece));
	r = pop3d_io_line(&io, &line, &got);
	assert_true(r == -1 || got == len);
	close(pair[0]);
	pop3d_io_clear(&io);
	return r;
}

static void
test_longest_line(void **state)
{
	assert_int_equal(line_of(POP3D_LINE_MAX - 1, 1), 1);
	assert_int_equal(line_of(POP3D_LINE_MAX - 1, POP3D_LINE_MAX - 1), 1);
	assert_int_equal(line_of(POP3D_LINE_MAX, 1), -1);
	assert_int_equal(line_of(POP3D_LINE_MAX, POP3D_LINE_MAX), -1);
}

/* One that neither reads nor writes is not waited for without end. */
static void
test_silent_client(void **state)
{
	int pair[2], i;
	size_t len;
	char *line;

	assert_int_equal(fd_pair(pair), 0);
	pop3d_io_init(&io, pair[1], 50);
	assert_int_equal(pop3d_io_line(&io, &line, &len), 0);
	assert_true(io.ended);
	io.ended = 0;
	for (i = 0; i < 100000 && !io.ended; i++)
		pop3d_io_put(&io, letter, 50);
	assert_true(io.ended);
	assert_int_equal(pop3d_io_flush(&io), -1);
	close(pair[0]);
	pop3d_io_clear(&io);
}

/* A line that the client did not end is none. */
static void
test_end_of_input(void **state)
{
	static const char text[] = "NOOP\r\nNOO";
	int pair[2];
	size_t len;
	char *line;

	assert_int_equal(fd_pair(pair), 0);
	pop3d_io_init(&io, pair[1], 60000);
	assert_int_equal(write(pair[0], text, strlen(text)), strlen(text));
	close(pair[0]);
	assert_int_equal(pop3d_io_line(&io, &line, &len), 1);
	assert_string_equal(line, "NOOP");
	assert_false(io.ended);
	assert_int_equal(pop3d_io_line(&io, &line, &len), 0);
	assert_true(io.ended);
	pop3d_io_clear(&io);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stuff),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_silent_client),
		cmocka_unit_test(test_end_of_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
