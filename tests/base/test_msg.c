#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

/* Words for people are cut and cleaned, from the first octet on. */
static void
test_words(void **state)
{
	struct msg m;
	char *s;

	msg_begin(&a, &proto, T_HELLO, 1);
	msg_words(&a, F_WORD, "\na\rb\ncut", 5);
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 1000, &why), 1);
	s = msg_get_dup(&m, F_WORD);
	assert_string_equal(s, " a b ");
	free(s);
	msg_done(&m);
}

/* One octet of the header is wrong, and all else is as it should be. */
static void
test_header(void **state)
{
	static const char good[18] = { CHAN_VERSION, T_HELLO, 0, 0, 9, 0, 0, 0,
		6, 0, 0, 0, F_WORD, 1, 0, 0, 0, 'x' };
	static const struct { size_t at; char value; } bad[] = {
		{ 0, CHAN_VERSION + 1 }, { 0, 0 }, { 1, T_FILES }, { 2, 1 },
		{ 3, 1 }, { 12, F_BLOB + 1 }, { 12, 0 }, { 17, '\r' },
	};
	char frame[18];
	struct msg m;
	size_t i;

	assert_int_equal(fd_write_all(a.fd, good, sizeof(good)), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 1000, &why), 1);
	assert_int_equal(m.id, 9);
	msg_done(&m);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		teardown(state);
		setup(state);
		memcpy(frame, good, sizeof(good));
		frame[bad[i].at] = bad[i].value;
		assert_int_equal(fd_write_all(a.fd, frame, sizeof(frame)), 0);
		if (msg_recv(&m, &proto, PEER_SMTPD, &b, 1000, &why) != -1)
			fail_msg("octet %zu is %d", bad[i].at, bad[i].value);
		assert_int_equal(errno, EBADMSG);
	}
}

/* A frame that is too long is ready: so that it is refused, not waited for. */
static void
test_ready(void **state)
{
	static const struct { char head[16]; size_t len; int ready; } t[] = {
		{ { 1, T_HELLO, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0 }, 11, 0 },
		{ { 1, T_HELLO, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0 }, 12, 0 },
		{ { 1, T_HELLO, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0 }, 15, 0 },
		{ { 1, T_HELLO, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0 }, 16, 1 },
		{ { 1, T_HELLO, 0, 0, 0, 0, 0, 0, 1, 0, 0x10, 0 }, 12, 1 },
		{ { 1, T_HELLO, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0 }, 12, 0 },
	};
	struct frame f;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		teardown(state);
		setup(state);
		assert_int_equal(fd_write_all(a.fd, t[i].head, t[i].len), 0);
		assert_int_equal(chan_read(&b), 1);
		assert_int_equal(chan_ready(&b), t[i].ready);
		assert_int_equal(chan_next_type(&b), t[i].ready ? T_HELLO : 0);
		assert_int_equal(chan_next(&b, &f), t[i].ready == 0 ? 0 :
		    t[i].len == 16 ? 1 : -1);
	}
}

/* A descriptor, and whether its other end is still open somewhere. */
static int
pipe_end(int *other)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	*other = p[0];
	return p[1];
}

static int
is_closed(int other)
{
	char c;
	ssize_t n = read(other, &c, 1);

	close(other);
	return n == 0;
}

/* Whatever becomes of a message, nothing that came with it stays open. */
static void
test_descriptors_are_closed(void **state)
{
	int other, fd;
	struct msg m;

	/* not to be sent */
	msg_begin(&a, &proto, T_HELLO, 1);
	msg_fd(&a, pipe_end(&other));
	msg_text(&a, F_WORD, "x");
	assert_int_equal(msg_end(&a), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(is_closed(other));

	/* sent, and not wanted */
	msg_begin(&a, &proto, T_FILES, 1);
	msg_fd(&a, pipe_end(&other));
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_SMTPD, &b, 1000, &why), -1);
	assert_true(is_closed(other));

	/* taken: it is the taker's */
	msg_begin(&a, &proto, T_FILES, 1);
	msg_fd(&a, pipe_end(&other));
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_QUEUE, &b, 1000, &why), 1);
	fd = msg_get_fd(&m, 0);
	assert_int_equal(msg_get_fd(&m, 0), -1);
	msg_done(&m);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(read(other, &m, 1), 1);
	assert_true(is_closed(other));

	/* not taken, and one that waits when the channel ends */
	msg_begin(&a, &proto, T_FILES, 1);
	msg_fd(&a, pipe_end(&other));
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_QUEUE, &b, 1000, &why), 1);
	msg_done(&m);
	assert_true(is_closed(other));
	msg_begin(&a, &proto, T_FILES, 1);
	msg_fd(&a, pipe_end(&other));
	assert_int_equal(msg_end(&a), 0);
	chan_clear(&a);
	assert_true(is_closed(other));
}

/* How many descriptors a message may have, both ways. */
static void
test_count_of_descriptors(void **state)
{
	static const int want[] = { -1, 0, 0, 0, -1 };
	char frame[CHAN_HEADER] = { CHAN_VERSION, T_FILES };
	int i, k, other[5];
	struct msg m;

	for (i = 0; i < 5; i++) {
		msg_begin(&a, &proto, T_FILES, 1);
		for (k = 0; k < i; k++)
			msg_fd(&a, pipe_end(&other[k]));
		assert_int_equal(msg_end(&a), want[i]);
		for (k = 0; k < i; k++)
			close(other[k]);
	}
	chan_clear(&a);
	teardown(state);
	setup(state);
	assert_int_equal(fd_write_all(a.fd, frame, sizeof(frame)), 0);
	assert_int_equal(msg_recv(&m, &proto, PEER_QUEUE, &b, 1000, &why), -1);
	assert_string_equal(buf_str(&why), "test FILES: 0 descriptors");
}

