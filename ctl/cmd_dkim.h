/*
 * What set-up shares with the commands about DKIM.
 */
#ifndef CTL_CMD_DKIM_H
#define CTL_CMD_DKIM_H

#include "ctl/ctl_set.h"

struct dkim_wish {
	const char *selector;	/* NULL: today's date */
	int	 rsa, ed25519;	/* of which kinds */
	unsigned bits;		/* of RSA */
};

/*
 * Adds new keys of the domain to the table. With both kinds, and where no
 * selector is wished, it gets "-rsa" and "-ed" behind it. 0, or -1 with why.
 */
int	dkim_new(struct set *s, const char *domain, const struct dkim_wish *w,
	    struct buf *why) ATTR_CHECK;

#endif
