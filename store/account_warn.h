/*
 * A user whose mailbox gets full is told at 80 and at 95 percent of the quota:
 * by a message in INBOX, which passes the quota. Each once, until usage has
 * fallen below; row 'W' of the account (index.h) says what was told, and is
 * committed with the message, so that a crash neither loses nor repeats one.
 * A bound below WARN_SIZE_MIN octets or WARN_COUNT_MIN messages, which the
 * warning itself would fill, has none.
 */
#ifndef STORE_ACCOUNT_WARN_H
#define STORE_ACCOUNT_WARN_H

#include "store/warn_text.h"

struct account;

enum {
	WARN_PERCENT = 80, WARN_PERCENT_MORE = 95,
	WARN_SIZE_MIN = 1 << 20, WARN_COUNT_MIN = 100,
};

/* 0; 1: 80 percent; 2: 95, of the bounds that are not too small. */
int	warn_level(const struct warn_usage *u);
/* Usage has changed, in the finish of a task. */
void	quota_warn(struct account *a);

enum warned { WARNED_NOT, WARNED_DONE, WARNED_BEGUN };
/*
 * The account is to be told how full that domain is, unless it was. BEGUN:
 * sum_told says how it went.
 */
enum warned domain_warn(struct account *a, const char *domain,
	    const struct warn_usage *u, int level);

#endif
