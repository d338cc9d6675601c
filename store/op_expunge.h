/*
 * Requests that expunge messages.
 */
#ifndef STORE_OP_EXPUNGE_H
#define STORE_OP_EXPUNGE_H

#include "store/door_client.h"

extern const struct op op_expunge_rows[];

/* Expunges messages whose files are in the expunged folder already (uids is
   taken over). */
void	expunge_finish_files(struct mailbox *m, uint32_t *uids, size_t n);

struct call;
/*
 * Expunges those of the messages that are there (uids is taken over). c is
 * answered when they are gone durably, or cannot go; n_r, which stays until
 * then, is how many went.
 */
void	expunge_uids(struct mailbox *m, uint32_t *uids, size_t n,
	    struct call *c, size_t *n_r);

#endif
