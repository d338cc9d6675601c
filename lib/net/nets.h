/*
 * Networks as an operator writes them: "192.0.2.0/24 [2001:db8::]/32 ::1",
 * separated by blanks or commas. An address without a length is that host
 * alone. Numbers only: nothing here asks DNS.
 *
 * DIAGNOSTICS: what is wrong with a text is said in why; nothing warns.
 */
#ifndef LIB_NET_NETS_H
#define LIB_NET_NETS_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum { NETS_MAX = 64 };		/* networks of one list */

struct nets {
	size_t	 n;
	struct net {
		unsigned char ip[16];	/* IPv4: the first four */
		int	 v6;
		unsigned bits;		/* of its prefix */
	} list[NETS_MAX];
};

/*
 * Reads a list; an empty text is an empty one. A network whose address has
 * bits set behind its length is refused: two can be meant. 0, or -1 with why.
 */
int	nets_parse(struct nets *l, const char *text, struct buf *why)
	    ATTR_CHECK;
/*
 * 1 where the address (as addr_print_ip prints it) is in one of them. What is
 * no address is in none.
 */
int	nets_have(const struct nets *l, const char *ip) ATTR_CHECK;

#endif
