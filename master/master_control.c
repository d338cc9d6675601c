/*
 * run/master.ctl: status, reload, stop. Root and our own uid are served.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/answer.h"
#include "master/master.h"

enum { CLIENTS_MAX = 16 };

struct client {
	struct chan chan;
	struct answer answer;
	ev_io	 reading, writing;
	uint32_t reload_id;
	int	 reloading;	/* an answer of reload_begin is due */
	int	 gone;		/* free it when that came */
};

static ev_io accepting;
static unsigned clients;

static void
client_close(struct client *c)
{
	ev_io_stop(master.loop, &c->reading);
	ev_io_stop(master.loop, &c->writing);
	chan_clear(&c->chan);
	answer_clear(&c->answer);
	c->gone = 1;
	if (c->reloading)
		return;
	free(c);
	clients--;
	if (master.phase != PHASE_STOP)
		ev_io_start(master.loop, &accepting);
}

static void
client_flush(struct client *c)
{
	int r = chan_flush(&c->chan);

	if (r == 0)
		ev_io_start(master.loop, &c->writing);
	else
		ev_io_stop(master.loop, &c->writing);
	/* Its end is read soon, and buried there: our caller still holds c. */
	if (r == -1)
		shutdown(c->chan.fd, SHUT_RDWR);
}

static void
end(struct client *c, uint32_t id, enum c_status status, const char *words)
{
	answer_begin(&c->answer, id);
	answer_end(&c->answer, status, words);
}

static const char *
state_of(const struct proc *p)
{
	if (p->stopping || p->lost)
		return "stopping";
	if (!p->ready)
		return "starting";
	return p->busy ? "busy" : programs[p->row].pool == POOL_ACCEPT ? "idle" :
	    "running";
}

/* One process; p NULL: a row of which none runs, though it should. */
static int
status_row(struct client *c, unsigned row, const struct proc *p)
{
	const struct program *r = &programs[row];
	struct answer *a = &c->answer;

	answer_text(a, peer_name(r->kind));
	answer_text(a, r->duty == SERVICE_NONE ? NULL : service_name(r->duty));
	answer_text(a, p == NULL || p->user[0] == '\0' ? NULL : p->user);
	if (p == NULL)
		answer_text(a, NULL);
	else
		answer_number(a, (uint64_t)p->pid);
	answer_text(a, p == NULL ? "down" : state_of(p));
	answer_span(a, p == NULL ? 0 : (uint64_t)(ev_time() - p->started));
	answer_number(a, master.rows[row].restarts);
	answer_number(a, p == NULL ? 0 : p->sessions);
	return answer_row(a, "program service user pid state uptime restarts "
	    "sessions", -1);
}

static void
on_status(struct client *c, const struct msg *m)
{
	struct proc *p;
	unsigned i;
	int r = 0;

	answer_begin(&c->answer, m->id);
	for (i = 0; i < PROGRAM_COUNT; i++) {
		TAILQ_FOREACH(p, &master.rows[i].procs, link)
			if (r == 0)
				r = status_row(c, i, p);
		if (r == 0 && master.rows[i].n == 0 &&
		    ev_is_active(&master.rows[i].retry))
			r = status_row(c, i, NULL);
	}
	answer_end(&c->answer, C_OK, "");
}

static void
on_stop(struct client *c, const struct msg *m)
{
	/* The connection stays: its end says that all have ended. */
	end(c, m->id, C_OK, "stopping");
	stop_begin(0);
}

static void
reloaded(void *arg, int status, const char *words)
{
	struct client *c = arg;

	c->reloading = 0;
	if (c->gone) {
		client_close(c);
		return;
	}
	end(c, c->reload_id, (enum c_status)status, words);
	client_flush(c);
}

static void
on_reload(struct client *c, const struct msg *m)
{
	if (c->reloading) {
		end(c, m->id, C_BUSY, "a reload is under way");
		return;
	}
	c->reloading = 1;
	c->reload_id = m->id;
	reload_begin(reloaded, c);
}

static void (*const on_message[])(struct client *, const struct msg *) = {
	[C_STATUS] = on_status,
	[C_STOP] = on_stop,
	[C_RELOAD] = on_reload,
};

static void
on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c = w->data;
	struct buf why = BUF_INIT(WHY_MAX);
	struct msg m;
	int r = chan_read(&c->chan);

	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r != 1) {
		client_close(c);
		return;
	}
	while ((r = msg_next(&m, &proto_ctl, PEER_CTL, &c->chan, &why)) == 1) {
		if (m.type < sizeof(on_message) / sizeof(on_message[0]) &&
		    on_message[m.type] != NULL)
			on_message[m.type](c, &m);
		else
			end(c, m.id, C_REFUSED, "not a word for master");
		msg_done(&m);
	}
	buf_clear(&why);
	if (r == -1)
		client_close(c);
	else
		client_flush(c);
}

static void
on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	client_flush(w->data);
}

static int
may_ask(int fd)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    (cred.uid == 0 || cred.uid == geteuid());
}

static void
on_client(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	if (!may_ask(fd)) {
		fd_close(&fd);
		return;
	}
	c = mem_zalloc(1, sizeof(*c));
	chan_init(&c->chan, fd);
	answer_init(&c->answer, &c->chan);
	ev_io_init(&c->reading, on_readable, fd, EV_READ);
	ev_io_init(&c->writing, on_writable, fd, EV_WRITE);
	c->reading.data = c->writing.data = c;
	ev_io_start(loop, &c->reading);
	if (++clients == CLIENTS_MAX)
		ev_io_stop(loop, w);
}

void
control_init(int listener)
{
	ev_io_init(&accepting, on_client, listener, EV_READ);
	ev_io_start(master.loop, &accepting);
}

void
control_close(void)
{
	ev_io_stop(master.loop, &accepting);
}
