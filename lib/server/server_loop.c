/*
 * The event loop shape.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/server/server_impl.h"

static const double SESSIONS_EVERY = 0.1;	/* seconds */

static struct ev_loop *loop;
static ev_io reading, writing;
static ev_timer telling;
static unsigned sessions, sessions_told;
static uint32_t seen_told;
static int going;

static void
flush(void)
{
	struct chan *c = &server_state.master;
	int r = chan_flush(c);

	if (r == -1 && errno == EPIPE)
		r = 1;		/* the read side says so, and ends us */
	if (r == -1)
		log_fatal("master: %s", strerror(errno));
	if (r == 0)
		ev_io_start(loop, &writing);
	else
		ev_io_stop(loop, &writing);
}

static void
on_peer(struct msg *m)
{
	struct wire w;

	server_get_wire(m, &w);
	fd_nonblock(w.fd, 1);
	if (server_state.s->wired != NULL)
		server_state.s->wired(loop, &w);
	else
		fd_close(&w.fd);
}

static void
on_peer_gone(struct msg *m)
{
	if (server_state.s->peer_gone != NULL)
		server_state.s->peer_gone(loop,
		    (enum peer)msg_get_u32(m, WF_PEER),
		    msg_get_u32(m, WF_INSTANCE));
}

static void
on_listen(struct msg *m)
{
	int fd = msg_get_fd(m, 0);

	if (server_state.s->listening != NULL)
		server_state.s->listening(loop,
		    (enum service)msg_get_u32(m, WF_SERVICE), fd);
	else
		fd_close(&fd);
}

static void
on_session(struct msg *m)
{
	struct session s;

	server_get_session(m, &s);
	fd_nonblock(s.fd, 1);
	if (server_state.s->session != NULL)
		server_state.s->session(loop, &s);
	else
		fd_close(&s.fd);
}

static void
on_go(struct msg *m)
{
	if (!going && server_state.s->go != NULL)
		server_state.s->go(loop);
	going = 1;
	server_say_ready();
}

static void
on_reload(struct msg *m)
{
	if (server_reload(m) == 0)
		log_debug("configuration read again");
}

static void
on_stop(struct msg *m)
{
	if (server_state.s->stop != NULL)
		server_state.s->stop(loop);
	else
		server_exit();
}

static void
on_started(struct msg *m)
{
	int fd = msg_get_fd(m, 0);

	if (fd != -1)
		fd_nonblock(fd, 1);
	if (server_state.s->started != NULL)
		server_state.s->started(loop, m->id, fd, 0, NULL);
	else
		fd_close(&fd);
}

static void
on_refused(struct msg *m)
{
	char *words = msg_get_dup(m, WF_WORDS);

	if (server_state.s->started != NULL)
		server_state.s->started(loop, m->id, -1,
		    msg_get_u32(m, WF_FULL) != 0, words);
	free(words);
}

static void
on_kick(struct msg *m)
{
	if (server_state.s->kick != NULL)
		server_state.s->kick(loop, m->id);
}

/* For workers. */
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
	[WIRE_STARTED] = on_started,
	[WIRE_REFUSED] = on_refused,
	[WIRE_PEER_GONE] = on_peer_gone,
	[WIRE_CROWD] = on_ignored,
	[WIRE_YIELD] = on_ignored,
	[WIRE_KICK] = on_kick,
};

/* msg_next lets nothing through that is not master's, so the index is good. */
static void
on_readable(struct ev_loop *l, ev_io *w, int events)
{
	struct msg m;

	server_read();
	while (server_next(&m) == 1) {
		on_message[m.type](&m);
		msg_done(&m);
	}
	flush();
}

static void
on_writable(struct ev_loop *l, ev_io *w, int events)
{
	flush();
}

static void
tell(struct ev_loop *l, ev_timer *w, int events)
{
	if (sessions == sessions_told && server_state.seen == seen_told)
		return;
	sessions_told = sessions;
	seen_told = server_state.seen;
	server_say_state(sessions > 0 ? WIRE_BUSY : WIRE_IDLE, sessions);
	flush();
}

void
server_sessions(unsigned n)
{
	sessions = n;
	if (!ev_is_active(&telling))
		ev_timer_start(loop, &telling);
}

void
server_exit(void)
{
	ev_break(loop, EVBREAK_ALL);
}

void
server_trouble(const char *name, const char *server, const char *words)
{
	struct chan *c = &server_state.master;

	msg_begin(c, &proto_wire, WIRE_TROUBLE, 0);
	msg_text(c, WF_TROUBLE, name);
	msg_text(c, WF_SERVER, server);
	msg_text(c, WF_WORDS, words);
	if (msg_end(c) == -1)
		log_warn("master does not read: trouble is not told");
	flush();
}

void
server_retire_peer(enum peer p, uint32_t instance)
{
	struct chan *c = &server_state.master;

	msg_begin(c, &proto_wire, WIRE_RETIRE, 0);
	msg_u32(c, WF_PEER, p);
	msg_u32(c, WF_INSTANCE, instance);
	if (msg_end(c) == -1)
		log_warn("master does not read: %s %u stays", peer_name(p),
		    instance);
	flush();
}

void
server_need(enum peer p, uint32_t count, uint32_t instance)
{
	struct chan *c = &server_state.master;

	msg_begin(c, &proto_wire, WIRE_NEED, 0);
	msg_u32(c, WF_PEER, p);
	msg_u32(c, WF_COUNT, count);
	if (instance != 0)
		msg_u32(c, WF_INSTANCE, instance);
	if (msg_end(c) == -1)
		log_warn("master does not read: it does not know how many %s "
		    "are needed", peer_name(p));
	flush();
}

void
server_session_ended(uint32_t id)
{
	struct chan *c = &server_state.master;

	msg_begin(c, &proto_wire, WIRE_ENDED, id);
	if (msg_end(c) == 0)
		flush();
}

int
server_start(const struct server_login *l, uint32_t id)
{
	struct chan *c = &server_state.master;

	msg_begin(c, &proto_wire, WIRE_START, id);
	msg_u32(c, WF_SERVICE, l->service);
	msg_text(c, WF_USER, l->user);
	msg_text(c, WF_REMOTE, l->remote);
	msg_text(c, WF_TLS, l->tls);
	msg_u32(c, WF_INSTANCE, l->instance);
	if (msg_end(c) == -1)
		return -1;
	flush();
	return 0;
}

int
server_loop_main(int argc, char **argv, const struct server *s)
{
	server_begin(argc, argv, s, 1);
	loop = ev_default_loop(EVFLAG_NOENV);
	if (loop == NULL)
		log_fatal("no event loop: %s", strerror(errno));
	fd_nonblock(server_state.master.fd, 1);
	ev_io_init(&reading, on_readable, server_state.master.fd, EV_READ);
	ev_io_init(&writing, on_writable, server_state.master.fd, EV_WRITE);
	ev_timer_init(&telling, tell, SESSIONS_EVERY, 0);
	ev_io_start(loop, &reading);
	ev_run(loop, 0);
	chan_clear(&server_state.master);
	return 0;
}
