/*
 * Sending concatenates: one sendmsg carries as many frames as wait, with the
 * descriptors of all of them (at most CHAN_FDS_MAX) at its first octet. The
 * kernel never merges two sets of descriptors into one recvmsg, so a receive
 * buffer for CHAN_FDS_MAX is enough, and a queue keeps the order.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/chan.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

enum {
	READ_SIZE = 16384,
	IN_KEEP = 65536,	/* an empty buffer above this is given back */
};

void
chan_init(struct chan *c, int fd)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	buf_init(&c->in, 2 * (CHAN_HEADER + CHAN_FRAME_MAX) + READ_SIZE);
	buf_init(&c->out, CHAN_OUT_MAX);
}

void
chan_clear(struct chan *c)
{
	size_t i;

	fd_close(&c->fd);
	for (i = 0; i < c->n_in_fds; i++)
		fd_close(&c->in_fds[i]);
	for (i = 0; i < c->n_out_fds; i++)
		fd_close(&c->out_fds[i].fd);
	free(c->in_fds);
	free(c->out_fds);
	buf_clear(&c->in);
	buf_clear(&c->out);
	chan_init(c, -1);
}

static uint32_t
get_u32(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;

	return s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 |
	    (uint32_t)s[3] << 24;
}

static void
chan_keep_fds(struct chan *c, struct msghdr *m)
{
	struct cmsghdr *h;
	size_t n;

	for (h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (c->n_in_fds + n > c->cap_in_fds) {
			c->cap_in_fds = c->n_in_fds + n + 8;
			c->in_fds = mem_realloc(c->in_fds, c->cap_in_fds,
			    sizeof(int));
		}
		memcpy(c->in_fds + c->n_in_fds, CMSG_DATA(h), n * sizeof(int));
		c->n_in_fds += n;
	}
}

int
chan_read(struct chan *c)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))];
	} ctl;
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &ctl, .msg_controllen = sizeof(ctl) };
	ssize_t n;

	buf_consume(&c->in, c->in_done);
	c->in_done = 0;
	if (c->in.len == 0 && c->in.cap > IN_KEEP)
		buf_clear(&c->in);
	if (buf_reserve(&c->in, READ_SIZE) == -1 ||
	    c->n_in_fds > CHAN_HELD_MAX) {
		errno = EBADMSG;
		return -1;
	}
	iov.iov_base = c->in.data + c->in.len;
	iov.iov_len = c->in.cap - 1 - c->in.len;
	do
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n == 0 ? 0 : -1;
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	chan_keep_fds(c, &m);
	if (m.msg_flags & MSG_CTRUNC) {
		errno = EBADMSG;
		return -1;
	}
	return 1;
}

int
chan_ready(const struct chan *c)
{
	size_t left = c->in.len - c->in_done;
	uint32_t len;

	if (left < CHAN_HEADER)
		return 0;
	len = get_u32(c->in.data + c->in_done + 8);
	return len > CHAN_FRAME_MAX || left - CHAN_HEADER >= len;
}

unsigned
chan_next_type(const struct chan *c)
{
	return chan_ready(c) ? (uint8_t)c->in.data[c->in_done + 1] : 0;
}

int
chan_next(struct chan *c, struct frame *f)
{
	size_t left = c->in.len - c->in_done;
	const char *p;

	if (left < CHAN_HEADER)
		return 0;
	p = c->in.data + c->in_done;
	f->type = (uint8_t)p[1];
	f->nfds = (uint8_t)p[2];
	f->id = get_u32(p + 4);
	f->len = get_u32(p + 8);
	if ((uint8_t)p[0] != CHAN_VERSION || p[3] != 0 ||
	    f->len > CHAN_FRAME_MAX || f->nfds > CHAN_FDS_MAX) {
		errno = EBADMSG;
		return -1;
	}
	if (left < CHAN_HEADER + (size_t)f->len)
		return 0;
	if (f->nfds > c->n_in_fds) {
		errno = EBADMSG;
		return -1;
	}
	f->data = p + CHAN_HEADER;
	if (f->nfds > 0) {
		memcpy(f->fds, c->in_fds, f->nfds * sizeof(int));
		c->n_in_fds -= f->nfds;
		memmove(c->in_fds, c->in_fds + f->nfds,
		    c->n_in_fds * sizeof(int));
	}
	c->in_done += CHAN_HEADER + (size_t)f->len;
	return 1;
}

