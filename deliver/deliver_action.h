/*
 * What is to be done with a message for a recipient.
 */
#ifndef DELIVER_DELIVER_ACTION_H
#define DELIVER_DELIVER_ACTION_H

#include <stddef.h>
#include <stdint.h>

#include "deliver/deliver_filter.h"
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
	enum door_filter filter;	/* the recipient's own script is asked
					   for before that */
	const char *flags;		/* those of where, as a script names
					   them; NULL: none */
};

/*
 * Those of a recipient, before his own script is known: how many, borrowed
 * until the job is over. f is theirs where a script of the system ran; it is
 * the caller's to clear. Without one it is INBOX, the message as it is, and the
 * recipient's script is asked for.
 */
size_t	actions_of(const struct filter_message *m, struct filtered *f,
	    const struct action **list_r);

#endif
