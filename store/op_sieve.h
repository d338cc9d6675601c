/*
 * A user's Sieve scripts: kept for ctl, and handed to deliver.
 */
#ifndef STORE_OP_SIEVE_H
#define STORE_OP_SIEVE_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "store/door_client.h"

extern const struct op op_sieve_rows[];

/* At the load: has the account an active script? */
void	sieve_adopt(struct account *a);
/* That script. 1; 0: there is none (any more); -1: not now. */
int	sieve_active(struct account *a, struct buf *text_r) ATTR_CHECK;

#endif
