#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/net/addr.h"
#include "lib/server/server_impl.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/*
 * Kept for the moment when all descriptors are used up: given back, the
 * client is accepted and closed at once. Else it would stay in the queue, the
 * socket readable, and the loop busy for nothing.
 */
static int spare = -1;

static void
open_spare(void)
{
	if (spare == -1)
		spare = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

static void
turn_away(int listener)
{
	static int64_t said;
	int64_t now = clock_now();
	int fd;

	if (now != said)
		log_warn("no descriptor is free: a client is turned away");
	said = now;
	fd_close(&spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	fd_close(&fd);
	open_spare();
}

static int
refused(int listener)
{
	switch (errno) {
	case EINVAL:
	case EBADF:
		return -1;
	case EMFILE:
	case ENFILE:
		turn_away(listener);
		return 0;
	default:	/* EAGAIN, or an error of that one connection */
		return 0;
	}
}

int
server_accept(int listener, enum service service, struct session *s)
{
	union address a;
	socklen_t len = sizeof(a), credlen = sizeof(struct ucred);
	struct ucred cred;
	int flags = SOCK_CLOEXEC | (server_state.loop ? SOCK_NONBLOCK : 0);

	open_spare();
	memset(&a, 0, sizeof(a));
	memset(s, 0, sizeof(*s));
	s->uid = -1;
	s->service = service;
	if ((s->fd = accept4(listener, &a.sa, &len, flags)) == -1)
		return refused(listener);
	addr_print(&a.sa, s->remote, sizeof(s->remote));
	s->origin = addr_origin(&a.sa);
	if (a.sa.sa_family == AF_INET || a.sa.sa_family == AF_INET6)
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
		    sizeof(int));
	else if (getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &cred,
	    &credlen) == 0) {
		s->uid = (long)cred.uid;
		s->origin = (uint64_t)cred.uid + 1;
	}
	return 1;
}
