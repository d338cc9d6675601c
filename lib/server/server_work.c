/*
 * The blocking shape: one client at a time, straight-line code.
 *
 * While idle the worker waits in one epoll set on master, the listening
 * sockets (EPOLLEXCLUSIVE: one worker is woken per client, not all) and, where
 * the program wants their input, its peers. Master hears WIRE_BUSY when a
 * client is taken and WIRE_IDLE only when none is waiting: under load a worker
 * goes from client to client without a word.
 *
 * While a client is served a fresh channel to a peer is only set aside, so
 * that the one in use does not change under a request; server_peer_lost
 * brings it in.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/server/server_impl.h"
#include "lib/server/work_crowd.h"

enum {
	LISTENERS_MAX = 64,
	EVENTS = 16,
	SAY_TIMEOUT = 10000,	/* ms for a word to master */
	IDLE_EVERY = 1000,	/* ms between two calls of idle() */
	LOOK_EVERY = 1000,	/* ms between two looks at master at work */
};

/* What an epoll event is about: kind << 16 | index. */
enum { FROM_MASTER, FROM_LISTENER, FROM_PEER };

struct work_listener {
	int	 fd;
	enum service service;
};

struct work_peer {
	struct chan chan;	/* fd -1: lost */
	int	 fresh;		/* the next one, or -1 */
};

static struct work_peer peers[PEER_COUNT];
static struct work_listener listeners[LISTENERS_MAX];
static size_t n_listeners;
static struct session waiting;	/* from WIRE_SESSION; fd -1: none */
static int epoll = -1;
static int going, busy, serving, told_ready;
static int retiring;		/* no client comes after this one */
static int ending;		/* and this one is to go */
static int yielding;		/* this one, where it is waited for */
static int kicked;		/* this one, whatever it does */
static unsigned served;
static unsigned heard;		/* times that master was listened to */
static int64_t looked;

