/*
 * A word with a mail server: connect, greeting, EHLO, QUIT; nothing is sent.
 * What it says is hostile and bounded; root does not listen to it
 * (ctl/dns_ask.h).
 */
#ifndef CTL_DNS_CONTACT_H
#define CTL_DNS_CONTACT_H

#include "ctl/host_address.h"

enum { CONTACT_MS = 10 * 1000 };	/* for all of it */

enum contacted {
	CONTACT_GOOD,
	CONTACT_LATER,	/* a mail server says 4yz (RFC 5321 4.2.1) */
	CONTACT_REFUSED,	/* it says 5yz: not to this machine */
	CONTACT_NONE,	/* nobody answers, or no mail server */
};

/* What answers there; where it is not good with why, in words, which may have
   what it said. */
enum contacted dns_contact(const struct host_address *a, unsigned port,
	    const char *hostname, struct buf *why) ATTR_CHECK;

#endif
