#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/server/server.h"
#include "queue/queue_ctl.h"
#include "queue/queue_ctl_impl.h"
#include "queue/queue_dest.h"
#include "queue/queue_table.h"

static struct ctl *ctls;
static unsigned n_ctls;
static ev_io listener;
static int listening;

struct chunk {
	uint64_t id[CTL_CHUNK];
	size_t	 n;
};

static int
chunk_each(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len, void *arg)
{
	struct chunk *k = arg;

	if (r == RECORD_ENVELOPE)
		k->id[k->n++] = id;
	return k->n == CTL_CHUNK;
}

/* One that was deleted may be there still, until its bounce is made. */
static struct entry *
ctl_find(uint64_t id)
{
	struct entry *e = sched_find(&queue.sched, id);

	return e != NULL && e->msg != NULL && e->msg->drop ? NULL : e;
}

static void
ctl_flush(struct ctl *c)
{
	if (chan_flush(&c->chan) == 0)
		ev_io_start(queue.loop, &c->writing);
}

/* The next messages of a command about all of them. */
static void
on_going(struct ev_loop *l, ev_idle *w, int events)
{
	struct ctl *c = w->data;
	struct buf words = BUF_INIT(200);
	struct chunk k = { .n = 0 };
	struct entry *e;
	size_t i;
	int r;

	if (c->chan.out.len > OUT_HIGH) {
		ev_idle_stop(l, w);	/* on_writable goes on */
		return;
	}
	r = table_walk(c->at, chunk_each, &k);
	for (i = 0; i < k.n && c->chan.out.len < CHAN_OUT_MAX / 2; i++) {
		c->at = k.id[i] + 1;
		if ((e = ctl_find(k.id[i])) == NULL)
			continue;
		if (command_find(c->command)->one(c, e, &words) == 0)
			c->done++;
	}
	if (r != 1 && i == k.n) {
		buf_set(&words, "%u messages", c->done);
		ctl_end(c, r == 0 ? C_OK : C_BUSY, r == 0 ?
		    buf_str(&words) : "the table cannot be read");
	}
	buf_clear(&words);
	ctl_flush(c);
}

static void
command_one(struct ctl *c, const struct command *cmd, const char *p, size_t len)
{
	struct buf why = BUF_INIT(200);
	struct entry *e = NULL;
	uint64_t id;

	if (queue_id_parse(p, len, &id) == 0)
		e = ctl_find(id);
	if (e == NULL)
		buf_set(&why, "%.*s: no such message in the queue (\"rohrpost "
		    "trace\" tells what became of it)", (int)len, p);
	if (e == NULL)
		ctl_end(c, C_REFUSED, buf_str(&why));
	else if (cmd->one(c, e, &why) == -1)
		ctl_end(c, C_REFUSED, buf_str(&why));
	else
		ctl_end(c, C_OK, "");
	buf_clear(&why);
}

static void
command_begin(struct ctl *c, struct msg *m)
{
	const struct command *cmd = command_find(m->type);
	const char *p;
	size_t len;

	if (c->command != 0) {
		answer_begin(&c->answer, m->id);
		ctl_end(c, C_BUSY, "one command at a time");
		return;
	}
	c->command = m->type;
	answer_begin(&c->answer, m->id);
	c->done = 0;
	p = msg_get(m, CF_ID, &len);
	if (m->type == C_RETRY)
		dest_forget_down();
	if (cmd->all != NULL) {
		cmd->all(c);
	} else if (cmd->one == NULL) {
		ctl_end(c, C_REFUSED, "queue does not know that");
	} else if (len > 0) {
		command_one(c, cmd, p, len);
	} else if (cmd->need_id) {
		ctl_end(c, C_REFUSED, "a queue id is needed");
	} else {
		c->at = 1;
		ev_idle_start(queue.loop, &c->going);
	}
}

/* Connections */

static void
ctl_close(struct ctl *c)
{
	struct ctl **p;

	for (p = &ctls; *p != c; p = &(*p)->next)
		;
	*p = c->next;
	n_ctls--;
	ev_io_stop(queue.loop, &c->reading);
	ev_io_stop(queue.loop, &c->writing);
	ev_idle_stop(queue.loop, &c->going);
	chan_clear(&c->chan);
	answer_clear(&c->answer);
	free(c);
}

static void
on_readable(struct ev_loop *l, ev_io *w, int events)
{
	struct ctl *c = w->data;
	struct buf why = BUF_INIT(200);
	struct msg m;
	int r = chan_read(&c->chan);

	if (r == 0 || (r == -1 && errno != EAGAIN)) {
		ctl_close(c);
		return;
	}
	while ((r = msg_next(&m, &proto_ctl, PEER_CTL, &c->chan, &why)) == 1) {
		command_begin(c, &m);
		msg_done(&m);
	}
	if (r == -1)
		log_warn("control: %s", buf_str(&why));
	buf_clear(&why);
	if (r == -1 || chan_flush(&c->chan) == -1)
		ctl_close(c);
	else if (chan_pending(&c->chan))
		ev_io_start(l, &c->writing);
}

static void
on_writable(struct ev_loop *l, ev_io *w, int events)
{
	struct ctl *c = w->data;
	int r = chan_flush(&c->chan);

	if (r == -1) {
		ctl_close(c);
		return;
	}
	if (r == 1)
		ev_io_stop(l, w);
	if (c->command != 0)
		ev_idle_start(l, &c->going);
}

static void
ctl_open(const struct session *s)
{
	struct ctl *c;

	if (n_ctls == CTL_MAX || (s->uid != 0 && s->uid != (long)geteuid())) {
		log_warn("control: uid %ld refused", s->uid);
		close(s->fd);
		return;
	}
	c = mem_zalloc(1, sizeof(*c));
	chan_init(&c->chan, s->fd);
	answer_init(&c->answer, &c->chan);
	ev_io_init(&c->reading, on_readable, s->fd, EV_READ);
	ev_io_init(&c->writing, on_writable, s->fd, EV_WRITE);
	ev_idle_init(&c->going, on_going);
	c->reading.data = c->writing.data = c->going.data = c;
	ev_io_start(queue.loop, &c->reading);
	c->next = ctls;
	ctls = c;
	n_ctls++;
}

static void
on_connect(struct ev_loop *l, ev_io *w, int events)
{
	struct session s;
	int r;

	while ((r = server_accept(w->fd, SERVICE_CONTROL, &s)) == 1)
		ctl_open(&s);
	if (r == -1)
		ctl_stop();
}

void
ctl_listen(int fd)
{
	ctl_stop();
	ev_io_init(&listener, on_connect, fd, EV_READ);
	ev_io_start(queue.loop, &listener);
	listening = 1;
}

void
ctl_stop(void)
{
	int fd = listener.fd;

	if (!listening)
		return;
	ev_io_stop(queue.loop, &listener);
	fd_close(&fd);
	listening = 0;
}