static int
watch(int fd, uint32_t events, uint32_t kind, size_t i)
{
	struct epoll_event e = { .events = events,
		.data.u32 = kind << 16 | (uint32_t)i };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void
send_master(void)
{
	if (chan_send(&server_state.master, SAY_TIMEOUT) == -1)
		_exit(0);	/* as at the end of the channel */
}

static void
say_busy(int on)
{
	if (busy == on)
		return;
	busy = on;
	server_say_state(on ? WIRE_BUSY : WIRE_IDLE, (uint32_t)on);
	send_master();
}

static void
peer_install(enum peer p)
{
	struct work_peer *s = &peers[p];

	if (s->fresh == -1)
		return;
	if (s->chan.fd != -1) {
		chan_clear(&s->chan);
		if (server_state.s->input != NULL)
			server_state.s->input(p, NULL);
	}
	chan_clear(&s->chan);
	chan_init(&s->chan, s->fresh);
	s->fresh = -1;
	if (server_state.s->input != NULL &&
	    watch(s->chan.fd, EPOLLIN, FROM_PEER, p) == -1)
		log_fatal("epoll: %s", strerror(errno));
}

static void
on_peer(struct msg *m)
{
	struct wire w;

	server_get_wire(m, &w);
	fd_close(&peers[w.peer].fresh);
	peers[w.peer].fresh = w.fd;
	if (!serving)
		peer_install(w.peer);
}

static void
on_listen(struct msg *m)
{
	struct work_listener *l = &listeners[n_listeners];

	if (n_listeners == LISTENERS_MAX)
		log_fatal("too many listening sockets");
	l->service = (enum service)msg_get_u32(m, WF_SERVICE);
	l->fd = msg_get_fd(m, 0);
	if (watch(l->fd, EPOLLIN | EPOLLEXCLUSIVE, FROM_LISTENER,
	    n_listeners++) == -1)
		log_fatal("epoll: %s", strerror(errno));
}

static void
on_session(struct msg *m)
{
	fd_close(&waiting.fd);
	server_get_session(m, &waiting);
}

static void
on_go(struct msg *m)
{
	going = 1;
}

static void
on_reload(struct msg *m)
{
	retiring = 1;
}

static void
on_stop(struct msg *m)
{
	retiring = ending = 1;
}

static void
on_kick(struct msg *m)
{
	retiring = ending = kicked = 1;
}

static void
on_yield(struct msg *m)
{
	yielding = 1;
}

static void
on_ignored(struct msg *m)
{
}

static void (*const on_message[])(struct msg *) = {
	[WIRE_PEER] = on_peer,
	[WIRE_LISTEN] = on_listen,
	[WIRE_GO] = on_go,
	[WIRE_SESSION] = on_session,
	[WIRE_RELOAD] = on_reload,
	[WIRE_STOP] = on_stop,
	[WIRE_STARTED] = on_ignored,
	[WIRE_REFUSED] = on_ignored,
	[WIRE_PEER_GONE] = on_ignored,
	[WIRE_CROWD] = work_crowd_given,
	[WIRE_YIELD] = on_yield,
	[WIRE_KICK] = on_kick,
};

static void
from_master(void)
{
	struct msg m;

	heard++;
	server_read();
	while (server_next(&m) == 1) {
		on_message[m.type](&m);
		msg_done(&m);
	}
}

/* Waits for master's next words; 0, or -1 when timeout_ms passed. */
static int
wait_master(int64_t timeout_ms)
{
	struct pollfd p = { .fd = server_state.master.fd, .events = POLLIN };
	int n = poll(&p, 1, (int)timeout_ms);

	if (n > 0)
		from_master();
	return n == 0 ? -1 : 0;
}

struct chan *
server_peer(enum peer p, int timeout_ms)
{
	int64_t left, end = clock_mono_ms() + timeout_ms;

	while (peers[p].chan.fd == -1) {
		if (peers[p].fresh != -1) {
			peer_install(p);
			break;
		}
		left = end - clock_mono_ms();
		if (wait_master(left > 0 ? left : 0) == -1)
			return NULL;
	}
	return &peers[p].chan;
}

void
server_peer_lost(enum peer p)
{
	chan_clear(&peers[p].chan);
}

void
server_retire(void)
{
	retiring = ending = 1;
}

int
server_master_fd(void)
{
	return server_state.master.fd;
}

void
server_waiting(int64_t since)
{
	yielding = 0;
	work_crowd_wait(since);
}

int
server_kicked(void)
{
	return kicked;
}

int
server_yielding(void)
{
	return yielding;
}

int
server_ending(int hear)
{
	int64_t now = clock_mono_ms();

	if (hear || now - looked >= LOOK_EVERY) {
		looked = now;
		wait_master(0);
	}
	return ending;
}

int
server_stopping(void)
{
	(void)server_ending(0);
	return retiring;
}

static void
serve(struct session *s)
{
	struct session mine = *s;
	unsigned max = server_state.s->max_sessions;
	size_t i;

	s->fd = -1;
	say_busy(1);
	serving = 1;
	yielding = 0;
	mine.crowded = work_crowd_join(mine.origin);
	server_state.s->serve(&mine);
	work_crowd_leave();
	serving = 0;
	if (max != 0 && ++served >= max)
		retiring = 1;
	for (i = 0; i < PEER_COUNT; i++)
		peer_install((enum peer)i);
}

static void
from_listener(struct work_listener *l)
{
	struct session s;
	int r;

	if (l->fd == -1)
		return;
	r = server_accept(l->fd, l->service, &s);
	if (r == 1)
		serve(&s);
	else if (r == -1) {
		/* Others hold the same socket: closing alone would leave it
		   in our set. */
		epoll_ctl(epoll, EPOLL_CTL_DEL, l->fd, NULL);
		fd_close(&l->fd);
	}
}

static void
from_peer(enum peer p)
{
	if (peers[p].chan.fd != -1 && server_state.s->input != NULL)
		server_state.s->input(p, &peers[p].chan);
}

/*
 * One event of the set. A session, and any change of the sockets, makes the
 * rest of what epoll_wait told stale: 1 then.
 */
static int
dispatch(uint32_t what)
{
	uint32_t i = what & 0xffff;
	unsigned before = heard;

	switch (what >> 16) {
	case FROM_MASTER:
		from_master();
		return 1;
	case FROM_LISTENER:
		from_listener(&listeners[i]);
		return 1;
	default:
		/* It may have asked for a peer, and so listened to master. */
		from_peer((enum peer)i);
		return heard != before;
	}
}

/* Waits for the next events and handles them. */
static void
turn(void)
{
	const struct server *s = server_state.s;
	struct epoll_event ev[EVENTS];
	int i, n, timeout = busy ? 0 : s->idle != NULL ? IDLE_EVERY : -1;

	n = epoll_wait(epoll, ev, EVENTS, timeout);
	if (n == -1 && errno != EINTR)
		log_fatal("epoll: %s", strerror(errno));
	if (n == 0 && busy)
		say_busy(0);
	else if (n == 0 && s->idle != NULL)
		s->idle();
	for (i = 0; i < n && !retiring; i++)
		if (dispatch(ev[i].data.u32))
			break;
	if (going && !told_ready) {
		told_ready = 1;
		server_say_ready();
		send_master();
	}
	if (waiting.fd != -1 && !retiring)
		serve(&waiting);
}

int
server_work_main(int argc, char **argv, const struct server *s)
{
	size_t i;

	waiting.fd = -1;
	for (i = 0; i < PEER_COUNT; i++) {
		chan_init(&peers[i].chan, -1);
		peers[i].fresh = -1;
	}
	server_begin(argc, argv, s, 0);
	if ((epoll = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    watch(server_state.master.fd, EPOLLIN, FROM_MASTER, 0) == -1)
		log_fatal("epoll: %s", strerror(errno));
	while (!retiring)
		turn();
	return 0;
}
