/*
 * What is wrong with the name servers, as the operator is to hear it: in the
 * log when it begins and when it is over, and in "rohrpost status" as long as
 * it lasts.
 *
 * Where a question fails, or nothing is answered for TROUBLE_SLOW seconds, each
 * server is asked itself (resolve_ask.h), at most once in TROUBLE_AGE seconds,
 * and while there is trouble as often. One server that does its work is enough:
 * libunbound finds it. What is worst is told.
 */
#ifndef RELAY_RESOLVE_TROUBLE_H
#define RELAY_RESOLVE_TROUBLE_H

#include <ev.h>

enum {
	TROUBLE_SERVERS = 8,	/* that are looked at */
	TROUBLE_SLOW = 2,
	TROUBLE_WAIT = 3,	/* seconds for answers to come */
	TROUBLE_AGE = 3,
};

/* The worst first. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_SILENT,		/* nothing is answered */
	TROUBLE_NO_EDNS,	/* no question with EDNS is */
	TROUBLE_CUT,		/* answers are cut, and TCP does not work */
	TROUBLE_UNSIGNED,	/* a trust anchor, and answers without DNSSEC */
	TROUBLE_FAILS,		/* each question fails */
	TROUBLE_LIES,		/* names that do not exist have an address */
	TROUBLES
};

/* What changed: name stands on the wire, "" where all is well. */
typedef void trouble_tell(const char *name, const char *server,
	    const char *words);

/*
 * The servers that will be asked: a list as dns_open takes it, or those of
 * /etc/resolv.conf; none for "root". Before the jail.
 */
void	trouble_open(const char *servers);
/* Watches the questions (dns_watch). */
void	trouble_start(struct ev_loop *loop, trouble_tell *tell);
/* That address is said for names which do not exist; NULL: none any more. */
void	trouble_lie(const char *address);

#endif
