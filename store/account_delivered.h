/*
 * The queue ids of what was delivered to a mailbox.
 */
#ifndef STORE_ACCOUNT_DELIVERED_H
#define STORE_ACCOUNT_DELIVERED_H

#include "store/engine.h"

struct account;
struct mailbox;

/* ENGINE_DONE: that queue id was delivered into m before; _ABSENT: it was not;
   else the index does not answer. */
enum engine_result delivered_before(struct mailbox *m, uint64_t queue_id)
	    ATTR_CHECK;
/* It is now (rows into the batch); some that are too old are forgotten. */
void	delivered_note(struct mailbox *m, struct engine_batch *b,
	    uint64_t queue_id);
/* Reads the newest id at a load. */
enum engine_result delivered_adopt(struct account *a) ATTR_CHECK;

#endif
