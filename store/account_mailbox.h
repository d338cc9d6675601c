/*
 * What a mailbox counts, and what of it is told.
 */
#ifndef STORE_ACCOUNT_MAILBOX_H
#define STORE_ACCOUNT_MAILBOX_H

#include "lib/mail/door.h"
#include "store/index.h"

struct mailbox;

/* The state of a mailbox that may be shown. */
uint64_t mailbox_modseq(const struct mailbox *m);
void	mailbox_status(const struct mailbox *m, struct door_mailbox *r);
/* Counts a record in (sign 1) or out (-1). */
void	mailbox_count(struct index_row *row, const struct door_record *r,
	    int sign);
/* A commit with modseqs from first on; and, when it is durable, to last. */
void	mailbox_commit_begin(struct mailbox *m, uint64_t first);
void	mailbox_commit_seen(struct mailbox *m, uint64_t last);
/* Notes the uids as expunged at modseq (rows into the batch). */
void	mailbox_log_gone(struct mailbox *m, uint64_t modseq,
	    const uint32_t *uids, size_t n);
/* Its line in the flags file is behind. */
void	mailbox_dirty(struct mailbox *m, uint32_t uid);

#endif
