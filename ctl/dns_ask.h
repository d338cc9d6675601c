/*
 * Questions to DNS for commands of the operator: asked by libunbound in this
 * process, so that they are answered where nothing of the suite runs. An
 * answer is kept, and a question that was announced is under way while others
 * are waited for.
 *
 * What comes back is hostile, and root has no business with it: dns_ask_open
 * reads what it needs of the disk, then gives root up for good (the user of
 * resolve, its filter). Whatever a command needs of files it opens before.
 *
 * Bounds: DNS_ASK_MAX questions, DNS_ASK_MS for each, DNS_ASK_ALL_MS of
 * waiting in all; beyond that the answer is DNS_TEMP. Where the first question
 * has no answer in its time nothing more is asked.
 */
#ifndef CTL_DNS_ASK_H
#define CTL_DNS_ASK_H

#include "ctl/dns_host.h"
#include "lib/mail/spf.h"
#include "lib/net/dns.h"

enum {
	DNS_ASK_MAX = 5000,
	DNS_ASK_MS = 10 * 1000,
	DNS_ASK_ALL_MS = 120 * 1000,
};

struct dns_asked {
	enum dns_status status;
	unsigned n;		/* records */
	unsigned ttl;		/* seconds that others may keep them */
	struct buf records;	/* their rdata, packed lv */
	char	 why[100];	/* DNS_TEMP: in words */
};

/* 0, or -1 (said). The servers are those that resolve would ask. */
int	dns_ask_open(const struct dns_host *h) ATTR_CHECK;
/*
 * The same with servers and trust anchor as lib/net/dns.h has them; empty as
 * in lib/server/privdrop_program.h. 0, or -1 with why.
 */
int	dns_ask_start(const char *servers, const char *anchor, int empty,
	    struct buf *why) ATTR_CHECK;
/* Begins to ask; the answer is fetched later. */
void	dns_ask_ahead(enum dns_type type, const char *name);
/* The answer; it stays until dns_ask_close. */
const struct dns_asked *dns_question(enum dns_type type, const char *name);
void	dns_ask_close(void);

/* The next record of an answer: 1, or 0 at the end. c begins all zero. */
int	dns_asked_next(const struct dns_asked *a, struct cursor *c,
	    const unsigned char **p_r, size_t *len_r);
/* Why a question about that name had no answer. */
const char *dns_ask_why(const char *name);
/* spf_ask by these questions. */
enum spf_found dns_ask_spf(void *arg, enum spf_type type, const char *name,
	    struct buf *out);

#endif
