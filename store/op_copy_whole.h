/*
 * All messages of a mailbox move to another one: RENAME of INBOX.
 */
#ifndef STORE_OP_COPY_WHOLE_H
#define STORE_OP_COPY_WHOLE_H

#include "lib/mail/door.h"

struct account;
struct mailbox;

struct copy_whole_end {
	void	(*run)(struct account *a, void *arg, enum door_error e,
		    const char *words);
	void	*arg;
};
/*
 * In an account that is the caller's alone, in slices with other accounts
 * served between. Up to DOOR_COPY_UIDS_MAX messages move with one commit: all
 * of them or none. end is run when it is done, or has failed; with no messages
 * at once.
 */
void	copy_whole(struct mailbox *from, struct mailbox *to,
	    const struct copy_whole_end *end);

#endif
