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

#endif
