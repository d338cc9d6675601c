/*
 * Requests that change the list of mailboxes.
 */
#ifndef STORE_OP_MAILBOX_H
#define STORE_OP_MAILBOX_H

#include "store/door_client.h"

extern const struct op op_mailbox_rows[];

/* Makes a mailbox, alone in the account; who waits is resumed, made or not.
   name is taken over, and may be one (mailbox_name_ok). */
void	mailbox_make(struct account *a, char *name, uint32_t attrs);

#endif
