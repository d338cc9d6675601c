/*
 * Where mail to an address elsewhere goes: the one place that says so. Today
 * that is the smarthost for all of it, or the MX of its domain.
 *
 * It is asked each time a job is made, and not kept with the message: what
 * waits goes the way that is right when its turn comes.
 */
#ifndef QUEUE_QUEUE_ROUTE_H
#define QUEUE_QUEUE_ROUTE_H

#include "lib/mail/dest_key.h"
#include "queue/queue.h"

/* The destination of a target (TARGET_REMOTE) of m. */
void	route_key(const struct message *m, const struct target *t,
	    struct dest_key *k);

#endif
