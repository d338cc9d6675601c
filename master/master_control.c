/*
 * run/master.ctl: status, reload, stop. Root and our own uid are served.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "master/master.h"

enum {
	CLIENTS_MAX = 16,
	VALUES_MAX = 2000,
};

struct client {
	struct chan chan;
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
answer(struct client *c, uint32_t id, enum c_status status, const char *words)
{
	msg_begin(&c->chan, &proto_ctl, C_END, id);
	msg_u32(&c->chan, CF_STATUS, status);
	if (words[0] != '\0')
		msg_words(&c->chan, CF_WORDS, words, RESULT_WORDS_MAX);
	if (msg_end(&c->chan) == -1)
		log_debug("control: a client does not read");
}

static void
put_value(struct buf *b, enum c_value type, const char *text)
{
	buf_put_u8(b, (uint8_t)type);
	buf_put_lv(b, text, strlen(text));
}

static void
put_number(struct buf *b, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	put_value(b, C_NUMBER, text);
}

static const char *
state_of(const struct proc *p)
{
	if (p->stopping || p->lost)
		return "stopping";
	if (!p->ready)
		return "starting";
	return p->busy ? "busy" : rows[p->row].pool == POOL_ACCEPT ? "idle" :
	    "running";
}

static void
put_names(struct chan *c)
{
	static const char *const names[] = { "program", "service", "user",
		"pid", "state", "uptime", "restarts", "sessions" };
	struct buf b = BUF_INIT(VALUES_MAX);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		buf_put_lv(&b, names[i], strlen(names[i]));
	msg_bytes(c, CF_NAMES, buf_str(&b), b.len);
	buf_clear(&b);
}

static void
row_begin(struct chan *c, uint32_t id, int *first)
{
	msg_begin(c, &proto_ctl, C_ROW, id);
	if (*first)
		put_names(c);
	*first = 0;
}

/* One process; p NULL: a row of which none runs, though it should. */
static int
status_row(struct client *c, uint32_t id, int *first, unsigned row,
    const struct proc *p)
{
	const struct row *r = &rows[row];
	struct buf b = BUF_INIT(VALUES_MAX);

	put_value(&b, C_TEXT, peer_name(r->kind));
	put_value(&b, r->duty == SERVICE_NONE ? C_NULL : C_TEXT,
	    r->duty == SERVICE_NONE ? "" : service_name(r->duty));
	put_value(&b, p == NULL || p->user[0] == '\0' ? C_NULL : C_TEXT,
	    p == NULL ? "" : p->user);
	if (p == NULL)
		put_value(&b, C_NULL, "");
	else
		put_number(&b, (uint64_t)p->pid);
	put_value(&b, C_TEXT, p == NULL ? "down" : state_of(p));
	put_number(&b, p == NULL ? 0 : (uint64_t)(ev_time() - p->started));
	put_number(&b, master.rows[row].restarts);
	put_number(&b, p == NULL ? 0 : p->sessions);
	row_begin(&c->chan, id, first);
	msg_bytes(&c->chan, CF_VALUES, buf_str(&b), b.len);
	buf_clear(&b);
	return msg_end(&c->chan);
}

static void
on_status(struct client *c, const struct msg *m)
{
	struct proc *p;
	int first = 1, r = 0;
	unsigned i;

	for (i = 0; i < ROW_COUNT; i++) {
		TAILQ_FOREACH(p, &master.rows[i].procs, link)
			if (r == 0)
				r = status_row(c, m->id, &first, i, p);
		if (r == 0 && master.rows[i].n == 0 &&
		    ev_is_active(&master.rows[i].retry))
			r = status_row(c, m->id, &first, i, NULL);
	}
	answer(c, m->id, C_OK, "");
}

static void
on_stop(struct client *c, const struct msg *m)
{
	/* The connection stays: its end says that all have ended. */
	answer(c, m->id, C_OK, "stopping");
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
	answer(c, c->reload_id, (enum c_status)status, words);
	client_flush(c);
}

static void
on_reload(struct client *c, const struct msg *m)
{
	if (c->reloading) {
		answer(c, m->id, C_BUSY, "a reload is under way");
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
			answer(c, m.id, C_REFUSED, "not a word for master");
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
