#include <stdlib.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/link/control.h"
#include "lib/server/server.h"

/* Accepts while there is room. */
static void
control_watch(struct control *s)
{
	if (s->listening && s->n < CONTROL_MAX)
		ev_io_start(s->loop, &s->accepting);
	else
		ev_io_stop(s->loop, &s->accepting);
}

static void
client_free(struct control_client *c)
{
	struct control *s = c->control;

	ev_idle_stop(s->loop, &c->going);
	link_clear(&c->link);
	answer_clear(&c->answer);
	if (s->kind->clear != NULL)
		s->kind->clear(c);
	free(c);
	s->n--;
	control_watch(s);
}

static void
client_flush(struct control_client *c)
{
	if (c->lent)
		return;
	if (c->answer.lost)
		link_drop(&c->link, LINK_DEAF, "an answer is lost");
	else
		link_flush(&c->link);
}

static void
on_slice(struct ev_loop *loop, ev_idle *w, int events)
{
	struct control_client *c = w->data;

	if (control_behind(c)) {
		ev_idle_stop(loop, w);	/* on_written goes on */
		return;
	}
	c->control->kind->slice(c);
	client_flush(c);
}

static void
on_written(struct link *l)
{
	struct control_client *c = l->owner;

	if (c->sliced)
		ev_idle_start(c->control->loop, &c->going);
}

static void
busy(struct control_client *c, uint32_t id)
{
	struct answer a;

	answer_init(&a, &c->link.chan);
	answer_begin(&a, id);
	(void)!answer_end(&a, C_BUSY, "one command at a time");
	answer_clear(&a);
}

static int
on_command(struct link *l, struct msg *m, struct buf *why)
{
	struct control_client *c = l->owner;

	if (c->command != 0) {
		busy(c, m->id);
	} else {
		c->command = m->type;
		answer_begin(&c->answer, m->id);
		c->control->kind->command(c, m);
	}
	client_flush(c);
	return 0;
}

static void
on_lost(struct link *l, enum link_end how, const char *why)
{
	struct control_client *c = l->owner;

	if (why != NULL)
		log_warn("control: %s", why);
	if (c->command != 0 && !c->sliced)
		c->gone = 1;
	else
		client_free(c);
}

static const struct link_kind control_link = {
	.proto = &proto_ctl,
	.message = on_command,
	.lost = on_lost,
	.written = on_written,
};

static void
client_new(struct control *s, int fd)
{
	struct control_client *c = mem_zalloc(1, s->kind->size);

	s->n++;
	c->control = s;
	link_init(&c->link, s->loop, &control_link, c);
	answer_init(&c->answer, &c->link.chan);
	ev_idle_init(&c->going, on_slice);
	c->going.data = c;
	fd_nonblock(fd, 1);
	link_open(&c->link, PEER_CTL, 0, fd);
}

static void
on_connect(struct ev_loop *loop, ev_io *w, int events)
{
	struct control *s = w->data;
	struct session client;
	int r = 0;

	while (s->n < CONTROL_MAX && (r = server_accept(w->fd,
	    SERVICE_CONTROL, &client)) == 1) {
		if (client.uid == 0 || client.uid == (long)geteuid()) {
			client_new(s, client.fd);
			continue;
		}
		log_warn("control: uid %ld refused", client.uid);
		close(client.fd);
	}
	if (r == -1)
		control_close(s);
	control_watch(s);
}

void
control_init(struct control *s, struct ev_loop *loop,
    const struct control_kind *kind)
{
	s->kind = kind;
	s->loop = loop;
	s->listening = 0;
	s->n = 0;
	ev_io_init(&s->accepting, on_connect, -1, EV_READ);
	s->accepting.data = s;
}

void
control_listen(struct control *s, int fd)
{
	control_close(s);
	fd_nonblock(fd, 1);
	ev_io_set(&s->accepting, fd, EV_READ);
	s->listening = 1;
	control_watch(s);
}

void
control_close(struct control *s)
{
	int fd = s->accepting.fd;

	if (!s->listening)
		return;
	s->listening = 0;
	control_watch(s);
	fd_close(&fd);
}

void
control_end(struct control_client *c, enum c_status status, const char *words)
{
	if (c->gone) {
		client_free(c);
		return;
	}
	if (!c->answer.lost)
		(void)!answer_end(&c->answer, status, words);
	c->command = 0;
	c->sliced = c->lent = 0;
	ev_idle_stop(c->control->loop, &c->going);
	client_flush(c);
	link_resume(&c->link);
}

void
control_slices(struct control_client *c)
{
	c->sliced = 1;
	ev_idle_start(c->control->loop, &c->going);
}

void
control_lend(struct control_client *c)
{
	c->lent = 1;
	link_lend(&c->link);
}

struct chan *
control_chan(struct control_client *c)
{
	return &c->link.chan;
}

int
control_behind(const struct control_client *c)
{
	return c->link.chan.out.len > CONTROL_HIGH;
}
