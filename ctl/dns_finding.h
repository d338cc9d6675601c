/*
 * What is wrong, what comes of it, and what helps: in whole sentences that who
 * knows nothing of mail understands. A finding is a row of a table
 * (dns_finding.c) and the names that its sentences mention. One without a
 * consequence is a fact.
 */
#ifndef CTL_DNS_FINDING_H
#define CTL_DNS_FINDING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/ctl.h"

enum finding_code {
	FINDING_DNS_LATER,	/* what; why */
	FINDING_ADDRESS_UNKNOWN,
	FINDING_HOST_NOWHERE,
	FINDING_HOST_ELSEWHERE,	/* the address that it has; ours */
	FINDING_PTR_MISSING,	/* address */
	FINDING_PTR_OTHER,	/* address; its name */
	FINDING_PTR_UNCONFIRMED, /* address; its name */
	FINDING_NO_DELEGATION,
	FINDING_NO_MX,
	FINDING_MX_NULL,
	FINDING_MX_LITERAL,	/* address */
	FINDING_MX_CNAME,	/* host */
	FINDING_MX_NOWHERE,	/* host */
	FINDING_MX_PRIVATE,	/* host; address */
	FINDING_MX_DEAD,	/* host; why */
	FINDING_MX_ELSEWHERE,	/* where */
	FINDING_MX_HERE,	/* host */
	FINDING_ALIAS_LEFT_OUT,	/* domain that it stands for */
	FINDING_SPF_MISSING,
	FINDING_SPF_DOUBLE,	/* whose record */
	FINDING_SPF_WRONG,	/* whose record; term */
	FINDING_SPF_LOOKUPS,	/* number */
	FINDING_SPF_VOIDS,	/* number */
	FINDING_SPF_INCLUDE,	/* whose record; what it includes */
	FINDING_SPF_NOT_OURS,	/* address; result */
	FINDING_DKIM_MISSING,	/* name */
	FINDING_DKIM_OTHER,	/* name */
	FINDING_DMARC_MISSING,
	FINDING_DMARC_DOUBLE,
	FINDING_DMARC_WRONG,	/* what */
	FINDING_SRV_WRONG,	/* name; where it leads; where it should */
	/* Of doctor. */
	FINDING_STOPPED,
	FINDING_PORT_GOOD,	/* port; service */
	FINDING_PORT_DEAD,	/* port; service; why */
	FINDING_CERTIFICATE,	/* what is wrong */
	FINDING_CERTIFICATE_OWN,
	FINDING_CERTIFICATE_GOOD,
	FINDING_CLOCK,
	FINDING_DISK,		/* directory; MiB */
	FINDING_DISK_GOOD,	/* the same */
	FINDING_INODES,		/* directory; number */
	FINDING_QUEUE_OLD,	/* id; hours */
	FINDING_QUEUE_GOOD,	/* nothing; number */
	FINDING_ROUTER,		/* address */
	FINDING_NO_ROUTER,
	FINDING_PUBLIC,		/* address */
	FINDING_NAT,		/* address; ports */
	FINDING_PROVIDER_NAT,	/* address */
	FINDING_DS_LITE,	/* address */
	FINDING_IPV6,		/* address */
	FINDING_IPV6_LEASED,	/* address */
	FINDING_IPV6_CHANGES,	/* address */
	FINDING_IPV6_TEMPORARY,
	FINDING_NO_IPV6,
	FINDING_NAME_INSIDE,	/* address */
	FINDING_NAME_OTHER_INSIDE, /* address */
	FINDING_HAIRPIN_GOOD,	/* address; port */
	FINDING_HAIRPIN,	/* address; port; why */
	FINDING_OUTSIDE_GOOD,	/* port; who says so */
	FINDING_OUTSIDE_REFUSED, /* port; who says so */
	FINDING_OUTSIDE_SILENT,	/* port; who says so */
	FINDING_PROBE_FAILED,	/* who was asked; why */
	FINDING_PORT25_GOOD,	/* host */
	FINDING_PORT25_BLOCKED,	/* host; why */
	FINDING_PORT25_REFUSED,	/* host; why */
	FINDING_PORT25_UNKNOWN,
	FINDING_LISTED,		/* address; list; its answer */
	FINDING_NOT_LISTED,	/* address; list */
	FINDING_LIST_ERROR,	/* address; list; its answer */
	FINDING_VERDICT_DIRECT,	/* from here on: the verdict */
	FINDING_VERDICT_RELAY,
	FINDING_VERDICT_COLLECTOR,
	FINDING_VERDICT_UNKNOWN,
	FINDING_PROFILE_UNFIT,	/* profile; the one that fits */
	FINDING_CODES
};

struct finding {
	enum finding_code code;
	char	*domain;		/* or the host's name */
	char	*finding;
	char	*consequence, *remedy;	/* NULL: a fact, nothing is wrong */
	int64_t	 mx_ttl;		/* see findings_mx_ttl; -1 */
};

enum { FINDINGS_MAX = 10000 };

struct findings {
	struct finding *f;
	size_t	 n;
};

/* a, b, c: {2}, {3}, {4} of its sentences; {1} is the domain. */
void	finding_add(struct findings *l, enum finding_code code,
	    const char *domain, const char *a, const char *b, const char *c);
/* The same with a and a number: {2} and {3}. */
void	finding_add_number(struct findings *l, enum finding_code code,
	    const char *domain, const char *a, uint64_t n);
void	findings_clear(struct findings *l);
/* How many of the domain, from the one numbered from on, have that code. */
size_t	findings_count(const struct findings *l, size_t from,
	    const char *domain, enum finding_code code);
/* "no-mx": for JSON. */
const char *finding_name(enum finding_code code);
/* CTL_DONE: no faults. CTL_LATER: all of them may be gone soon. */
enum ctl_exit findings_exit(const struct findings *l);
/* For people: a paragraph. */
void	finding_print(const struct finding *f, FILE *out);
/* For JSON: others may keep the MX records of the domain for that many seconds. */
void	findings_mx_ttl(struct findings *l, const char *domain, uint32_t ttl);
/* 0, or -1 where writing failed. */
int	findings_json(const struct findings *l, FILE *f);

#endif
