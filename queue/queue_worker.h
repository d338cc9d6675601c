/*
 * Between queue_job.c, which hands jobs out, and queue_worker.c, which hears
 * the answers.
 */
#ifndef QUEUE_QUEUE_WORKER_H
#define QUEUE_QUEUE_WORKER_H

#include "lib/base/chan.h"
#include "lib/base/peer.h"
#include "queue/queue_dest.h"

enum {
	REFUSED_PAUSE = 500,	/* ms without a job after J_REFUSED */
};

struct worker {
	struct worker *next;
	enum peer kind;
	uint32_t instance;
	struct chan chan;
	ev_io	 reading, writing;
	struct job_list jobs;	/* under way, oldest first */
	unsigned n_jobs;
	uint32_t next_id;
	int64_t	 pause_until;	/* ms */
	int64_t	 heard;		/* ms: when it last took or answered */
	int	 dead, touched;
	char	 dest[DOMAIN_MAX + 1];	/* relay: served last */
	int	 served;
};

extern struct worker *workers;	/* all, those that are dead too */

void	worker_start(void);

/* Jobs, as a worker's answer or end makes them go on. */

/* Takes j out of the line where it waits, or from its worker. */
void	job_leave(struct job *j);
/* Its message no longer waits for it. */
void	job_detach(struct job *j);
void	job_free(struct job *j);
/* Every target was answered: the message may be settled. */
void	job_end(struct job *j);
/* Not done: back to the head of its line. */
void	job_again(struct job *j);
/* Answers the targets that are open with a temporary failure. */
void	job_defer(struct job *j, const char *words);

#endif
