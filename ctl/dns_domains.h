/*
 * The domains that a command about DNS looks at, with what it must read of
 * files before it gives up root.
 */
#ifndef CTL_DNS_DOMAINS_H
#define CTL_DNS_DOMAINS_H

#include "ctl/ctl.h"
#include "ctl/dns_key.h"

struct dns_domain {
	char	*domain, *alias_of;	/* NULL: it stands for itself */
	struct dns_keys keys;
};

struct dns_domains {
	struct dns_domain *d;
	size_t	 n;
};

/*
 * All of them, or the one that is named and those that stand for it. 0, or -1
 * (said). Clear it in any case.
 */
int	dns_domains_read(struct dns_domains *l, struct ctl *c,
	    const char *named) ATTR_CHECK;
void	dns_domains_clear(struct dns_domains *l);

#endif
