/*
 * The workers of deliver and relay: their channels and what they answer. Jobs
 * of a worker that ends go to another one.
 */
#ifndef QUEUE_QUEUE_WORKER_H
#define QUEUE_QUEUE_WORKER_H

#include "lib/base/peer.h"
#include "lib/link/link.h"
#include "lib/mail/dest_key.h"
#include "queue/queue_job.h"

enum { REFUSED_PAUSE = 500 };	/* ms without a job after J_REFUSED */

struct worker {
	TAILQ_ENTRY(worker) in_list;
	struct link link;
	struct job_line jobs;	/* under way, oldest first */
	unsigned n_jobs;
	uint32_t next_id;
	int64_t	 pause_until;	/* ms */
	int64_t	 heard;		/* ms: when it last took or answered */
	/* Of relay. */
	struct dest_key dest;	/* served last, where: */
	int	 served;
	int	 hurried;	/* its job was told to wait less */
	int	 leaving;	/* it is to end, and gets no job */
};
TAILQ_HEAD(worker_list, worker);

extern struct worker_list workers;

/* Once, before the loop. */
void	worker_start(void);
/* A worker's channel (taken over); it ended. */
void	worker_wired(enum peer kind, uint32_t instance, int fd);
void	worker_gone(enum peer kind, uint32_t instance);
/* Once a turn: writes what waits. */
void	worker_flush(void);

#endif
