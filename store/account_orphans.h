/*
 * Rows of mailboxes that are no more.
 */
#ifndef STORE_ACCOUNT_ORPHANS_H
#define STORE_ACCOUNT_ORPHANS_H

#include "lib/base/attr.h"

struct account;

/* Deletes the rows of mailboxes that are not in the list.
   0; -1: the index does not answer. */
int	leftover_delete(struct account *a) ATTR_CHECK;

#endif
