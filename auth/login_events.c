#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/login_dialogue.h"
#include "auth/login_events.h"
#include "auth/login_imap.h"
#include "auth/login_proxy.h"
#include "auth/remote.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum { READ_SIZE = 4096 };

static void
discard(struct login_client *c)
{
	char junk[READ_SIZE];
	ssize_t n;

	/* The socket itself: what TLS has to say is of no interest now. */
	n = recv(c->io.fd, junk, sizeof(junk), 0);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		c->state = LOGIN_DEAD;
}

static void
client_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct login_client *c = w->data;

	if ((events & EV_WRITE) && login_io_flush(&c->io) == -1)
		c->state = LOGIN_DEAD;
	switch (c->state) {
	case LOGIN_HANDSHAKE:
		if (events & EV_READ)
			login_dialogue_handshake(c);
		break;
	case LOGIN_TALK:
		login_dialogue_run(c);
		/* FALLTHROUGH */
	case LOGIN_WAIT:
		login_dialogue_read(c);
		break;
	case LOGIN_PROXY:
		login_proxy_client(c, events);
		break;
	case LOGIN_CLOSE:
		if (events & EV_WRITE)
			login_client_end_if_sent(c);
		if (c->state != LOGIN_DEAD && (events & EV_READ))
			discard(c);
		break;
	case LOGIN_DEAD:
		break;
	}
	login_client_done(c);
}

static void
session_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct login_client *c = w->data;

	login_proxy_session(c, events);
	login_client_done(c);
}

static void
client_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct login_client *c = w->data;

	if (c->state == LOGIN_TALK)
		login_client_bye(c, "time is up");
	else if (c->state == LOGIN_WAIT)
		login_dialogue_refused(c, LOGIN_LATER);
	else
		c->state = LOGIN_DEAD;
	login_client_done(c);
}

static int
is_implicit(enum service service)
{
	return service == SERVICE_IMAPS || service == SERVICE_POP3S;
}

static void
list_add(struct login_client *c)
{
	struct login_server *s = c->server;

	c->prev = s->newest;
	if (s->newest != NULL)
		s->newest->next = c;
	else
		s->oldest = c;
	s->newest = c;
	c->listed = 1;
}

/* Says why not where that needs no handshake, and closes. */
static void
turn_away(enum service service, int fd, const char *remote, const char *why)
{
	static int64_t said;
	const char *bye = login_protocol_of(service) == &login_imap ?
	    "* BYE too many connections\r\n" : "-ERR too many connections\r\n";

	if (clock_now() != said)
		log_warn("%s (%s) is turned away: %s", remote,
		    service_name(service), why);
	said = clock_now();
	if (!is_implicit(service))
		(void)send(fd, bye, strlen(bye), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/* A slot, if need be that of the one who has been dawdling the longest. */
static int
make_room(struct login_server *s)
{
	if (s->n_free == 0 && s->oldest != NULL) {
		s->oldest->state = LOGIN_DEAD;
		login_client_done(s->oldest);
	}
	return s->n_free > 0 ? 0 : -1;
}

static struct login_client *
client_alloc(struct login_server *s, enum service service, int fd)
{
	struct login_client *c = mem_zalloc(1, sizeof(*c));

	c->server = s;
	c->service = service;
	c->session = -1;
	c->rest = LOGIN_REST_YES;
	c->slot = s->free_slot[--s->n_free];
	s->slot[c->slot] = c;
	s->clients++;
	login_io_init(&c->io, fd);
	buf_init(&c->rx, LOGIN_IO_PIECE);
	ev_io_init(&c->client_w, client_event, fd, 0);
	ev_io_init(&c->session_w, session_event, -1, 0);
	ev_init(&c->timer, client_timer);
	c->client_w.data = c->session_w.data = c->timer.data = c;
	return c;
}

void
login_client_new(struct login_server *s, enum service service, int fd,
    const char *remote)
{
	unsigned char key[REMOTE_KEY_MAX];
	size_t n = remote_key(remote, key);
	struct login_count *address;
	struct login_client *c;

	address = login_count_take(s->addresses, key, n, s->max_address);
	if (address == NULL || make_room(s) == -1) {
		turn_away(service, fd, remote, address == NULL ?
		    "too many connections from there before login" :
		    "all places are taken");
		login_count_drop(s->addresses, &address);
		return;
	}
	c = client_alloc(s, service, fd);
	c->address = address;
	memcpy(c->remote, remote, strnlen(remote, sizeof(c->remote) - 1));
	c->until = clock_mono_ms() + s->talk_ms;
	list_add(c);
	if (is_implicit(service)) {
		login_dialogue_tls(c);
	} else {
		login_dialogue_greet(c);
	}
	login_client_done(c);
	if (s->changed != NULL)
		s->changed(s->clients);
}
