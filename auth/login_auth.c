#include <stdlib.h>

#include "auth/login_auth.h"
#include "lib/base/log.h"
#include "lib/mail/proto.h"
#include "lib/net/tls.h"

enum { SLOT_BITS = 16 };

_Static_assert(LOGIN_SLOTS_MAX <= 1 << SLOT_BITS, "an id holds any slot");

/* Everybody who waits gets "later". */
static void
refuse_waiting(struct login_server *s)
{
	struct login_client *c;
	uint32_t i;

	for (i = 0; i < s->max; i++) {
		c = s->slot[i];
		if (c == NULL || c->ask_id == 0)
			continue;
		s->refused(c, LOGIN_LATER);
		login_client_done(c);
	}
}

static void
auth_lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	refuse_waiting(l->owner);
}

static enum login_reason
reason_of(const struct msg *m)
{
	switch (msg_get_u32(m, AF_REASON)) {
	case A_BAD:
		return LOGIN_BAD;
	case A_LIMIT:
		return LOGIN_LIMIT;
	case A_SESSIONS:
		return LOGIN_SESSIONS;
	case A_PROTOCOL:
		return LOGIN_PROTOCOL;
	default:
		return LOGIN_LATER;
	}
}

static int
auth_answer(struct link *l, struct msg *m, struct buf *why)
{
	struct login_server *s = l->owner;
	uint32_t slot = m->id & ((1u << SLOT_BITS) - 1);
	struct login_client *c = slot < s->max ? s->slot[slot] : NULL;
	char *user;
	int fd;

	/* Who has gone meanwhile: the descriptor is closed with the message. */
	if (c == NULL || c->ask_id != m->id || m->id == 0)
		return 0;
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
	return 0;
}

static const struct link_kind answerer = {
	.proto = &proto_auth,
	.message = auth_answer,
	.lost = auth_lost,
	.secret = 1,	/* passwords */
};

void
login_auth_init(struct login_server *s)
{
	link_init(&s->auth, s->loop, &answerer, s);
}

void
login_auth_set(struct login_server *s, int fd)
{
	if (link_is_open(&s->auth)) {
		link_clear(&s->auth);
		refuse_waiting(s);
	}
	link_open(&s->auth, PEER_AUTH, 0, fd);
}

int
login_auth_ask(struct login_client *c)
{
	struct login_server *s = c->server;
	struct login_talk *t = c->talk;
	char tls[AUTH_TLS_MAX + 1];
	struct chan *ch;
	int r;

	if (!link_is_open(&s->auth))
		return -1;
	if (++s->generation >> (32 - SLOT_BITS) != 0)
		s->generation = 1;
	c->ask_id = s->generation << SLOT_BITS | c->slot;
	ch = link_begin(&s->auth, A_AUTH, c->ask_id);
	msg_u32(ch, AF_SERVICE, c->service);
	msg_bytes(ch, AF_USER, buf_str(&t->user), t->user.len);
	msg_bytes(ch, AF_PASSWORD, buf_str(&t->password), t->password.len);
	msg_text(ch, AF_REMOTE, c->remote);
	if (c->io.ssl != NULL)
		msg_text(ch, AF_TLS, tls_describe(c->io.ssl, tls,
		    sizeof(tls)));
	r = msg_end(ch);
	buf_wipe(&t->password);
	if (r == -1) {
		c->ask_id = 0;
		return -1;
	}
	link_flush(&s->auth);
	return 0;
}
