#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/server/server.h"
#include "relay/relay_route.h"

enum {
	WIRE_WAIT = 5000,		/* ms for resolve to come back */
	ANSWER_WAIT = 45000,		/* it bounds itself below that */
};

static int
route_address(struct target *t, const char *text, size_t len, unsigned port,
    int allow_loopback, int *local_r)
{
	struct buf why = BUF_INIT(200), whole = BUF_INIT(80);
	struct addr *a = &t->addr[t->n];
	int r;

	/* addr_parse wants an IPv6 address in brackets. */
	if (memchr(text, ':', len) != NULL)
		buf_printf(&whole, "[%.*s]", (int)len, text);
	else
		buf_append(&whole, text, len);
	r = addr_parse(a, buf_str(&whole), whole.len, port, &why);
	buf_clear(&whole);
	buf_clear(&why);
	if (r == -1)
		return -1;
	if (!allow_loopback &&
	    addr_is_local((const struct sockaddr *)(const void *)&a->ss)) {
		*local_r = 1;
		return 0;
	}
	t->n++;
	return 0;
}

/*
 * Reads a packed list of hosts (NF_HOSTS); what passes the bounds of a route
 * is left out, and so are loopback addresses where they are not allowed;
 * *local_r tells that there were some. 0, or -1 for a list that is broken.
 */
static int
route_unpack(struct route *route, const void *p, size_t len, unsigned port,
    int allow_loopback, int *local_r)
{
	struct cursor c;
	struct target *t;
	const char *s;
	size_t n;
	uint32_t k;

	cursor_init(&c, p, len);
	*local_r = 0;
	route->n = 0;
	while (cursor_left(&c) > 0 && route->n < TARGETS_MAX) {
		t = &route->target[route->n];
		t->n = 0;
		(void)cursor_u32(&c);
		s = cursor_lv(&c, &n, DOMAIN_MAX);
		k = cursor_u32(&c);
		if (c.bad || k > TARGET_ADDRESSES_MAX || !str_is_text(s, n))
			return -1;
		memcpy(t->name, s, n);
		t->name[n] = '\0';
		for (; k > 0; k--) {
			s = cursor_lv(&c, &n, ADDR_TEXT_MAX);
			if (c.bad || route_address(t, s, n, port,
			    allow_loopback, local_r) == -1)
				return -1;
		}
		if (t->n > 0)
			route->n++;
	}
	return 0;
}

/* Sends the question, gets the answer: 1; else 0 and the channel is gone. */
static int
route_talk(enum n_type type, const char *name, struct msg *m, struct buf *why)
{
	struct chan *c = server_peer(PEER_RESOLVE, WIRE_WAIT);
	static uint32_t id;

	if (c == NULL)
		return 0;
	msg_begin(c, &proto_resolve, type, ++id);
	msg_text(c, NF_NAME, name);
	if (msg_end(c) == 0 && chan_send(c, WIRE_WAIT) == 0 &&
	    msg_recv(m, &proto_resolve, PEER_RESOLVE, c, ANSWER_WAIT,
	    why) == 1) {
		if (m->id == id)
			return 1;
		msg_done(m);
	}
	server_peer_lost(PEER_RESOLVE);
	return 0;
}

static enum result
route_answer(const struct msg *m, const struct relay_conf *conf,
    unsigned port, int smarthost, struct route *route, struct buf *words)
{
	size_t len;
	const char *p;
	int local;

	if (msg_get_u32(m, NF_STATUS) != N_OK) {
		p = msg_get(m, NF_WORDS, &len);
		buf_set(words, "%.*s", (int)len, p != NULL ? p : "");
		return msg_get_u32(m, NF_STATUS) == N_TEMP ? RESULT_LATER :
		    RESULT_NEVER;
	}
	p = msg_get(m, NF_HOSTS, &len);
	if (p == NULL || route_unpack(route, p, len, port, smarthost ||
	    conf->allow_loopback, &local) == -1) {
		buf_set(words, "4.4.3 resolve answered nonsense");
		return RESULT_LATER;
	}
	if (route->n > 0)
		return RESULT_DELIVERED;
	buf_set(words, local ? "5.4.6 the mail hosts of that domain have only "
	    "addresses of a host itself" : "5.4.4 no mail host has an address");
	return RESULT_NEVER;
}

static enum result
route_ask(const struct relay_conf *conf, enum n_type type, const char *name,
    unsigned port, struct route *route, struct buf *words)
{
	struct buf why = BUF_INIT(300);
	enum result r = RESULT_LATER;
	struct msg m;
	int tries;

	/* A resolve that was just restarted is worth a second question. */
	for (tries = 0; tries < 2; tries++) {
		if (!route_talk(type, name, &m, &why))
			continue;
		r = route_answer(&m, conf, port, type == N_HOST, route, words);
		msg_done(&m);
		break;
	}
	if (tries == 2)
		buf_set(words, "4.4.3 resolve does not answer: %s",
		    why.len > 0 ? buf_str(&why) : "it is away");
	buf_clear(&why);
	return r;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", and for a smarthost "[2001:db8::1]". */
static enum result
route_literal(const struct relay_conf *conf, const char *text, unsigned port,
    int smarthost, struct route *route, struct buf *words)
{
	size_t len = strlen(text), skip = 1;
	struct target *t = &route->target[0];
	int local = 0;

	if (str_ncasecmp(text, "[IPv6:", 6) == 0)
		skip = 6;
	route->n = 1;
	t->n = 0;
	if (len <= skip + 1 || text[len - 1] != ']' || route_address(t,
	    text + skip, len - skip - 1, port, smarthost ||
	    conf->allow_loopback, &local) == -1) {
		buf_set(words, "5.1.2 %s is no address", text);
		return RESULT_NEVER;
	}
	str_copy(t->name, sizeof(t->name), text + skip);
	t->name[strlen(t->name) - 1] = '\0';
	if (local) {
		buf_set(words, "5.4.6 %s is this host itself", text);
		return RESULT_NEVER;
	}
	return RESULT_DELIVERED;
}

enum result
route_find(const struct relay_conf *conf, const char *dest,
    struct route *route, struct buf *words)
{
	int smarthost = dest[0] == '\0';
	const char *name = smarthost ? conf->host : dest;
	unsigned port = (unsigned)(smarthost ? conf->port : conf->mx_port);
	enum result r;

	if (name[0] == '\0') {
		buf_set(words, "4.3.5 no smarthost is set (relay_host)");
		return RESULT_LATER;
	}
	if (name[0] == '[')
		r = route_literal(conf, name, port, smarthost, route, words);
	else
		r = route_ask(conf, smarthost ? N_HOST : N_MX, name, port,
		    route, words);
	/* A smarthost that cannot be found is the operator's to mend. */
	if (r == RESULT_NEVER && smarthost) {
		words->data[0] = '4';
		r = RESULT_LATER;
	}
	return r;
}
