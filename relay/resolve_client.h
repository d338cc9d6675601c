/*
 * Those who ask resolve (proto_resolve): their channels and what they have
 * under way. A client that breaks a rule, or does not read its answers, is
 * dropped; what it had asked is cancelled.
 */
#ifndef RELAY_RESOLVE_CLIENT_H
#define RELAY_RESOLVE_CLIENT_H

#include <ev.h>

#include "lib/server/server.h"
#include "relay/resolve_hosts.h"

enum {
	CLIENT_LOOKUPS_MAX = 64,	/* of one client; more wait unread */
};

/* Who we are, asked for each look-up; it must live as long as that. */
typedef const struct self *client_self(void);

/* Takes the wire's descriptor over. */
void	client_add(struct ev_loop *loop, const struct wire *w,
	    client_self *self);
void	client_gone(struct ev_loop *loop, enum peer peer, uint32_t instance);
/* Look-ups under way, of all clients. */
unsigned client_busy(void);
/* Where not NULL: called when client_busy has become 0. */
void	client_on_quiet(void (*quiet)(void));

#endif
