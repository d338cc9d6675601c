#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/msg.h"

enum { T_HELLO = 1, T_FILES };
enum { F_WORD = 1, F_COUNT, F_BLOB };

static const struct msg_field hello[] = {
	{ "word", F_WORD, MSG_TEXT, 0, 8 },
	{ "count", F_COUNT, MSG_U32, 1, 0 },
	{ "blob", F_BLOB, MSG_BYTES, 1, 900000 },
	{ 0 }
};
static const struct msg_desc table[] = {
	[T_HELLO] = { "HELLO", PEER_BIT(PEER_SMTPD), 0, 0, hello },
	[T_FILES] = { "FILES", PEER_BIT(PEER_QUEUE), 1, 3, NULL },
};
static const struct msg_proto proto = MSG_PROTO("test", table);

static struct chan a, b;
static struct buf why;

static int
setup(void **state)
{
	int fd[2];

	if (fd_pair(fd) == -1)
		return -1;
	chan_init(&a, fd[0]);
	chan_init(&b, fd[1]);
	buf_init(&why, 200);
	return 0;
}

static int
teardown(void **state)
{
	chan_clear(&a);
	chan_clear(&b);
	buf_clear(&why);
	return 0;
}

static void
test_round_trip(void **state)
{
	struct msg m;
	char *s;
	int i;

	for (i = 0; i < 3; i++) {
		msg_begin(&a, &proto, T_HELLO, 42 + (uint32_t)i);
		msg_u32(&a, F_COUNT, 7);
		msg_text(&a, F_WORD, "hello");
		assert_int_equal(msg_end(&a), 0);
	}
	assert_int_equal(chan_send(&a, 1000), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 1000,
		    &why), 1);
		assert_int_equal(m.id, 42 + i);
		assert_int_equal(msg_get_u32(&m, F_COUNT), 7);
		assert_false(msg_has(&m, F_BLOB));
		s = msg_get_dup(&m, F_WORD);
		assert_string_equal(s, "hello");
		free(s);
	}
	assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 10, &why), -1);
	assert_int_equal(errno, ETIMEDOUT);
}

static void
test_refusals(void **state)
{
	struct msg m;

	msg_begin(&a, &proto, T_HELLO, 1);
	assert_int_equal(msg_end(&a), -1);		/* word is missing */
	msg_begin(&a, &proto, T_HELLO, 1);
	msg_text(&a, F_WORD, "much too long");
	assert_int_equal(msg_end(&a), -1);
	msg_begin(&a, &proto, T_HELLO, 1);
	msg_text(&a, F_WORD, "two\nline");
	assert_int_equal(msg_end(&a), -1);
	msg_begin(&a, &proto, T_HELLO, 1);
	msg_text(&a, F_WORD, "x");
	msg_text(&a, F_WORD, "x");
	assert_int_equal(msg_end(&a), -1);
	assert_false(chan_pending(&a));
	msg_begin(&a, &proto, T_HELLO, 1);
	msg_text(&a, F_WORD, "x");
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_QUEUE, &b, 1000, &why), -1);
	assert_string_equal(buf_str(&why), "test HELLO: not for queue to send");
}

static void
test_broken_frames(void **state)
{
	static const char bad[][16] = {
		{ 2, T_HELLO, 0, 0 },			/* version */
		{ 1, T_HELLO, 0, 1 },			/* must be 0 */
		{ 1, T_HELLO, 100, 0 },			/* descriptors */
		{ 1, T_HELLO, 1, 0 },			/* that never came */
		{ 1, T_HELLO, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, /* 16 MiB */
		{ 1, 99, 0, 0 },			/* type */
		{ 1, 0, 0, 0 },
		{ 1, T_HELLO, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 9, 0, 0 },
	};
	struct msg m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		teardown(state);
		setup(state);
		assert_int_equal(fd_write_all(a.fd, bad[i], 16), 0);
		assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 1000,
		    &why), -1);
		assert_int_equal(errno, EBADMSG);
	}
	teardown(state);
	setup(state);
	assert_int_equal(fd_write_all(a.fd, "\001", 1), 0);
	fd_close(&a.fd);
	assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 1000, &why), -1);
}

static void
test_many_descriptors(void **state)
{
	struct msg m;
	int i, j, fd, p[2];
	char c;

	/* 100 frames of 3 descriptors: more than one sendmsg can carry. */
	for (i = 0; i < 100; i++) {
		msg_begin(&a, &proto, T_FILES, (uint32_t)i);
		for (j = 0; j < 3; j++) {
			assert_int_equal(pipe2(p, O_CLOEXEC), 0);
			c = (char)(i + j);
			assert_int_equal(write(p[1], &c, 1), 1);
			close(p[1]);
			msg_fd(&a, p[0]);
		}
		assert_int_equal(msg_end(&a), 0);
	}
	assert_int_equal(chan_send(&a, 1000), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(msg_recv(&m, &proto, PEER_QUEUE, &b, 1000,
		    &why), 1);
		for (j = 0; j < 3; j++) {
			fd = msg_get_fd(&m, (unsigned)j);
			assert_int_equal(read(fd, &c, 1), 1);
			assert_int_equal(c, i + j);
			close(fd);
		}
		assert_int_equal(msg_get_fd(&m, 3), -1);
		msg_done(&m);
	}
}

static void
test_peer_that_does_not_read(void **state)
{
	static char blob[900000];
	int i, r = 0;

	fd_nonblock(a.fd, 1);
	for (i = 0; i < 20 && r == 0; i++) {
		msg_begin(&a, &proto, T_HELLO, 1);
		msg_text(&a, F_WORD, "x");
		msg_bytes(&a, F_BLOB, blob, sizeof(blob));
		r = msg_end(&a);
		if (r == -1)
			assert_int_equal(errno, ENOBUFS);
		assert_int_equal(chan_flush(&a), 0);
	}
	assert_int_equal(r, -1);
	assert_true(a.out.len <= a.out.max);
}

static void
test_big_frame(void **state)
{
	static char blob[900000];
	struct msg m;
	size_t len;
	int r;

	fd_nonblock(a.fd, 1);
	fd_nonblock(b.fd, 1);
	memset(blob, 'y', sizeof(blob));
	msg_begin(&a, &proto, T_HELLO, 1);
	msg_text(&a, F_WORD, "x");
	msg_bytes(&a, F_BLOB, blob, sizeof(blob));
	assert_int_equal(msg_end(&a), 0);
	do {
		assert_true(chan_flush(&a) != -1);
		r = chan_read(&b);
		assert_true(r == 1 || (r == -1 && errno == EAGAIN));
	} while ((r = msg_next(&m, &proto, PEER_SMTPD, &b, &why)) == 0);
	assert_int_equal(r, 1);
	assert_memory_equal(msg_get(&m, F_BLOB, &len), blob, sizeof(blob));
	assert_int_equal(len, sizeof(blob));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_refusals), T(test_broken_frames),
		T(test_many_descriptors), T(test_peer_that_does_not_read),
		T(test_big_frame),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
