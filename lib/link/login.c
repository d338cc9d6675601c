#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/link/login.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "lib/server/server.h"

enum {
	PEER_WAIT = 10000,	/* ms */
	ANSWER_WAIT = 90000,	/* auth itself delays failures */
};

static int
send_question(struct chan *c, const struct login_question *q)
{
	int r;

	msg_begin(c, &proto_auth, A_AUTH, 1);
	msg_u32(c, AF_SERVICE, (uint32_t)q->service);
	msg_bytes(c, AF_USER, q->user, q->user_len);
	msg_bytes(c, AF_PASSWORD, q->password, q->password_len);
	msg_text(c, AF_REMOTE, q->remote);
	if (q->tls != NULL)
		msg_text(c, AF_TLS, q->tls);
	r = msg_end(c) == 0 && chan_send(c, PEER_WAIT) == 0 ? 0 : -1;
	if (c->out.data != NULL)
		mem_wipe(c->out.data, c->out.cap);
	return r;
}

static enum login_result
read_answer(const struct msg *m, struct buf *account_r)
{
	const char *p;
	size_t len;

	if (m->type == A_OK) {
		p = msg_get(m, AF_USER, &len);
		buf_reset(account_r);
		if (p == NULL || buf_append(account_r, p, len) == -1)
			return LOGIN_LATER;
		return LOGIN_OK;
	}
	switch (msg_get_u32(m, AF_REASON)) {
	case A_BAD:
		return LOGIN_BAD;
	case A_LIMIT:
		return LOGIN_LIMIT;
	case A_PROTOCOL:
		return LOGIN_PROTOCOL;
	default:
		return LOGIN_LATER;
	}
}

/* What no account can have needs no question. */
static int
is_possible(const struct login_question *q)
{
	return q->user_len > 0 && q->user_len <= ADDRESS_MAX &&
	    q->password_len <= PASSWORD_MAX &&
	    str_is_text(q->user, q->user_len) &&
	    str_is_text(q->password, q->password_len);
}

enum login_result
login_ask(const struct login_question *q, struct buf *account_r)
{
	struct buf why = BUF_INIT(500);
	enum login_result r = LOGIN_LATER;
	struct chan *c;
	struct msg m;

	if (!is_possible(q))
		return LOGIN_BAD;
	if ((c = server_peer(PEER_AUTH, PEER_WAIT)) == NULL) {
		log_warn("auth is away");
		return LOGIN_LATER;
	}
	if (send_question(c, q) == 0 &&
	    msg_recv(&m, &proto_auth, PEER_AUTH, c, ANSWER_WAIT, &why) == 1) {
		r = read_answer(&m, account_r);
		msg_done(&m);
	} else {
		log_warn("auth: %s", why.len > 0 ? buf_str(&why) :
		    strerror(errno));
		server_peer_lost(PEER_AUTH);
	}
	buf_clear(&why);
	return r;
}
