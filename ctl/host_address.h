/*
 * The addresses of this host, as its interfaces have them, and which of them
 * others on the Internet can reach.
 */
#ifndef CTL_HOST_ADDRESS_H
#define CTL_HOST_ADDRESS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum { HOST_ADDRESSES_MAX = 64 };

enum address_kind {
	ADDRESS_PUBLIC,
	ADDRESS_LOOPBACK,
	ADDRESS_LINK,		/* of one link: fe80::/10, 169.254.0.0/16 */
	ADDRESS_PRIVATE,	/* RFC 1918, RFC 4193 */
	ADDRESS_SHARED,		/* 100.64.0.0/10: a provider's NAT (RFC 6598) */
	ADDRESS_DS_LITE,	/* 192.0.0.0/29 (RFC 6333, 7335) */
	ADDRESS_SPECIAL,	/* of no host: documentation, multicast ... */
};

struct host_address {
	int	 family;		/* AF_INET, AF_INET6 */
	unsigned char ip[16];		/* IPv4: the first four */
	char	 text[INET6_ADDRSTRLEN];
	enum address_kind kind;
	int	 temporary;		/* RFC 8981, or deprecated: it goes */
	int	 deprecated;		/* of IPv6: another has its place */
	int	 leased;		/* of IPv6: for a time, by a router */
	uint32_t life;			/* then: seconds that are left of it */
};

struct host_addresses {
	size_t	 n;
	struct host_address a[HOST_ADDRESSES_MAX];
};

/* Reads an address; without brackets. 0, or -1. */
int	host_address_parse(struct host_address *a, const char *p, size_t len)
	    ATTR_CHECK;
/* Sets kind and text from family and ip. */
void	host_address_judge(struct host_address *a);
/* 1 if both are the same address. */
int	host_address_same(const struct host_address *a,
	    const struct host_address *b);
/* 1 if it is in the list. */
int	host_addresses_have(const struct host_addresses *l,
	    const struct host_address *a);
/* Reads a list with blanks or commas between them. 0, or -1 with why. */
int	host_addresses_parse(struct host_addresses *l, const char *text,
	    struct buf *why) ATTR_CHECK;
/* Those of the interfaces that are up; what does not fit is left out. */
void	host_addresses_read(struct host_addresses *l);
/*
 * Messages of rtnetlink(7) about addresses: marks those that are temporary,
 * deprecated, or leased. 1: the list goes on; 0: that was its end.
 */
int	host_addresses_leases(struct host_addresses *l, const void *p,
	    size_t len);
/* The name of its PTR record, "1.2.0.192.in-addr.arpa". */
void	host_address_reverse(const struct host_address *a, struct buf *name);

#endif
