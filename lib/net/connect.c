#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/net/connect.h"

int
addr_connect(const struct addr *a, int64_t ms, struct buf *why)
{
	int fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int e = 0, n;

	if (fd != -1 && connect(fd, (const struct sockaddr *)&a->ss,
	    a->len) == 0)
		return fd;
	e = errno;
	if (fd != -1 && e == EINPROGRESS) {
		n = poll(&p, 1, (int)ms);
		e = n == 1 ? 0 : n == 0 ? ETIMEDOUT : errno;
		if (e == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &e,
		    &len) == 0 && e == 0)
			return fd;
	}
	if (fd != -1)
		close(fd);
	buf_set(why, "%s", strerror(e));
	return -1;
}
