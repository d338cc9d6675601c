/*
 * A word with a mail server: connect, greeting, EHLO, QUIT; nothing is sent.
 * What it says is hostile and bounded; root does not listen to it
 * (ctl/dns_ask.h).
 */
#ifndef CTL_DNS_CONTACT_H
#define CTL_DNS_CONTACT_H

#include "ctl/host_address.h"
#include "lib/net/addr.h"

enum { CONTACT_MS = 10 * 1000 };	/* for all of it */

/*
 * 0: it answers as a mail server does. -1 with why, in words, which may have
 * what it said.
 */
int	dns_contact(const struct host_address *a, unsigned port,
	    const char *hostname, struct buf *why) ATTR_CHECK;

/* A connected socket, or -1 with why. */
int	contact_connect(const struct addr *a, int64_t ms, struct buf *why)
	    ATTR_CHECK;

#endif
