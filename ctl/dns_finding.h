/*
 * What is wrong, what comes of it, and what helps: in whole sentences that who
 * knows nothing of mail understands. A finding is a row of a table
 * (dns_finding.c) and the names that its sentences mention.
 */
#ifndef CTL_DNS_FINDING_H
#define CTL_DNS_FINDING_H

#include <stddef.h>
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
	FINDING_CODES
};

struct finding {
	enum finding_code code;
	char	*domain;		/* or the host's name */
	char	*finding, *consequence, *remedy;
};

enum { FINDINGS_MAX = 10000 };

struct findings {
	struct finding *f;
	size_t	 n;
};

/* a, b, c: {2}, {3}, {4} of its sentences; {1} is the domain. */
void	finding_add(struct findings *l, enum finding_code code,
	    const char *domain, const char *a, const char *b, const char *c);
void	findings_clear(struct findings *l);
/* How many of the domain, from the one numbered from on, have that code. */
size_t	findings_count(const struct findings *l, size_t from,
	    const char *domain, enum finding_code code);
/* "no-mx": for JSON. */
const char *finding_name(enum finding_code code);
/* CTL_DONE: none. CTL_LATER: all of them may be gone soon. */
enum ctl_exit findings_exit(const struct findings *l);
/* For people: a paragraph each. */
void	findings_print(const struct findings *l, FILE *f);
/* 0, or -1 where writing failed. */
int	findings_json(const struct findings *l, FILE *f);

#endif
