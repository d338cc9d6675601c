/*
 * Name servers that answer for names that do not exist.
 *
 * A router or a provider may answer so, with the address of a host of its own
 * that shows advertisements. Mail for a mistyped domain would go there. So once
 * an hour a name that nobody has is asked for: what it leads to is no mail
 * host. One process has one list, of PROBE_ADDRESSES of each family.
 *
 * DIAGNOSTICS: a change of what is known is said, once.
 */
#ifndef RELAY_RESOLVE_PROBE_H
#define RELAY_RESOLVE_PROBE_H

#include "lib/net/dns.h"
#include "relay/resolve_hosts.h"

enum {
	PROBE_ADDRESSES = MAIL_ADDRESSES_MAX,
	PROBE_AGE = 3600 * 1000,	/* ms that an answer holds */
	PROBE_AGAIN = 300 * 1000,	/* ms after a failure */
};

/* Who is told of such a change, too: an address, or NULL for none any more. */
void	probe_tell(void (*to)(const char *address));
/*
 * The name whose A and AAAA records are to be asked for now, beside other
 * questions; NULL while what is known is fresh. It is good until the answer.
 */
const char *probe_due(void);
void	probe_saw(enum dns_type type, const struct dns_answer *a);
/*
 * Takes from that host the addresses that names which do not exist have, too.
 * Returns how many went; text (INET6_ADDRSTRLEN) is the last of them.
 */
unsigned probe_drop(struct host *h, char *text);

#endif
