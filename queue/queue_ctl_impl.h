/*
 * Between queue_ctl.c (connections) and queue_command.c (what is asked).
 */
#ifndef QUEUE_QUEUE_CTL_IMPL_H
#define QUEUE_QUEUE_CTL_IMPL_H

#include "lib/mail/answer.h"
#include "queue/queue.h"

enum { OUT_HIGH = 256 * 1024 };	/* octets not yet read: rows wait */

struct ctl {
	struct ctl *next;
	struct chan chan;
	ev_io	 reading, writing;
	ev_idle	 going;		/* a command that takes several turns */
	uint64_t at;		/* next id of it */
	unsigned command, done;
	struct answer answer;	/* to the command that is under way */
};

/* A command is about one message (or each of them), or about the whole. */
struct command {
	int	(*one)(struct ctl *, struct entry *, struct buf *why);
	void	(*all)(struct ctl *);
	int	 need_id;
};

/* Never NULL; one and all are NULL for what queue does not know. */
const struct command *command_find(unsigned type);
void	ctl_end(struct ctl *c, enum c_status status, const char *words);

#endif
