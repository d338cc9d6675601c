/*
 * What the operator asks over run/store.ctl (rohrpost store check, rebuild).
 * Runs in a helper and answers as it goes.
 */
#ifndef STORE_CTL_CHECK_H
#define STORE_CTL_CHECK_H

#include "lib/base/buf.h"

/*
 * Compares the files of one user with its index. found(arg, mailbox, words)
 * is called for each finding (mailbox "" where it concerns the user). 0, or -1
 * with why where it could not be looked at.
 */
int	check_user(const char *name, const char *path, void (*found)(void *arg,
	    const char *mailbox, const char *words), void *arg,
	    struct buf *why);
/*
 * Makes the index of one user anew; 0, or -1 with why (without the name). With
 * give_up one that has neither list nor mail any more is made like a new one.
 */
int	rebuild_user(const char *name, int give_up, struct buf *why);

struct usage {
	uint64_t mailboxes, messages, size, quota_size, quota_count;
	int	 full;
};
/* 0, or -1 with why (without the name). */
int	usage_user(const char *name, struct usage *u_r, struct buf *why);

#endif
