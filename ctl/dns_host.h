/*
 * What the commands about DNS must know of this instance: its name, profile,
 * ports and public addresses. Read from the configuration, so that they work
 * where nothing runs.
 */
#ifndef CTL_DNS_HOST_H
#define CTL_DNS_HOST_H

#include "ctl/ctl.h"
#include "ctl/ctl_keys.h"
#include "ctl/host_address.h"
#include "lib/mail/limits.h"
#include "lib/server/wire.h"

enum dns_profile {
	DNS_DIRECT,		/* mail comes and goes by port 25 */
	DNS_RELAY,		/* it goes through a provider */
	DNS_COLLECTOR,		/* it comes from one, too */
};

struct dns_host {
	struct keys keys;	/* each with its value, if it has one */
	char	 name[DOMAIN_MAX + 1];	/* hostname */
	enum dns_profile profile;
	unsigned port[SERVICE_COUNT];	/* of mail: the first that others reach;
					   0: none */
	struct host_addresses local;	/* of the interfaces */
	struct host_addresses outside;	/* by which others reach this host */
};

/*
 * Reads them. address: the public addresses as given by --address, or NULL:
 * then those of the key public_address, else the lasting public ones of the
 * interfaces. 0, or -1 (said). Clear it in any case.
 */
int	dns_host_load(struct dns_host *h, struct ctl *c, const char *address)
	    ATTR_CHECK;
void	dns_host_clear(struct dns_host *h);
/* The value of a key of rohrpost.conf; "" where there is no such key. */
const char *dns_host_value(const struct dns_host *h, const char *key);
/* 1 if one of the public addresses is of that family. */
int	dns_host_has(const struct dns_host *h, int family);

#endif
