/*
 * From an address to a connection that takes messages: connect, greeting,
 * TLS, login.
 */
#ifndef RELAY_CONNECT_H
#define RELAY_CONNECT_H

#include "lib/link/resolve.h"
#include "lib/mail/result.h"
#include "relay/relay.h"

enum connect {
	CONNECT_OPEN,
	CONNECT_FAILED,		/* not there, or does not want us */
	CONNECT_NO_WAY,		/* this host has no way to such addresses */
};

/*
 * Tries address i of the target. Unless it is open c is clear (nothing to
 * free) and words holds why, temporary always: a host that does not want us
 * says nothing about the message.
 */
enum connect connect_open(struct relay_client *c, const struct resolve_host *t,
	    unsigned i, const struct policy *p, struct buf *words) ATTR_CHECK;

/* A connected socket, or -1 with errno. */
int	connect_address(const struct addr *a, int64_t ms) ATTR_CHECK;

#endif
