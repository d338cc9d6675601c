/*
 * Messages that POP3 deleted and that are kept (pop3_keep): a session of POP3
 * does not see them any more, IMAP does, and after that time the sweep expunges
 * them (ctl_expire.c).
 */
#ifndef STORE_OP_FETCHED_H
#define STORE_OP_FETCHED_H

#include "store/door_client.h"

struct mailbox;

/* The request of a POP3 session to expunge those messages (uids is taken over):
   they are kept, and no session of POP3 sees them from then on. Answers. */
void	fetched_hide(const struct request *r, uint32_t *uids, size_t n);
/* Has the account ever kept such a message? Its row 'P' tells. 1, 0; -1: the
   index does not answer. */
int	fetched_any(struct engine_db *db, uint32_t account);
/* The row that says so, into a batch. */
void	fetched_note(struct engine_batch *b);

#endif
