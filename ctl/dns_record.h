/*
 * The records that a domain is to have in DNS, made from what the instance is.
 * What cannot be known here (the SPF of a provider) has no value and a note
 * that says who knows it.
 */
#ifndef CTL_DNS_RECORD_H
#define CTL_DNS_RECORD_H

#include <stddef.h>

#include "ctl/dns_host.h"
#include "ctl/dns_key.h"

enum {
	DNS_TTL = 3600,		/* seconds; of each record */
	DNS_STRING_MAX = 255,	/* octets of one string of a TXT (RFC 1035) */
};

struct dns_record {
	const char *type;	/* "MX" */
	char	*name;		/* without a final dot */
	char	*value;		/* a name without it, too; NULL: unknown */
	int	 priority, weight, port;	/* -1: has none */
	int	 is_name;	/* the value is a name */
	int	 needed;	/* mail suffers without it */
	const char *note;	/* in the operator's language, or NULL */
};

struct dns_records {
	struct dns_record *r;
	size_t	 n;
};

/* For the domain (A-labels), with its DKIM keys. */
void	dns_records_make(struct dns_records *l, const struct dns_host *h,
	    const char *domain, const struct dns_keys *keys);
void	dns_records_clear(struct dns_records *l);

/* The name of the service in SRV records (RFC 6186, 8314): "_imaps"; NULL. */
const char *dns_service(enum service s);
/*
 * Appends the line for a zone file, without LF: names end in a dot, a text is
 * quoted and split. What is not known is a comment.
 */
void	dns_record_zone(const struct dns_record *r, struct buf *out);
/*
 * What a form of a provider wants as the name: "@", "_dmarc", "mail"; NULL:
 * the record belongs into another zone. The result is in out, or static.
 */
const char *dns_record_host(const struct dns_record *r, const char *domain,
	    struct buf *out);

#endif
