/*
 * What live DNS says of the host and its domains, held against what it should.
 * Each fault is a finding. Questions go by ctl/dns_ask.h, which must be open.
 */
#ifndef CTL_DNS_CHECK_H
#define CTL_DNS_CHECK_H

#include "ctl/dns_ask.h"
#include "ctl/dns_finding.h"
#include "ctl/dns_host.h"
#include "ctl/dns_key.h"

enum {
	CHECK_MX_MAX = 20,	/* MX records looked at */
	CHECK_ADDRESSES_MAX = 4, /* addresses of one that are contacted */
	CHECK_CONTACTS_MAX = 100, /* in one run */
	CHECK_CONTACT_MS = 60 * 1000,	/* for all of them */
};

struct dns_check {
	const struct dns_host *h;
	struct findings *l;
	unsigned smtp_port;	/* of other servers: 25, but in tests */
	int	 loopback_ok;	/* as relay_allow_loopback */
	unsigned addresses;	/* of one that are contacted for port 25 */
	int64_t	 contact_ms;	/* spent on contacts */
};

void	dns_check_init(struct dns_check *c, const struct dns_host *h,
	    struct findings *l);
/* The name and the addresses of the host itself. */
void	dns_check_host(struct dns_check *c);
/* alias_of: the domain that it stands for; NULL: none. */
void	dns_check_domain(struct dns_check *c, const char *domain,
	    const char *alias_of, const struct dns_keys *keys);
/* Parts of it, in files of their own. 0; -1: nothing more can be told. */
int	dns_check_mx(struct dns_check *c, const char *domain) ATTR_CHECK;
void	dns_check_spf(struct dns_check *c, const char *domain);
void	dns_check_dkim(struct dns_check *c, const char *domain,
	    const struct dns_keys *keys);
void	dns_check_dmarc(struct dns_check *c, const char *domain);
void	dns_check_srv(struct dns_check *c, const char *domain);

enum dns_ptr {
	DNS_PTR_GOOD,
	DNS_PTR_MISSING,
	DNS_PTR_OTHER,		/* it has another name */
	DNS_PTR_UNCONFIRMED,	/* the name does not lead to the address */
	DNS_PTR_LATER,		/* no answer */
};
/* The name of an address of hostname's, whose addresses are of_host; other:
   another name that it has, or "". */
enum dns_ptr dns_check_ptr(const char *hostname, const struct host_address *a,
	    const struct host_addresses *of_host, char other[DOMAIN_MAX + 1]);

/* The addresses of a name. DNS_TEMP where none came and one may be missing. */
enum dns_status dns_check_addresses(const char *name,
	    struct host_addresses *l);
/* 1 if an MX of that name and with those addresses is this host. */
int	dns_check_is_ours(const struct dns_check *c, const char *name,
	    const struct host_addresses *l);
/* 1 if others can reach the address: it is public, or the operator says so. */
int	dns_check_reachable(const struct dns_check *c,
	    const struct host_address *a);
/* A finding that the question had no answer. */
void	dns_check_later(struct dns_check *c, const char *domain,
	    const char *what, const struct dns_asked *a);

#endif
