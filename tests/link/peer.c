#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/server/server.h"
#include "tests/link/peer.h"

static struct chan near = { .fd = -1 };
static const struct msg_proto *proto;
static int (*answer)(struct chan *c, struct msg *m);
static int (*next)(struct chan *c, struct msg *m);
static pthread_t thread;
static int running, retired, far_fd;

struct chan *
server_peer(enum peer p, int timeout_ms)
{
	int (*hook)(struct chan *, struct msg *) = next;

	if (near.fd == -1 && hook != NULL)
		peer_begin(proto, hook);
	return near.fd == -1 ? NULL : &near;
}

void
server_peer_lost(enum peer p)
{
	if (near.fd != -1)
		chan_clear(&near);
	near.fd = -1;
}

void
server_retire(void)
{
	retired = 1;
}

struct chan *
peer_chan(void)
{
	return &near;
}

int
peer_retired(void)
{
	int r = retired;

	retired = 0;
	return r;
}

static void *
run(void *arg)
{
	struct chan c;
	struct msg m;
	int r = 0;

	chan_init(&c, far_fd);
	while (r == 0 && msg_recv(&m, proto, PEER_SMTPD, &c, -1, NULL) == 1) {
		r = answer(&c, &m);
		msg_done(&m);
		if (r == 0 && chan_send(&c, 5000) == -1)
			abort();
	}
	chan_clear(&c);
	return NULL;
}

void
peer_begin(const struct msg_proto *p, int (*hook)(struct chan *, struct msg *))
{
	int fd[2];

	peer_end();
	assert_int_equal(fd_pair(fd), 0);
	chan_init(&near, fd[0]);
	far_fd = fd[1];
	proto = p;
	answer = hook;
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	running = 1;
}

void
peer_next(int (*hook)(struct chan *, struct msg *))
{
	next = hook;
}

void
peer_end(void)
{
	next = NULL;
	server_peer_lost(PEER_QUEUE);
	if (running)
		pthread_join(thread, NULL);
	running = 0;
}
