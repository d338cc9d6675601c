#include <string.h>

#include "lib/base/str.h"
#include "lib/link/resolve.h"
#include "lib/server/server.h"

enum {
	PEER_WAIT = 5000,	/* ms for resolve to come back */
	ANSWER_WAIT = 45000,	/* it bounds itself below that */
};

/* Sends the question, gets the answer: 1; else 0 and the channel is gone. */
static int
talk(enum n_type type, const char *name, struct msg *m, struct buf *why)
{
	struct chan *c = server_peer(PEER_RESOLVE, PEER_WAIT);
	static uint32_t id;

	if (c == NULL)
		return 0;
	msg_begin(c, &proto_resolve, type, ++id);
	msg_text(c, NF_NAME, name);
	if (msg_end(c) == 0 && chan_send(c, PEER_WAIT) == 0 &&
	    msg_recv(m, &proto_resolve, PEER_RESOLVE, c, ANSWER_WAIT,
	    why) == 1) {
		if (m->id == id)
			return 1;
		msg_done(m);
	}
	server_peer_lost(PEER_RESOLVE);
	return 0;
}

/* One host of NF_HOSTS. 0, or -1. */
static int
unpack_host(struct cursor *c, struct resolve_host *h, unsigned port)
{
	const char *s;
	size_t len;
	uint32_t n;

	(void)cursor_u32(c);	/* the preference: they are in order */
	s = cursor_lv(c, &len, DOMAIN_MAX);
	n = cursor_u32(c);
	if (c->bad || n > MAIL_ADDRESSES_MAX || !str_is_text(s, len))
		return -1;
	memcpy(h->name, s, len);
	h->name[len] = '\0';
	for (h->n = 0; h->n < n; h->n++) {
		s = cursor_lv(c, &len, ADDR_TEXT_MAX);
		if (c->bad || addr_of_ip(&h->addr[h->n], s, len, port) == -1)
			return -1;
	}
	return 0;
}

/* Past MAIL_HOSTS_MAX the rest is left out. 0, or -1: malformed. */
static int
unpack(const struct msg *m, unsigned port, struct resolve_answer *a)
{
	struct cursor c;
	const char *p;
	size_t len;

	a->n = 0;
	a->secure = msg_get_u32(m, NF_SECURE) != 0;
	p = msg_get(m, NF_HOSTS, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0 && a->n < MAIL_HOSTS_MAX) {
		if (unpack_host(&c, &a->host[a->n], port) == -1)
			return -1;
		a->n += a->host[a->n].n > 0;
	}
	return 0;
}

static enum n_status
read_answer(const struct msg *m, unsigned port, struct resolve_answer *a,
    struct buf *words)
{
	uint32_t status = msg_get_u32(m, NF_STATUS);
	const char *p;
	size_t len;

	if (status != N_OK) {
		p = msg_get(m, NF_WORDS, &len);
		buf_set(words, "%.*s", (int)len, p != NULL ? p : "");
		return status < N_TEMP ? (enum n_status)status : N_TEMP;
	}
	if (unpack(m, port, a) == -1) {
		buf_set(words, "4.4.3 resolve answered nonsense");
		return N_TEMP;
	}
	if (a->n > 0)
		return N_OK;
	buf_set(words, "5.4.4 no mail host has an address");
	return N_NO_ADDRESS;
}

enum n_status
resolve_ask(enum n_type type, const char *name, unsigned port,
    struct resolve_answer *a, struct buf *words)
{
	struct buf why = BUF_INIT(300);
	enum n_status r = N_TEMP;
	struct msg m;
	int tries;

	for (tries = 0; tries < 2; tries++) {
		if (!talk(type, name, &m, &why))
			continue;
		r = read_answer(&m, port, a, words);
		msg_done(&m);
		break;
	}
	if (tries == 2)
		buf_set(words, "4.4.3 resolve does not answer: %s",
		    why.len > 0 ? buf_str(&why) : "it is away");
	buf_clear(&why);
	return r;
}
