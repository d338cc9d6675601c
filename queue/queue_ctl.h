/*
 * The control socket run/queue.ctl: the operator's command (proto_ctl). Root
 * and our own uid are served. A long answer is written as it is read, and no
 * command keeps the loop from its work: CTL_CHUNK messages in a turn.
 */
#ifndef QUEUE_QUEUE_CTL_H
#define QUEUE_QUEUE_CTL_H

#include "queue/queue.h"

enum {
	CTL_MAX = 16,		/* connections */
	CTL_CHUNK = 200,
};

void	ctl_listen(int fd);
void	ctl_stop(void);

#endif
