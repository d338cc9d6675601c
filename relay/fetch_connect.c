#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "relay/fetch_connect.h"

struct race {
	const struct addr *v;
	struct pollfd p[CONNECT_MAX];	/* fd -1: it failed, or did not begin */
	size_t	 n, begun;
	int	 error;			/* errno of the last that failed */
};

static const struct sockaddr *
sa_of(const struct addr *a)
{
	return (const struct sockaddr *)(const void *)&a->ss;
}

/* Begins the next one. 1: it is there already; 0. */
static int
begin(struct race *r)
{
	const struct addr *a = &r->v[r->begun];
	struct pollfd *p = &r->p[r->begun++];
	int on = 1;

	p->events = POLLOUT;
	p->fd = socket(a->ss.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd == -1) {
		r->error = errno;
		return 0;
	}
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(p->fd, sa_of(a), a->len) == 0)
		return 1;
	if (errno != EINPROGRESS) {
		r->error = errno;
		fd_close(&p->fd);
	}
	return 0;
}

static size_t
under_way(const struct race *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->begun; i++)
		n += r->p[i].fd != -1;
	return n;
}

/* The one that is there, of those that poll told of; -1. */
static int
winner(struct race *r, size_t *which_r)
{
	socklen_t len = sizeof(int);
	size_t i;
	int err, fd;

	for (i = 0; i < r->begun; i++) {
		if (r->p[i].fd == -1 || r->p[i].revents == 0)
			continue;
		err = 0;
		if (getsockopt(r->p[i].fd, SOL_SOCKET, SO_ERROR, &err,
		    &len) == -1)
			err = errno;
		if (err == 0) {
			fd = r->p[i].fd;
			r->p[i].fd = -1;
			*which_r = i;
			return fd;
		}
		r->error = err;
		fd_close(&r->p[i].fd);
	}
	return -1;
}

/* Until one is there, or none can be any more. */
static int
run(struct race *r, int64_t end, size_t *which_r)
{
	int64_t now = clock_mono_ms(), next = now, wake;
	int fd;

	for (;;) {
		/* Where none is under way there is nothing to wait for. */
		if (r->begun < r->n && (now >= next || under_way(r) == 0)) {
			next = now + CONNECT_NEXT_MS;
			if (begin(r)) {
				*which_r = r->begun - 1;
				fd = r->p[*which_r].fd;
				r->p[*which_r].fd = -1;
				return fd;
			}
			continue;
		}
		if (under_way(r) == 0)
			return -1;
		wake = r->begun < r->n && next < end ? next : end;
		if (now >= end) {
			r->error = ETIMEDOUT;
			return -1;
		}
		if (poll(r->p, r->begun, (int)(wake - now)) > 0 &&
		    (fd = winner(r, which_r)) != -1)
			return fd;
		now = clock_mono_ms();
	}
}

int
connect_first(const struct addr *v, size_t n, size_t *which_r,
    struct buf *words)
{
	struct race r = { .v = v, .n = n < CONNECT_MAX ? n : CONNECT_MAX,
		.error = EADDRNOTAVAIL };
	size_t i;
	int fd;

	for (i = 0; i < CONNECT_MAX; i++)
		r.p[i].fd = -1;
	fd = run(&r, clock_mono_ms() + CONNECT_ALL_MS, which_r);
	for (i = 0; i < CONNECT_MAX; i++)
		fd_close(&r.p[i].fd);
	if (fd == -1)
		buf_set(words, "%s", strerror(r.error));
	return fd;
}
