/*
 * One question to one name server, without libunbound, which says of all
 * trouble no more than that it failed: what of it comes through? By UDP a name
 * that every server can answer (".") and the one that was asked for, each with
 * EDNS (RFC 6891) and without; by TCP the latter where an answer is cut.
 *
 * Only whether something is answered counts, not what: replies are matched by
 * their id and the connected socket, and read no further than their header.
 */
#ifndef RELAY_RESOLVE_ASK_H
#define RELAY_RESOLVE_ASK_H

#include <ev.h>

#include "lib/net/addr.h"

enum ask_seen {
	ASK_ROOT = 1,		/* an answer for the root, without EDNS */
	ASK_ROOT_EDNS = 2,
	ASK_NAME = 4,
	ASK_NAME_EDNS = 8,
	ASK_CUT = 16,		/* one was cut (TC) */
	ASK_TCP = 32,		/* and came whole by TCP */
	ASK_TCP_FAILED = 64,	/* or not: refused, closed */
};

enum { ASK_QUERY_MAX = 512 };

struct ask {
	struct addr addr;
	unsigned seen;		/* of enum ask_seen */

	/* resolve_ask.c's own. */
	struct ev_loop *loop;
	int	 udp, tcp;
	ev_io	 on_udp, on_tcp;
	unsigned id;
	unsigned char query[2 + ASK_QUERY_MAX];	/* by TCP, with its length */
	size_t	 len;
};

/* Sends the questions; a name that is none of the DNS is left out. */
void	ask_start(struct ask *a, struct ev_loop *loop, const char *name,
	    unsigned type);
/* Sends those again that were not answered: a datagram may be lost. */
void	ask_again(struct ask *a, const char *name, unsigned type);
/* True where nothing more is to come. */
int	ask_is_done(const struct ask *a);
void	ask_stop(struct ask *a);

#endif
