/*
 * Rows of mailboxes that are no more.
 */
#ifndef STORE_ACCOUNT_ORPHANS_H
#define STORE_ACCOUNT_ORPHANS_H

#include <stdint.h>

#include "lib/base/attr.h"

struct account;

/* Begins to delete the rows of mailboxes that are not in the list.
   0; -1: the index does not answer. */
int	leftover_delete(struct account *a) ATTR_CHECK;
/*
 * Those of one mailbox, in slices with others served between; nobody waits for
 * them but who is next to be alone in the account: a slice. What a crash or
 * stop leaves is leftover_delete's.
 */
void	leftover_rows(struct account *a, uint32_t mailbox);

#endif
