/*
 * A question to resolve, for the blocking shape of process: which hosts take
 * the mail of a domain, which addresses has a host? (lib/mail/proto.h,
 * proto_resolve.) resolve bounds its answer to half a minute; where it is away
 * this waits a little, and a resolve that was just restarted is asked again.
 *
 * Addresses of this host itself, and loopback, are in the answer where DNS
 * says so: whether they may be used is the caller's to judge.
 *
 * The channel is server_peer(PEER_RESOLVE). What comes there unasked is its
 * end: the program's input hook calls server_peer_lost.
 *
 * DIAGNOSTICS: none; the words are for a person and begin with an enhanced
 * status code ("4.4.3 resolve does not answer").
 */
#ifndef LIB_LINK_RESOLVE_H
#define LIB_LINK_RESOLVE_H

#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "lib/net/addr.h"

/* A host and its addresses, port included; at least one. */
struct resolve_host {
	char	 name[DOMAIN_MAX + 1];
	unsigned n;
	struct addr addr[MAIL_ADDRESSES_MAX];
};

/* Large (25 kB): not for the stack. */
struct resolve_answer {
	unsigned n;
	struct resolve_host host[MAIL_HOSTS_MAX];	/* to be tried in turn */
	int	 secure;	/* all of it was DNSSEC-validated */
};

/*
 * type is N_MX or N_HOST. N_OK: at least one host, each address with that
 * port. Else words are set; N_TEMP too where resolve is away or breaks the
 * protocol.
 */
enum n_status resolve_ask(enum n_type type, const char *name, unsigned port,
	    struct resolve_answer *a_r, struct buf *words);

#endif
