/*
 * How full a domain is its postmaster is told, as a user is (account_warn.h): at
 * 80 and at 95 percent, each once until usage has fallen below, by a message in
 * the INBOX of each account that postmaster@domain leads to. Row 'w' of that
 * account (index.h) says what was told.
 */
#ifndef STORE_SUM_WARN_H
#define STORE_SUM_WARN_H

#include "lib/base/attr.h"
#include "store/warn_text.h"

/*
 * Under the lock of the sums: has the accounts told, in their shards; each says
 * so by sum_told. How many; 0: there is none; -1: not now.
 */
int	sum_warn(const char *domain, const struct warn_usage *u, int level)
	    ATTR_CHECK;

#endif
