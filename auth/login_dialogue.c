#include <errno.h>
#include <string.h>

#include "auth/login_auth.h"
#include "auth/login_dialogue.h"
#include "auth/login_imap.h"
#include "auth/login_proxy.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

enum { READ_SIZE = 4096 };

static void
talk_timer(struct login_client *c)
{
	login_client_timer(c, c->until - clock_mono_ms());
}

void
login_dialogue_tls(struct login_client *c)
{
	SSL_CTX *ctx = login_protocol_of(c->service) == &login_imap ?
	    c->server->imap : c->server->pop3;

	c->state = LOGIN_HANDSHAKE;
	login_client_timer(c, LOGIN_TLS_MS);
	if (login_io_tls(&c->io, ctx) == -1)
		c->state = LOGIN_DEAD;
}

static void
ask(struct login_client *c)
{
	c->state = LOGIN_WAIT;
	login_client_timer(c, LOGIN_ASK_MS);
	if (login_auth_ask(c) == -1)
		login_dialogue_refused(c, LOGIN_LATER);
}

/* Works through what was read, unless the client takes no answers. */
void
login_dialogue_run(struct login_client *c)
{
	enum login_want want;

	if (c->io.tx.len > 0)
		return;
	want = login_talk_run(c->talk);
	login_client_say(c);
	if (c->state == LOGIN_DEAD)
		return;
	if (want == LOGIN_TLS)
		login_dialogue_tls(c);
	else if (want == LOGIN_ASK)
		ask(c);
	else if (want == LOGIN_END)
		login_client_end(c);
	else if (c->client_ended)
		c->state = LOGIN_DEAD;
}

void
login_dialogue_refused(struct login_client *c, enum login_reason why)
{
	enum login_want want;

	c->ask_id = 0;
	c->state = LOGIN_TALK;
	talk_timer(c);
	want = login_talk_refused(c->talk, why);
	login_client_say(c);
	if (c->state == LOGIN_DEAD)
		return;
	if (want == LOGIN_END)
		login_client_end(c);
	else
		login_dialogue_run(c);
}

void
login_dialogue_passed(struct login_client *c, int fd, const char *user)
{
	struct login_server *s = c->server;
	struct login_talk *t = c->talk;

	c->ask_id = 0;
	c->user = login_count_take(s->users, user, strlen(user), s->max_user);
	if (c->user == NULL || fd_nonblock(fd, 1) == -1) {
		log_warn("%s from %s: too many connections of one user", user,
		    c->remote);
		fd_close(&fd);
		login_dialogue_refused(c, LOGIN_SESSIONS);
		return;
	}
	login_talk_passed(t);
	login_client_say(c);
	if (c->state == LOGIN_DEAD) {
		fd_close(&fd);
		return;
	}
	login_client_unlist(c);
	login_count_drop(s->addresses, &c->address);
	(void)buf_append(&c->rx, t->in.data, t->in.len);
	login_talk_free(&c->talk);
	c->session = fd;
	c->state = LOGIN_PROXY;
	login_proxy_start(c);
}

/* Reads what is there; in WAIT for the session to come, within the bound. */
void
login_dialogue_read(struct login_client *c)
{
	struct buf *in;
	size_t room;
	ssize_t n;

	while (c->state == LOGIN_TALK || c->state == LOGIN_WAIT) {
		in = &c->talk->in;
		room = LOGIN_IN_MAX - in->len;
		if (room > READ_SIZE)
			room = READ_SIZE;
		if (room == 0 || !login_client_wants_input(c) ||
		    buf_reserve(in, room) == -1)
			return;
		n = login_io_read(&c->io, in->data + in->len, room);
		if (n == -1 && errno == EAGAIN) {
			/* Who is silent holds no buffer. */
			if (in->len == 0)
				buf_wipe(in);
			return;
		}
		if (n == -1) {
			c->state = LOGIN_DEAD;
			return;
		}
		if (n == 0)
			c->client_ended = 1;
		in->len += (size_t)n;
		in->data[in->len] = '\0';
		if (c->state == LOGIN_TALK)
			login_dialogue_run(c);
	}
}

void
login_dialogue_handshake(struct login_client *c)
{
	struct buf why = BUF_INIT(300);
	int r = login_io_handshake(&c->io, &why);

	if (r == -1) {
		log_debug("%s (%s): %s", c->remote, service_name(c->service),
		    buf_str(&why));
		c->state = LOGIN_DEAD;
	}
	buf_clear(&why);
	if (r != 1)
		return;
	if (c->talk == NULL) {
		c->talk = login_talk_new(login_protocol_of(c->service), 1);
		login_talk_greet(c->talk);
	} else {
		login_talk_tls(c->talk);
	}
	c->state = LOGIN_TALK;
	talk_timer(c);
	login_client_say(c);
	/* The first command may have come with the end of the handshake. */
	login_dialogue_read(c);
}

void
login_dialogue_greet(struct login_client *c)
{
	c->state = LOGIN_TALK;
	c->talk = login_talk_new(login_protocol_of(c->service), 0);
	login_talk_greet(c->talk);
	talk_timer(c);
	login_client_say(c);
}
