/*
 * The jobs of queue that are under way.
 */
#ifndef DELIVER_DELIVER_JOB_H
#define DELIVER_DELIVER_JOB_H

#include "lib/base/attr.h"
#include "lib/base/msg.h"

enum {
	DELIVER_WINDOW = 256,		/* requests with store at a time */
	DELIVER_RETIRE = 20000,		/* messages of one process */
};

/* This host's name, as in its Received fields. Set before the first job. */
extern const char *deliver_hostname;

/* A frame of queue's: takes the job, or where store is not there says so. 0,
   or -1: queue breaks the rules. */
int	job_take(struct msg *m, int have_store) ATTR_CHECK;
/* An answer of store's. 0, or -1: store breaks the rules. */
int	job_answer(struct msg *m) ATTR_CHECK;
/* Sends what may be sent, and retires where it is time. */
void	job_pump(void);
/* Store is gone: every job goes back to queue. Queue is gone: none is left. */
void	job_store_lost(void);
void	job_queue_lost(void);

#endif
