#include <string.h>

#include "lib/base/str.h"
#include "relay/relay_route.h"

/*
 * Leaves out loopback addresses, and hosts that have no others. Returns how
 * many addresses went.
 */
static unsigned
drop_local(struct resolve_answer *route)
{
	struct resolve_host *h;
	unsigned i, k, n, hosts = 0, gone = 0;

	for (i = 0; i < route->n; i++) {
		h = &route->host[i];
		for (k = n = 0; k < h->n; k++)
			if (!addr_is_local((const struct sockaddr *)
			    (const void *)&h->addr[k].ss))
				h->addr[n++] = h->addr[k];
		gone += h->n - n;
		h->n = n;
		if (n > 0 && hosts++ < i)
			route->host[hosts - 1] = *h;
	}
	route->n = hosts;
	return gone;
}

static enum result
route_ask(const struct relay_conf *conf, enum n_type type, const char *name,
    unsigned port, struct resolve_answer *route, struct buf *words)
{
	enum n_status r = resolve_ask(type, name, port, route, words);

	if (r != N_OK)
		return r == N_TEMP ? RESULT_LATER : RESULT_NEVER;
	if (type == N_HOST || conf->allow_loopback ||
	    drop_local(route) == 0 || route->n > 0)
		return RESULT_DELIVERED;
	buf_set(words, "5.4.6 the mail hosts of that domain have only "
	    "addresses of a host itself");
	return RESULT_NEVER;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", and for a smarthost "[2001:db8::1]". */
static enum result
route_literal(const struct relay_conf *conf, const char *text, unsigned port,
    int smarthost, struct resolve_answer *route, struct buf *words)
{
	size_t len = strlen(text), skip = 1;
	struct resolve_host *h = &route->host[0];

	if (str_ncasecmp(text, "[IPv6:", 6) == 0)
		skip = 6;
	if (len <= skip + 1 || text[len - 1] != ']' ||
	    addr_of_ip(&h->addr[0], text + skip, len - skip - 1, port) == -1) {
		buf_set(words, "5.1.2 %s is no address", text);
		return RESULT_NEVER;
	}
	route->n = h->n = 1;
	str_copy(h->name, sizeof(h->name), text + skip);
	h->name[strlen(h->name) - 1] = '\0';
	if (smarthost || conf->allow_loopback || drop_local(route) == 0)
		return RESULT_DELIVERED;
	buf_set(words, "5.4.6 %s is this host itself", text);
	return RESULT_NEVER;
}

enum result
route_find(const struct relay_conf *conf, const char *dest,
    struct resolve_answer *route, struct buf *words)
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
