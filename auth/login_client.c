#include <stdlib.h>
#include <sys/socket.h>

#include "auth/login_client.h"
#include "auth/login_imap.h"
#include "auth/login_pop3.h"
#include "lib/base/fd.h"

const struct login_protocol *
login_protocol_of(enum service service)
{
	return service == SERVICE_IMAP || service == SERVICE_IMAPS ?
	    &login_imap : &login_pop3;
}

void
login_client_unlist(struct login_client *c)
{
	struct login_server *s = c->server;

	if (!c->listed)
		return;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->oldest = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		s->newest = c->prev;
	c->prev = c->next = NULL;
	c->listed = 0;
}

static void
client_free(struct login_client *c)
{
	struct login_server *s = c->server;

	ev_io_stop(s->loop, &c->client_w);
	ev_io_stop(s->loop, &c->session_w);
	ev_timer_stop(s->loop, &c->timer);
	login_client_unlist(c);
	login_count_drop(s->addresses, &c->address);
	login_count_drop(s->users, &c->user);
	s->slot[c->slot] = NULL;
	s->free_slot[s->n_free++] = c->slot;
	login_talk_free(&c->talk);
	login_io_clear(&c->io);
	buf_clear(&c->rx);
	fd_close(&c->session);
	free(c);
	s->clients--;
	if (s->changed != NULL)
		s->changed(s->clients);
}

static void
watch(struct ev_loop *loop, ev_io *w, int fd, int events)
{
	if ((w->events & (EV_READ | EV_WRITE)) == events &&
	    (events == 0) == !ev_is_active(w))
		return;
	ev_io_stop(loop, w);
	ev_io_set(w, fd, events);
	if (events != 0)
		ev_io_start(loop, w);
}

int
login_client_wants_input(const struct login_client *c)
{
	if (c->client_ended)
		return 0;
	switch (c->state) {
	case LOGIN_TALK:
		return c->io.tx.len == 0;
	case LOGIN_WAIT:
		return c->talk->in.len < LOGIN_IN_MAX;
	case LOGIN_PROXY:
		return c->rx.len == 0;
	default:
		return 1;
	}
}

void
login_client_done(struct login_client *c)
{
	struct ev_loop *loop = c->server->loop;
	int events = 0, was = c->client_w.events;

	if (c->state == LOGIN_DEAD) {
		client_free(c);
		return;
	}
	if (login_client_wants_input(c))
		events |= EV_READ;
	if (c->io.tx.len > 0)
		events |= EV_WRITE;
	watch(loop, &c->client_w, c->io.fd, events);
	/*
	 * Reading goes on: what TLS has read ahead wakes nobody. An event fed
	 * before the watcher is set would be forgotten.
	 */
	if (c->again || ((events & ~was & EV_READ) && c->talk != NULL &&
	    login_io_held(&c->io)))
		ev_feed_event(loop, &c->client_w, EV_READ);
	c->again = 0;
	if (c->session == -1) {
		ev_io_stop(loop, &c->session_w);
		return;
	}
	events = 0;
	if (c->io.tx.len == 0 && !c->session_ended)
		events |= EV_READ;
	if (c->rx.len > 0)
		events |= EV_WRITE;
	watch(loop, &c->session_w, c->session, events);
}

void
login_client_timer(struct login_client *c, int64_t ms)
{
	struct ev_loop *loop = c->server->loop;

	ev_timer_stop(loop, &c->timer);
	ev_timer_set(&c->timer, ms > 0 ? (double)ms / 1000 : 0., 0.);
	ev_timer_start(loop, &c->timer);
}

void
login_client_end_if_sent(struct login_client *c)
{
	if (c->io.tx.len > 0)
		return;
	if (c->client_ended || shutdown(c->io.fd, SHUT_WR) == -1 ||
	    c->server->stopping)
		c->state = LOGIN_DEAD;
}

/*
 * A close with the client's octets unread would be a reset, which may destroy
 * our last words on their way: so its end is waited for, for a while.
 */
void
login_client_end(struct login_client *c)
{
	login_client_unlist(c);
	login_talk_free(&c->talk);
	buf_clear(&c->rx);
	if (c->session != -1) {
		ev_io_stop(c->server->loop, &c->session_w);
		fd_close(&c->session);
	}
	login_io_bye(&c->io);
	c->state = LOGIN_CLOSE;
	login_client_timer(c, LOGIN_CLOSE_MS);
	login_client_end_if_sent(c);
}

void
login_client_say(struct login_client *c)
{
	struct buf *out = &c->talk->out;

	if (out->len > 0 &&
	    login_io_write(&c->io, out->data, out->len) == -1)
		c->state = LOGIN_DEAD;
	buf_clear(out);
}

void
login_client_bye(struct login_client *c, const char *words)
{
	if (c->state != LOGIN_TALK && c->state != LOGIN_WAIT) {
		c->state = LOGIN_DEAD;
		return;
	}
	c->talk->protocol->bye(c->talk, words);
	login_client_say(c);
	if (c->state != LOGIN_DEAD)
		login_client_end(c);
}
