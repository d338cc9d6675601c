#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/login_auth.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/msg.h"
#include "lib/mail/proto.h"

enum { SLOT_BITS = 16 };

_Static_assert(LOGIN_SLOTS_MAX <= 1 << SLOT_BITS, "an id holds any slot");

/* Everybody who waits gets "later"; the channel is closed. */
static void
auth_lost(struct login_server *s)
{
	struct login_client *c;
	uint32_t i;

	ev_io_stop(s->loop, &s->auth_r);
	ev_io_stop(s->loop, &s->auth_w);
	chan_clear(&s->auth);
	for (i = 0; i < s->max; i++) {
		c = s->slot[i];
		if (c == NULL || c->ask_id == 0)
			continue;
		s->refused(c, LOGIN_LATER);
		login_client_done(c);
	}
}

static enum login_reason
reason_of(const struct msg *m)
{
	switch (msg_get_u32(m, AF_REASON)) {
	case A_BAD:
		return LOGIN_BAD;
	case A_LIMIT:
		return LOGIN_LIMIT;
	default:
		return LOGIN_LATER;
	}
}

static void
auth_answer(struct login_server *s, struct msg *m)
{
	uint32_t slot = m->id & ((1u << SLOT_BITS) - 1);
	struct login_client *c = slot < s->max ? s->slot[slot] : NULL;
	char *user;
	int fd;

	/* Who has gone meanwhile: the descriptor is closed with the message. */
	if (c == NULL || c->ask_id != m->id || m->id == 0)
		return;
	fd = msg_get_fd(m, 0);
	if (m->type == A_OK && fd != -1) {
		user = msg_get_dup(m, AF_USER);
		s->passed(c, fd, user);
		free(user);
	} else if (m->type == A_NO) {
		s->refused(c, reason_of(m));
	} else {
		log_warn("auth answered without a session");
		s->refused(c, LOGIN_LATER);
	}
	login_client_done(c);
}

static void
auth_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct login_server *s = w->data;
	struct buf why = BUF_INIT(300);
	struct msg m;
	int got = chan_read(&s->auth), r = 0;

	if (got == -1 && errno == EAGAIN)
		return;
	while (got == 1 && (r = msg_next(&m, &proto_auth, PEER_AUTH, &s->auth,
	    &why)) == 1) {
		auth_answer(s, &m);
		msg_done(&m);
	}
	if (why.len > 0)
		log_warn("auth is dropped: %s", buf_str(&why));
	buf_clear(&why);
	if (got != 1 || r == -1)
		auth_lost(s);
}

static void
auth_flush(struct login_server *s)
{
	int r = chan_flush(&s->auth);

	/* An error shows when reading, which is the place to clean up. */
	if (r == 0)
		ev_io_start(s->loop, &s->auth_w);
	else
		ev_io_stop(s->loop, &s->auth_w);
}

static void
auth_writable(struct ev_loop *loop, ev_io *w, int events)
{
	auth_flush(w->data);
}

void
login_auth_set(struct login_server *s, int fd)
{
	if (s->auth.fd != -1)
		auth_lost(s);
	chan_init(&s->auth, fd);
	ev_io_init(&s->auth_r, auth_readable, fd, EV_READ);
	ev_io_init(&s->auth_w, auth_writable, fd, EV_WRITE);
	s->auth_r.data = s->auth_w.data = s;
	ev_io_start(s->loop, &s->auth_r);
}

int
login_auth_ask(struct login_client *c)
{
	struct login_server *s = c->server;
	struct login_talk *t = c->talk;
	int r;

	if (s->auth.fd == -1)
		return -1;
	if (++s->generation >> (32 - SLOT_BITS) != 0)
		s->generation = 1;
	c->ask_id = s->generation << SLOT_BITS | c->slot;
	msg_begin(&s->auth, &proto_auth, A_AUTH, c->ask_id);
	msg_u32(&s->auth, AF_SERVICE, c->service);
	msg_bytes(&s->auth, AF_USER, buf_str(&t->user), t->user.len);
	msg_bytes(&s->auth, AF_PASSWORD, buf_str(&t->password),
	    t->password.len);
	msg_text(&s->auth, AF_REMOTE, c->remote);
	r = msg_end(&s->auth);
	buf_wipe(&t->password);
	if (r == -1) {
		c->ask_id = 0;
		return -1;
	}
	auth_flush(s);
	return 0;
}
