/*
 * What each command of the operator does; queue_ctl.c chooses.
 */
#ifndef QUEUE_QUEUE_COMMAND_H
#define QUEUE_QUEUE_COMMAND_H

#include "lib/link/control.h"
#include "queue/queue.h"

struct queue_ctl {
	struct control_client c;
	/* Of a command in slices: the next id, the last one (0: all), and how
	   much of the next was answered already. */
	uint64_t at, last;
	size_t	 row;
	unsigned done, failed;
	char	*why;		/* of the first that failed; owned */
};

/* What became of one message. */
enum one {
	ONE_DONE,
	ONE_MORE,	/* again, when the asker has read: c->row says whence */
	ONE_NOT,	/* it is not for this message: words */
	ONE_FAILED,	/* the same, and something is wrong */
};

/* A command is about one message (or each of them), or about the whole. */
struct queue_command {
	enum one (*one)(struct queue_ctl *, struct entry *, struct buf *why);
	void	(*all)(struct queue_ctl *);
	int	 need_id;
	int	 long_answer;	/* of one message too: it goes in slices */
};

/* Never NULL; one and all are NULL for what queue does not know. */
const struct queue_command *command_find(unsigned type);

#endif