/* Octets and n descriptors in one sendmsg(2), past the channel's rules. */
static void
send_raw(const char *p, size_t len, unsigned n, int fd)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(200 * sizeof(int))];
	} ctl;
	struct iovec v = { (void *)(uintptr_t)p, len };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
		.msg_control = &ctl,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h;
	unsigned i;

	memset(&ctl, 0, sizeof(ctl));
	h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		memcpy(CMSG_DATA(h) + i * sizeof(int), &fd, sizeof(int));
	assert_int_equal(sendmsg(a.fd, &m, 0), len);
}

/* A peer that sends descriptors for no frame is dropped in time. */
static void
test_too_many_descriptors(void **state)
{
	unsigned i, r = 1;

	/* more than fit at once */
	send_raw("\001", 1, CHAN_FDS_MAX + 1, a.fd);
	assert_int_equal(chan_read(&b), -1);
	assert_int_equal(errno, EBADMSG);
	teardown(state);
	setup(state);
	/* more than are held */
	for (i = 0; i < 2 * CHAN_HELD_MAX / CHAN_FDS_MAX && r == 1; i++) {
		send_raw("\001", 1, CHAN_FDS_MAX, a.fd);
		r = (unsigned)chan_read(&b);
	}
	assert_int_equal((int)r, -1);
	assert_int_equal(errno, EBADMSG);
	/* As many as may be, those that pass it, and no more. */
	assert_int_equal(i, CHAN_HELD_MAX / CHAN_FDS_MAX + 2);
}

static const struct msg_desc one_descriptor[] = {
	[1] = { "ONE", PEER_BIT(PEER_QUEUE), 1, 1, NULL },
};
static const struct msg_proto proto_one = MSG_PROTO("one", one_descriptor);

/* So is what waits for a peer that does not read. */
static void
test_descriptors_that_wait(void **state)
{
	int i, k, r = 0;

	fd_nonblock(a.fd, 1);
	for (i = 0; i < CHAN_HELD_MAX && r == 0; i++) {
		msg_begin(&a, &proto, T_FILES, 1);
		for (k = 0; k < 3; k++)
			msg_fd(&a, dup(a.fd));
		r = msg_end(&a);
	}
	assert_int_equal(r, -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(i, CHAN_HELD_MAX / 3 + 1);
	assert_int_equal(a.n_out_fds, CHAN_HELD_MAX / 3 * 3);
	/* The last one that may wait does. */
	for (k = (int)a.n_out_fds; k < CHAN_HELD_MAX; k++) {
		msg_begin(&a, &proto_one, 1, 1);
		msg_fd(&a, dup(a.fd));
		assert_int_equal(msg_end(&a), 0);
	}
	msg_begin(&a, &proto_one, 1, 1);
	msg_fd(&a, dup(a.fd));
	assert_int_equal(msg_end(&a), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(a.n_out_fds, CHAN_HELD_MAX);
}

/*
 * Of frames with 3, 60 and 4 descriptors the third waits, whole: its octets go
 * with its descriptors.
 */
static void
test_frames_keep_their_descriptors(void **state)
{
	static const struct msg_desc any[] = {
		[1] = { "ANY", PEER_BIT(PEER_QUEUE), 0, CHAN_FDS_MAX, NULL },
	};
	static const struct msg_proto p = MSG_PROTO("any", any);
	static const unsigned n[] = { 3, 60, 4, 0, 64, 1 };
	struct frame f;
	unsigned i, k;
	char c;
	int fd, other;

	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		msg_begin(&a, &p, 1, i);
		for (k = 0; k < n[i]; k++) {
			fd = pipe_end(&other);
			c = (char)(i * 10);
			assert_int_equal(write(fd, &c, 1), 1);
			close(fd);
			msg_fd(&a, other);
		}
		assert_int_equal(msg_end(&a), 0);
	}
	assert_int_equal(chan_send(&a, 1000), 0);
	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		assert_int_equal(chan_recv(&b, &f, 1000), 1);
		assert_int_equal(f.id, i);
		assert_int_equal(f.nfds, n[i]);
		for (k = 0; k < n[i]; k++) {
			assert_int_equal(read(f.fds[k], &c, 1), 1);
			assert_int_equal(c, i * 10);
		}
		frame_close_fds(&f);
	}
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
	msg_done(&m);
	/* With the next one, the room that the large one took is given back:
	   a process has many channels. */
	msg_begin(&a, &proto, T_HELLO, 2);
	msg_text(&a, F_WORD, "y");
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_flush(&a), 1);
	assert_int_equal(chan_read(&b), 1);
	assert_true(a.out.cap < sizeof(blob) / 8);
	assert_true(b.in.cap < sizeof(blob) / 8);
	assert_int_equal(msg_next(&m, &proto, PEER_SMTPD, &b, &why), 1);
	assert_int_equal(m.id, 2);
	msg_done(&m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_refusals), T(test_broken_frames),
		T(test_many_descriptors), T(test_peer_that_does_not_read),
		T(test_big_frame), T(test_header), T(test_ready),
		T(test_words),
		T(test_descriptors_are_closed), T(test_count_of_descriptors),
		T(test_too_many_descriptors), T(test_descriptors_that_wait),
		T(test_frames_keep_their_descriptors),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
