/*
 * Passwords of accounts, for setup too.
 */
#ifndef CTL_CMD_USER_H
#define CTL_CMD_USER_H

#include "ctl/ctl_set.h"

/*
 * Puts what is kept of a new password ("crypt=...", hash_fields) in place of
 * the old one's: adds the account's line or changes it. All other fields stay
 * as they are. 0, or -1 with why.
 */
int	table_set_password(struct set *s, const char *account,
	    const char *fields, struct buf *why) ATTR_CHECK;

#endif
