/*
 * The DKIM keys of a domain, as its zone is to tell them (RFC 6376 3.6).
 */
#ifndef CTL_DNS_KEY_H
#define CTL_DNS_KEY_H

#include <stddef.h>

#include "ctl/ctl.h"
#include "ctl/ctl_set.h"

struct dns_key {
	char	*selector;
	char	*record;	/* "v=DKIM1; k=rsa; p=..." */
};

struct dns_keys {
	struct dns_key *k;
	size_t	 n;
};

/*
 * The keys of the domain that sign, or are to sign. 0, or -1 with why; clear
 * it in any case.
 */
int	dns_keys_load(struct dns_keys *k, const struct ctl *c,
	    const char *domain, struct buf *why) ATTR_CHECK;
/* The same of tables that are open: k is set anew. */
void	dns_keys_take(struct dns_keys *k, const struct set *s,
	    const char *domain);
void	dns_keys_add(struct dns_keys *k, const char *selector,
	    const char *record);
void	dns_keys_clear(struct dns_keys *k);

#endif
