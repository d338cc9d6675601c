/*
 * What is to be done with a message for a recipient.
 */
#ifndef DELIVER_DELIVER_ACTION_H
#define DELIVER_DELIVER_ACTION_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/door_proto.h"

/* A body that a filter made: a fresh file of store's. */
struct changed {
	const char *file;
	uint64_t size;
	uint32_t crc, header_len, mark;
	struct buf cache;
};

/* What a message becomes in the account of a recipient. */
struct action {
	struct door_action where;
	const struct changed *body;	/* NULL: it is not changed */
};

/* Those of a recipient, at least one: how many, borrowed until the job is
   over. No filter runs yet: INBOX, no flags, the message as it is. */
size_t	actions_of(const char *owner, const struct action **list_r);

#endif
