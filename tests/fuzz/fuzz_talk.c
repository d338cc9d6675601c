#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_talk.h"

int	__real_poll(struct pollfd *p, nfds_t n, int ms);
int	__wrap_poll(struct pollfd *p, nfds_t n, int ms);

static struct {
	int	 fd;
	const uint8_t *p, *end;
} server;

int
fuzz_talk_begin(const uint8_t *data, size_t size)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		abort();
	server.fd = fd[1];
	server.p = data;
	server.end = data + size;
	return fd[0];
}

void
fuzz_talk_end(void)
{
	close(server.fd);
}

static void
say_piece(void)
{
	const uint8_t *nul;
	size_t n;

	if (server.p >= server.end) {
		shutdown(server.fd, SHUT_WR);
		return;
	}
	nul = memchr(server.p, '\0', (size_t)(server.end - server.p));
	n = (size_t)((nul != NULL ? nul : server.end) - server.p);
	if (send(server.fd, server.p, n, MSG_NOSIGNAL) != (ssize_t)n)
		abort();
	server.p += n + 1;
}

/* The server hears all, and talks when it is waited for. */
int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	char heard[4096];
	int r;

	while ((r = __real_poll(p, n, 0)) == 0) {
		while (recv(server.fd, heard, sizeof(heard),
		    MSG_DONTWAIT) > 0)
			;
		if (p->events & POLLIN)
			say_piece();
	}
	return r;
}
