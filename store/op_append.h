/*
 * Requests that append messages.
 */
#ifndef STORE_OP_APPEND_H
#define STORE_OP_APPEND_H

#include "store/door_client.h"

struct door_record;
struct mailbox;

extern const struct op op_append_rows[];

/* A new message into the batch of its account. It gets its modseq; the row of
   the mailbox is for the caller to write. */
void	append_put(struct mailbox *m, struct door_record *rec);
/* When that is durable: it may be seen. */
void	append_show(struct mailbox *m, const struct door_record *rec);

#endif
