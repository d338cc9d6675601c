/*
 * Sockets, and whom the channels lead to. A socket is reached where it was
 * made, a connection where its call was let through, whatever came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "selftest/attacker.h"

enum {
	PORT_HERE = 9,			/* nobody is to be troubled */
	PORT_THERE = 25,
	THERE = (int)0xc0000201,	/* 192.0.2.1, which is nobody's */
};

static int
make(int domain, int type)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, 0), e = error_of(fd);

	if (fd != -1)
		close(fd);
	return e;
}

int try_socket_inet(void) { return make(AF_INET, SOCK_STREAM); }
int try_socket_udp(void) { return make(AF_INET, SOCK_DGRAM); }
int try_socket_inet6(void) { return make(AF_INET6, SOCK_STREAM); }
int try_socket_netlink(void) { return make(AF_NETLINK, SOCK_RAW); }
int try_socket_unix(void) { return make(AF_UNIX, SOCK_STREAM); }
int try_socket_packet(void) { return make(AF_PACKET, SOCK_RAW); }
int try_socket_raw(void) { return make(AF_INET, SOCK_RAW); }
int try_socket_vsock(void) { return make(AF_VSOCK, SOCK_STREAM); }
int try_socket_alg(void) { return make(AF_ALG, SOCK_SEQPACKET); }

int
try_socket_pair(void)
{
	int fd[2], e = error_of(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));

	if (e == 0) {
		close(fd[0]);
		close(fd[1]);
	}
	return e;
}

/* connect(2) on a socket of its own; without one on a descriptor it holds. */
static int
connect_inet(uint32_t address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port), .sin_addr.s_addr = htonl(address) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e;

	if (fd == -1)
		return errno;
	e = barred(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
	close(fd);
	return e;
}

int
try_connect_here(void)
{
	return connect_inet(INADDR_LOOPBACK, PORT_HERE);
}

int
try_connect_there(void)
{
	return connect_inet((uint32_t)THERE, PORT_THERE);
}

int
try_connect_apart(void)
{
	const struct sockaddr apart = { .sa_family = AF_UNSPEC };

	return barred(connect(-1, &apart, sizeof(apart)));
}

int
try_send_to(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET };

	return barred(sendto(-1, "", 0, MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, sizeof(to)));
}

int
try_send_first(void)
{
	struct msghdr m = { .msg_iovlen = 0 };
	int e = barred(sendto(-1, "", 0, MSG_FASTOPEN, NULL, 0));

	return e == 0 ? 0 : barred(sendmsg(-1, &m, MSG_FASTOPEN));
}

int
try_bind_port(void)
{
	return barred(bind(-1, NULL, 0));
}

int
try_listen_more(void)
{
	return barred(listen(-1, 1));
}

static int
connect_unix(const struct sockaddr_un *to, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e;

	if (fd == -1)
		return errno;
	e = error_of(connect(fd, (const struct sockaddr *)to, len));
	close(fd);
	return e;
}

static int
connect_run(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof(to.sun_path), "%.60s/run/%s",
	    attacker.state_dir, name);
	return connect_unix(&to, sizeof(to));
}

int try_connect_submit(void) { return connect_run("submit"); }
int try_connect_master(void) { return connect_run("master.ctl"); }
int try_connect_store(void) { return connect_run("store.ctl"); }
int try_connect_queue(void) { return connect_run("queue.ctl"); }

/* Nobody is there: refused is reached. */
int
try_abstract(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "\0attacked" };
	int e = connect_unix(&to, sizeof(to));

	return e == ECONNREFUSED ? 0 : e;
}

static int
door(enum peer to)
{
	return attacker.doors & 1u << to ? 0 : ENOTCONN;
}

int try_door_auth(void) { return door(PEER_AUTH); }
int try_door_pam(void) { return door(PEER_PAM); }
int try_door_store(void) { return door(PEER_STORE); }
int try_door_queue(void) { return door(PEER_QUEUE); }
int try_door_signer(void) { return door(PEER_SIGNER); }
int try_door_resolve(void) { return door(PEER_RESOLVE); }
int try_door_logs(void) { return door(PEER_LOGGER); }

int
try_door_session(void)
{
	return attacker.sessions ? 0 : ENOTCONN;
}
