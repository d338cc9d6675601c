/*
 * The control socket run/queue.ctl: the operator's command (proto_ctl). Root
 * and our own uid are served (lib/link/control.h). A command about all messages
 * does CTL_CHUNK of them in a turn, as fast as its answer is read.
 */
#ifndef QUEUE_QUEUE_CTL_H
#define QUEUE_QUEUE_CTL_H

#include "queue/queue.h"

enum { CTL_CHUNK = 200 };

void	ctl_listen(int fd);
void	ctl_stop(void);

#endif
