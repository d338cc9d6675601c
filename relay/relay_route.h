/*
 * Where the mail of a destination may go: the smarthost, an address literal,
 * or what resolve answers for the domain.
 */
#ifndef RELAY_ROUTE_H
#define RELAY_ROUTE_H

#include "lib/link/resolve.h"
#include "lib/mail/result.h"
#include "relay/relay.h"

/*
 * dest as in JF_ROUTE: a domain, "[192.0.2.1]", or "" for the smarthost of
 * conf. RESULT_DELIVERED: route has at least one address. Else words say why.
 */
enum result route_find(const struct relay_conf *conf, const char *dest,
	    struct resolve_answer *route, struct buf *words) ATTR_CHECK;

#endif
