/*
 * From an address to a connection that takes messages: connect, greeting,
 * TLS, login.
 */
#ifndef RELAY_CONNECT_H
#define RELAY_CONNECT_H

#include "lib/link/resolve.h"
#include "lib/mail/result.h"
#include "relay/relay.h"

/*
 * Tries address i of the target. RESULT_DELIVERED: c is open. Else c is clear
 * (nothing to free) and words holds why; RESULT_LATER always: a host that
 * does not want us says nothing about the message.
 */
enum result connect_open(struct relay_client *c, const struct resolve_host *t,
	    unsigned i, const struct policy *p, struct buf *words) ATTR_CHECK;

#endif
