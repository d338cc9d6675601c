/*
 * The hosts of a mail domain: what MX records say, put in the order in which
 * they are to be tried (RFC 5321 section 5.1), with their addresses.
 *
 * Knows nothing of where records come from: rdata in, a packed list out. The
 * rdata is hostile; so is the number of records.
 */
#ifndef RELAY_RESOLVE_HOSTS_H
#define RELAY_RESOLVE_HOSTS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

enum { MX_MAX = 100 };		/* records looked at */

struct resolve_address {
	int	 family;		/* AF_INET, AF_INET6 */
	unsigned char octets[16];
};

struct host {
	uint32_t pref;
	char	*name;			/* lower case, no final dot */
	unsigned n;
	struct resolve_address addr[MAIL_ADDRESSES_MAX];
	int	 temp;			/* its addresses could not be asked */
};

struct hosts {
	unsigned n;
	struct host host[MX_MAX];
	int	 null_mx;	/* a record "0 ." was there (RFC 7505) */
};

/* Who we are: a mail must not be sent to ourselves. */
struct self {
	const char *hostname;
	struct resolve_address *addr;
	size_t	 n;
};

/* Empties the list. One that is all zero is empty. */
void	hosts_clear(struct hosts *h);

/*
 * Reads the uncompressed name at p as a host name: letters, digits, hyphen,
 * underscore; not ending in an all-digit label (an address in disguise). name
 * holds DOMAIN_MAX + 1. Returns 0 and the octets used; 1 for the root; -1 if
 * it is malformed.
 */
int	hosts_name(const unsigned char *p, size_t len, char *name,
	    size_t *used_r) ATTR_CHECK;
/*
 * The same of a text, which a dot may end; no label begins or ends with a
 * hyphen. 0, or -1.
 */
int	hosts_text(const char *text, char *name) ATTR_CHECK;
/*
 * Takes the rdata of an MX record (RFC 1035 3.3.9). What names no host is
 * left out; so are records past MX_MAX. A host named twice counts once, with
 * its better preference.
 */
void	hosts_add_mx(struct hosts *h, const unsigned char *rdata, size_t len);
void	hosts_add(struct hosts *h, uint32_t pref, const char *name);
/* Sorts by preference, equals in random order. */
void	hosts_order(struct hosts *h);
/* Keeps the first MAIL_HOSTS_MAX. */
void	hosts_cut(struct hosts *h);

/* Takes an A (4 octets) or AAAA (16) record of host i. */
void	hosts_add_address(struct hosts *h, unsigned i,
	    const unsigned char *rdata, size_t len);
/*
 * Drops the hosts that are ourselves, by name or address, and all that are
 * not better preferred. Returns how many went.
 */
unsigned hosts_drop_self(struct hosts *h, const struct self *self);
/* Drops the hosts without an address. Returns 1 if one of them was temp. */
int	hosts_drop_bare(struct hosts *h);

/* Appends the list as NF_HOSTS wants it, IPv6 and IPv4 taking turns. */
void	hosts_pack(const struct hosts *h, struct buf *out);

#endif
