/*
 * Traces of what an account had before.
 */
#ifndef STORE_ACCOUNT_EVIDENCE_H
#define STORE_ACCOUNT_EVIDENCE_H

#include <stdint.h>

struct account;

struct traces {
	int	 unread;		/* the index does not answer */
	uint32_t messages;		/* in the index */
	uint32_t highest_id;		/* of a mailbox there */
	uint32_t last_uidvalidity;	/* of an account that was removed */
	int	 files;			/* folders are not empty; -1: errno */
};
void	traces_read(const struct account *a, struct traces *t);
int	traces_list_missing(const struct account *a);
/* 1 where a mailbox of the list is new to the index but not empty. */
int	traces_unknown(const struct account *a);

#endif
