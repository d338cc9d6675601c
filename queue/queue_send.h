/*
 * The message that hands a job over to a worker, with the body beside it.
 */
#ifndef QUEUE_QUEUE_SEND_H
#define QUEUE_QUEUE_SEND_H

#include "queue/queue_job.h"
#include "queue/queue_worker.h"

/*
 * 0: w has it, or it is no longer there to be sent (its body is missing, or
 * cannot be opened). -1: w takes nothing now.
 */
int	send_job(struct worker *w, struct queue_job *j) ATTR_CHECK;
/* Lets the job that w has, if it is one of relay, wait less from now on. */
void	send_hurry(struct worker *w);

#endif
