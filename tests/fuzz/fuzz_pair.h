/*
 * A socket that has octets to read, for parsers that read for themselves:
 * what a peer says that does not listen.
 */
#ifndef TESTS_FUZZ_FUZZ_PAIR_H
#define TESTS_FUZZ_FUZZ_PAIR_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FUZZ_PAIR_MAX = 60000 };		/* that much a socket takes at once */

/* fd[0] is read by the parser; fd[1] has said it all, and reads nothing. */
static inline void
fuzz_pair(int fd[2], const uint8_t *p, size_t len)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1 ||
	    send(fd[1], p, len, MSG_NOSIGNAL) != (ssize_t)len ||
	    shutdown(fd[1], SHUT_WR) == -1)
		abort();
}

#endif
