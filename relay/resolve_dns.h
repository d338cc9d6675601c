/*
 * libunbound under libev: questions go out, answers come back on the loop.
 *
 * One resolver per process. dns_open reads everything from the disk (the
 * servers of resolv.conf, the trust anchor), so that nothing is opened in the
 * jail; dns_start, in the jail, hangs it into the loop. libunbound's thread
 * starts with the first question.
 */
#ifndef RELAY_RESOLVE_DNS_H
#define RELAY_RESOLVE_DNS_H

#include <ev.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum dns_type {
	DNS_A = 1,
	DNS_MX = 15,
	DNS_AAAA = 28,
};

enum dns_status {
	DNS_OK,			/* there are records */
	DNS_NODATA,		/* the name exists, such records do not */
	DNS_NXDOMAIN,
	DNS_TEMP,		/* SERVFAIL, silence, a bogus signature ... */
};

struct dns_answer {
	enum dns_status status;
	unsigned n;
	unsigned char *const *data;	/* rdata, uncompressed */
	const int *len;
	int	 secure;		/* validated by DNSSEC */
	const char *why;		/* DNS_TEMP: in words */
};

struct dns_query;

/* q is done with when the call returns. */
typedef void dns_callback(void *arg, struct dns_query *q,
	    const struct dns_answer *a);

/*
 * servers is a list "addr@port addr", "" for those of resolv.conf; anchor a
 * file with DS or DNSKEY records, "" for no DNSSEC. 0, or -1 with why.
 */
int	dns_open(const char *servers, const char *anchor, struct buf *why)
	    ATTR_CHECK;
/* Are those servers and that anchor such that dns_open takes them? The same. */
int	dns_check(const char *servers, const char *anchor, struct buf *why)
	    ATTR_CHECK;
int	dns_start(struct ev_loop *loop) ATTR_CHECK;
/* NULL where it could not be asked. */
struct dns_query *dns_ask(const char *name, enum dns_type type,
	    dns_callback *done, void *arg) ATTR_CHECK;
/* The callback of that query will not be called any more. Sets *q to NULL. */
void	dns_cancel(struct dns_query **q);

#endif
