/*
 * DNS by libunbound: questions go out, answers come back when its descriptor
 * can be read, in whatever loop that is.
 *
 * One resolver per process. dns_open reads everything from the disk (the
 * servers of resolv.conf, the trust anchor), so that nothing is opened in the
 * jail. libunbound's thread starts with the first question.
 *
 * DIAGNOSTICS: that questions fail in a row is warned of, and their end told,
 * unless dns_quiet was called; a libunbound that breaks is fatal.
 */
#ifndef LIB_NET_DNS_H
#define LIB_NET_DNS_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
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
	unsigned ttl;			/* seconds that are left of it */
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
/* Whoever asks tells of failures himself. */
void	dns_quiet(void);
/* Who hears of each question, and how it ended: answered, or cancelled. */
struct dns_watch {
	void	(*asked)(const char *name, unsigned type);
	void	(*answered)(const char *name, unsigned type, int failed,
		    int bogus);
	void	(*cancelled)(void);
};
void	dns_watch(const struct dns_watch *w);
/* What is to be waited for, to be read; -1: libunbound gives none. */
int	dns_fd(void) ATTR_CHECK;
/* Takes what has come: callbacks are called. */
void	dns_work(void);
/* NULL where it could not be asked. */
struct dns_query *dns_ask(const char *name, enum dns_type type,
	    dns_callback *done, void *arg) ATTR_CHECK;
/* The callback of that query will not be called any more. Sets *q to NULL. */
void	dns_cancel(struct dns_query **q);

#endif
