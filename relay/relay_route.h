/*
 * Where the mail of a destination may go: the smarthost, an address literal,
 * or what resolve answers for the domain.
 */
#ifndef RELAY_ROUTE_H
#define RELAY_ROUTE_H

#include "lib/mail/proto.h"
#include "relay/relay.h"

/*
 * dest as in JF_DEST: a domain, "[192.0.2.1]", or "" for the smarthost of
 * conf. RESULT_DELIVERED: route has at least one address. Else words say why.
 */
enum result route_find(const struct relay_conf *conf, const char *dest,
	    struct route *route, struct buf *words) ATTR_CHECK;

/*
 * Reads a packed list of hosts (NF_HOSTS); what passes the bounds of a route
 * is left out, and so are loopback addresses where they are not allowed;
 * *local_r tells that there were some. 0, or -1 for a list that is broken.
 */
int	route_unpack(struct route *route, const void *p, size_t len,
	    unsigned port, int allow_loopback, int *local_r) ATTR_CHECK;

#endif
