/*
 * What an account is granted, by all lines that say something of it
 * (ctl_grants.h has the order).
 */
#ifndef CTL_CTL_GRANTED_H
#define CTL_CTL_GRANTED_H

#include "ctl/ctl_set.h"

/* Notes at each account what its groups say; after a change of the tables. */
void	set_join(struct set *s);
/* What holds for the account of that row of users, after set_join; said tells
   what lines say, the rest are defaults. */
void	set_grants(const struct set *s, const struct row *user,
	    struct grants *g_r);

#endif
