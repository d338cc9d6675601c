/*
 * The table groups: accounts that are granted the same (groups(5)).
 *
 *   staff quota=5G : anna@example.test bert@example.test
 */
#ifndef CTL_TABLE_GROUPS_H
#define CTL_TABLE_GROUPS_H

#include "ctl/ctl_row.h"
#include "ctl/ctl_set.h"

enum { GROUP_NAME_MAX = 64 };

int	group_has(const struct row *r, const char *account) ATTR_CHECK;
/*
 * Writes the line anew, with the row's grants: without that member (NULL: with
 * all), and with more (each with a blank before it) behind. *r is the new row.
 * 0, or -1 with why.
 */
int	group_change(struct set *s, struct row **r, const char *without,
	    const char *more, struct buf *why) ATTR_CHECK;
/*
 * In every group other takes the place of the account, which is gone where
 * other is NULL. 0, or -1 with why.
 */
int	groups_replace(struct set *s, const char *account, const char *other,
	    struct buf *why) ATTR_CHECK;

#endif
