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

struct account;

enum {
	WARN_PERCENT = 80, WARN_PERCENT_MORE = 95,
	WARN_SIZE_MIN = 1 << 20, WARN_COUNT_MIN = 100,
};

/* Usage has changed, in the finish of a task. */
void	quota_warn(struct account *a);

#endif
