/*
 * Asks another Rohrpost which ports of this host answer from there
 * (lib/mail/probe.h). What comes back is hostile: root does not read it
 * (ctl/dns_ask.h, which must be open, for the name of the other).
 */
#ifndef CTL_PROBE_ASK_H
#define CTL_PROBE_ASK_H

#include "ctl/dns_host.h"
#include "lib/mail/probe.h"
#include "lib/mail/trick.h"
#include "lib/net/addr.h"

struct probe_answer {
	unsigned n;
	struct {
		unsigned port;
		enum probe_state state;
	} p[PROBE_PORTS_MAX];
};

struct probe_tricks {
	struct host_address at;		/* where they were tried */
	struct probe_trick {
		enum trick_verdict verdict;
		char	 said[TRICK_REPLY_MAX + 1];
	} t[TRICKS_MAX];
};

/*
 * Where is "host:port", "192.0.2.1:port", "[2001:db8::1]:port". 0, or -1 with
 * why: nobody is there, or he does not answer as a probe does.
 */
int	probe_ask(const char *where, const unsigned *port, unsigned n,
	    struct probe_answer *a, struct buf *why) ATTR_CHECK;
/*
 * Has it try the tricks (lib/mail/trick.h) on that port of ours; domain and
 * name are ours. a begins as TRICK_UNTRIED. 0, or -1 with why.
 */
int	probe_ask_tricks(const char *where, unsigned port, const char *domain,
	    const char *name, struct probe_tricks *a, struct buf *why)
	    ATTR_CHECK;
/* A connection to one of the host's addresses, to_r; -1 with why. */
int	probe_reach(const char *host, unsigned port, struct addr *to_r,
	    struct buf *why) ATTR_CHECK;
/* 0, or -1 with why: it has not that form. */
int	probe_where(const char *where, char host[DOMAIN_MAX + 1],
	    unsigned *port, struct buf *why) ATTR_CHECK;
/* The ports of mail that others reach here. How many. */
unsigned probe_own_ports(const struct dns_host *h,
	    unsigned port[PROBE_PORTS_MAX]);

#endif