void
frame_close_fds(struct frame *f)
{
	unsigned i;

	for (i = 0; i < f->nfds; i++)
		fd_close(&f->fds[i]);
	f->nfds = 0;
}

void
chan_attach(struct chan *c, int fd)
{
	if (c->n_out_fds == c->cap_out_fds) {
		c->cap_out_fds = c->cap_out_fds * 2 + 4;
		c->out_fds = mem_realloc(c->out_fds, c->cap_out_fds,
		    sizeof(*c->out_fds));
	}
	c->out_fds[c->n_out_fds++] =
	    (struct chan_out_fd){ .fd = fd, .at = c->building };
	if (c->n_out_fds > CHAN_HELD_MAX)
		c->overflow = 1;
}

void
chan_take_back(struct chan *c)
{
	while (c->n_out_fds > 0 &&
	    c->out_fds[c->n_out_fds - 1].at == c->building)
		fd_close(&c->out_fds[--c->n_out_fds].fd);
	buf_truncate(&c->out, c->building);
}

int
chan_pending(const struct chan *c)
{
	return c->out.len > 0;
}

/* Sends one chunk; the number of octets taken, or -1. */
static ssize_t
chan_send_some(struct chan *c)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = c->out.data, .iov_len = c->out.len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t i, nfds = c->n_out_fds;
	struct cmsghdr *h;
	ssize_t n;

	if (nfds > CHAN_FDS_MAX) {
		nfds = CHAN_FDS_MAX;
		/* Nothing of the frame whose descriptors must wait may go. */
		while (nfds > 0 && c->out_fds[nfds - 1].at ==
		    c->out_fds[CHAN_FDS_MAX].at)
			nfds--;
		iov.iov_len = c->out_fds[nfds].at;
	}
	if (nfds > 0) {
		memset(&ctl, 0, sizeof(ctl));
		m.msg_control = &ctl;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		for (i = 0; i < nfds; i++)
			((int *)(void *)CMSG_DATA(h))[i] = c->out_fds[i].fd;
	}
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n;
	if (c->n_out_fds == 0)
		return n;
	for (i = 0; i < nfds; i++)
		fd_close(&c->out_fds[i].fd);
	c->n_out_fds -= nfds;
	memmove(c->out_fds, c->out_fds + nfds,
	    c->n_out_fds * sizeof(*c->out_fds));
	for (i = 0; i < c->n_out_fds; i++)
		c->out_fds[i].at -= (size_t)n;
	return n;
}

int
chan_flush(struct chan *c)
{
	ssize_t n;

	while (c->out.len > 0) {
		n = chan_send_some(c);
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n == -1)
			return -1;
		buf_consume(&c->out, (size_t)n);
	}
	if (c->out.cap > IN_KEEP)
		buf_clear(&c->out);
	return 1;
}

/* Waits for events until the deadline (-1: for ever); -1 with ETIMEDOUT. */
static int
chan_wait(struct chan *c, short events, int64_t deadline)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left = -1;
	int n;

	for (;;) {
		if (deadline != -1 && (left = deadline - clock_mono_ms()) < 0)
			left = 0;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return -1;
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

int
chan_recv(struct chan *c, struct frame *f, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
	int r;

	for (;;) {
		if ((r = chan_next(c, f)) != 0)
			return r;
		/* With no bound, a blocking descriptor needs no poll. */
		if (deadline != -1 && chan_wait(c, POLLIN, deadline) == -1)
			return -1;
		r = chan_read(c);
		if (r == 0 && c->in.len > 0) {
			errno = EBADMSG;
			return -1;
		}
		if (r == -1 && errno == EAGAIN) {
			if (chan_wait(c, POLLIN, deadline) == -1)
				return -1;
			continue;
		}
		if (r != 1)
			return r;
	}
}

int
chan_send(struct chan *c, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
	int r;

	while ((r = chan_flush(c)) == 0)
		if (chan_wait(c, POLLOUT, deadline) == -1)
			return -1;
	return r == 1 ? 0 : -1;
}
