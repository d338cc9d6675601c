#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/link/sign.h"
#include "lib/mail/proto.h"
#include "lib/server/server.h"

enum { PEER_WAIT = 10000 };	/* ms */

static int
send_question(struct chan *c, const struct sign_question *q, uint32_t id,
    int timeout_ms)
{
	int fd = -1;

	if (q->client != -1 &&
	    (fd = fcntl(q->client, F_DUPFD_CLOEXEC, 0)) == -1)
		return -1;
	msg_begin(c, &proto_sign, S_SIGN, id);
	msg_text(c, SF_ADDRESS, q->address);
	msg_text(c, SF_SELECTOR, q->selector);
	msg_bytes(c, SF_HASH, q->hash, DKIM_HASH);
	if (fd != -1)
		msg_fd(c, fd);
	return msg_end(c) == 0 && chan_send(c, timeout_ms) == 0 ? 0 : -1;
}

static enum sign_result
read_answer(const struct msg *m, struct signature *out, struct buf *why)
{
	const char *p;
	size_t len;

	if (m->type == S_NO) {
		p = msg_get(m, SF_WORDS, &len);
		buf_set(why, "%.*s", (int)len, p != NULL ? p : "");
		return msg_get_u32(m, SF_REASON) == S_FOREIGN ? SIGN_NO :
		    SIGN_LATER;
	}
	p = msg_get(m, SF_SIGNATURE, &out->len);
	if (m->type != S_SIGNED || p == NULL)
		return SIGN_LATER;
	memcpy(out->octets, p, out->len);
	return SIGN_DONE;
}

/* The answer to that question, past those that come late to earlier ones. */
static int
recv_answer(struct chan *c, uint32_t id, int timeout_ms, struct msg *m,
    struct buf *why)
{
	int64_t left, end = clock_mono_ms() + timeout_ms;
	int n;

	for (;;) {
		left = end - clock_mono_ms();
		n = msg_recv(m, &proto_sign, PEER_SIGNER, c,
		    left > 0 ? (int)left : 0, why);
		if (n != 1 || m->id == id)
			return n;
		msg_done(m);
	}
}

/* 0, or -1: why, and errno, which is ETIMEDOUT for a channel that goes on. */
static int
talk(struct chan *c, const struct sign_question *q, int timeout_ms,
    struct msg *m, struct buf *why)
{
	static atomic_uint last;
	uint32_t id = atomic_fetch_add(&last, 1) + 1;
	int n;

	if (send_question(c, q, id, timeout_ms) == -1) {
		buf_set(why, "%s", strerror(errno));
		return -1;
	}
	errno = EBADMSG;
	n = recv_answer(c, id, timeout_ms, m, why);
	if (n == 0) {
		buf_set(why, "it went away");
		errno = EPIPE;
	}
	return n == 1 ? 0 : -1;
}

enum sign_result
sign_over(struct chan *c, const struct sign_question *q, int timeout_ms,
    struct signature *out, int *broken_r, struct buf *why)
{
	enum sign_result r;
	struct msg m;

	*broken_r = 0;
	if (talk(c, q, timeout_ms, &m, why) == -1) {
		*broken_r = errno != ETIMEDOUT;
		return SIGN_LATER;
	}
	r = read_answer(&m, out, why);
	msg_done(&m);
	return r;
}

enum sign_result
sign_ask(const struct sign_question *q, struct signature *out)
{
	struct buf why = BUF_INIT(500);
	enum sign_result r = SIGN_LATER;
	struct chan *c;
	int broken = 1, i;

	/* One that has ended leaves a channel behind that is broken. */
	for (i = 0; i < 2 && broken; i++) {
		c = server_peer(PEER_SIGNER, PEER_WAIT);
		broken = 0;
		if (c == NULL)
			buf_set(&why, "is away");
		else
			r = sign_over(c, q, PEER_WAIT, out, &broken, &why);
		if (broken)
			server_peer_lost(PEER_SIGNER);
	}
	if (r != SIGN_DONE)
		log_warn("signer: %s", buf_str(&why));
	buf_clear(&why);
	return r;
}
