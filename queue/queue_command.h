/*
 * What each command of the operator does; queue_ctl.c chooses.
 */
#ifndef QUEUE_QUEUE_COMMAND_H
#define QUEUE_QUEUE_COMMAND_H

#include "lib/link/control.h"
#include "queue/queue.h"

struct queue_ctl {
	struct control_client c;
	uint64_t at;		/* of a command about all: the next id */
	unsigned done;
};

/* A command is about one message (or each of them), or about the whole. */
struct queue_command {
	int	(*one)(struct queue_ctl *, struct entry *, struct buf *why);
	void	(*all)(struct queue_ctl *);
	int	 need_id;
};

/* Never NULL; one and all are NULL for what queue does not know. */
const struct queue_command *command_find(unsigned type);

#endif
