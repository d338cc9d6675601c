/*
 * What the rdata of DNS records says (RFC 1035 3.3, RFC 2782). The octets are
 * hostile. Names come out in lower case without a final dot, "" for the root;
 * octets that no name of a host has are shown as "?".
 */
#ifndef CTL_DNS_RR_H
#define CTL_DNS_RR_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/limits.h"

struct dns_srv {
	unsigned priority, weight, port;
	char	 target[DOMAIN_MAX + 1];
};

/* An uncompressed name that fills the octets. 0, or -1: malformed. */
int	dns_rr_name(const unsigned char *p, size_t len,
	    char name[DOMAIN_MAX + 1]) ATTR_CHECK;
int	dns_rr_mx(const unsigned char *p, size_t len, unsigned *pref_r,
	    char name[DOMAIN_MAX + 1]) ATTR_CHECK;
int	dns_rr_srv(const unsigned char *p, size_t len, struct dns_srv *s)
	    ATTR_CHECK;
/* Appends the strings of a TXT, joined. */
int	dns_rr_txt(const unsigned char *p, size_t len, struct buf *out)
	    ATTR_CHECK;

#endif
