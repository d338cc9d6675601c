/*
 * What a line of domains says beside the grants of its accounts (ctl_text.h):
 * domain_quota=SIZE[,COUNT], which all of them may hold together; and who
 * administers it: Unix users, and groups with "@" before their names
 * (rohrpost-domains(5)), which stand in the text alone: nothing is compiled of
 * them.
 *
 *	example.test domain_quota=50G quota=2G admins=anna,@staff
 */
#ifndef CTL_TABLE_DOMAINS_H
#define CTL_TABLE_DOMAINS_H

#include "ctl/ctl_grants.h"
#include "ctl/ctl_row.h"

enum { ADMINS_MAX = 32, ADMIN_NAME_MAX = 64 };

#define DOMAIN_SUM	"domain_quota=SIZE[,COUNT]"

/* Takes that word, without a value: none. 1; 0: it is another; -1 with why. */
int	domain_sum(const char *p, size_t len, uint64_t sum[GRANT_NUMBERS],
	    struct buf *why) ATTR_CHECK;
/* Appends it; nothing where there is no bound. */
void	domain_sum_print(const uint64_t sum[GRANT_NUMBERS], struct buf *out);
/* Judges a list with commas, and appends it. 0, or -1 with why. */
int	domain_admins(const char *p, size_t len, struct buf *out,
	    struct buf *why) ATTR_CHECK;

#endif
