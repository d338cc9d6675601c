#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_auth.h"

enum {
	PEER_WAIT = 10000,	/* ms */
	ANSWER_WAIT = 90000,	/* auth itself delays failures */
};

static int
auth_ask(struct chan *c, const struct smtp_session *s, const char *user,
    size_t user_len, const char *pass, size_t pass_len)
{
	int r;

	msg_begin(c, &proto_auth, A_AUTH, 1);
	msg_u32(c, AF_SERVICE, (uint32_t)s->service);
	msg_bytes(c, AF_USER, user, user_len);
	msg_bytes(c, AF_PASSWORD, pass, pass_len);
	msg_text(c, AF_REMOTE, s->remote);
	r = msg_end(c) == 0 && chan_send(c, PEER_WAIT) == 0 ? 0 : -1;
	if (c->out.data != NULL)
		mem_wipe(c->out.data, c->out.cap);
	return r;
}

static enum smtpd_auth
auth_answer(struct smtp_session *s, const struct msg *m)
{
	const char *p;
	size_t len;

	if (m->type == A_OK) {
		p = msg_get(m, AF_USER, &len);
		if (p == NULL || len >= sizeof(s->login))
			return AUTH_LATER;
		memcpy(s->login, p, len);
		s->login[len] = '\0';
		return AUTH_OK;
	}
	switch (msg_get_u32(m, AF_REASON)) {
	case A_BAD:
		return AUTH_BAD;
	case A_LIMIT:
		return AUTH_LIMIT;
	default:
		return AUTH_LATER;
	}
}

enum smtpd_auth
smtpd_auth(struct smtp_session *s, const char *user, size_t user_len,
    const char *pass, size_t pass_len)
{
	struct buf why = BUF_INIT(500);
	enum smtpd_auth r = AUTH_LATER;
	struct chan *c;
	struct msg m;

	/* What no account can have needs no question. */
	if (user_len == 0 || user_len > ADDRESS_MAX ||
	    pass_len > PASSWORD_MAX || !str_is_text(user, user_len) ||
	    !str_is_text(pass, pass_len))
		return AUTH_BAD;
	if ((c = server_peer(PEER_AUTH, PEER_WAIT)) == NULL) {
		log_warn("auth is away");
		return AUTH_LATER;
	}
	if (auth_ask(c, s, user, user_len, pass, pass_len) == 0 &&
	    msg_recv(&m, &proto_auth, PEER_AUTH, c, ANSWER_WAIT, &why) == 1) {
		r = auth_answer(s, &m);
		msg_done(&m);
	} else {
		log_warn("auth: %s", why.len > 0 ? buf_str(&why) :
		    strerror(errno));
		server_peer_lost(PEER_AUTH);
	}
	buf_clear(&why);
	return r;
}
