/*
 * What a line of domains says of those who administer it: Unix users, and
 * groups with "@" before their names (rohrpost-domains(5)). It stands in the
 * text alone; nothing is compiled of it.
 *
 *	example.test quota=2G admins=anna,@staff
 */
#ifndef CTL_TABLE_DOMAINS_H
#define CTL_TABLE_DOMAINS_H

#include "ctl/ctl_row.h"

enum { ADMINS_MAX = 32, ADMIN_NAME_MAX = 64 };

/* Judges a list with commas, and appends it. 0, or -1 with why. */
int	domain_admins(const char *p, size_t len, struct buf *out,
	    struct buf *why) ATTR_CHECK;

#endif
