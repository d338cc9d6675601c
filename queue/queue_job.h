/*
 * Jobs: a message and the targets of it that share a way, from waiting for a
 * worker to the answer. And the workers, and the destinations.
 *
 * deliver takes several jobs at a time (DELIVER_JOBS), relay one. A
 * destination has at most relay_per_destination jobs under way; it is marked
 * down where nobody there could be reached DOWN_AFTER times in a row, and
 * then what waits for it is deferred without trying, until one try after
 * DOWN_TIME.
 */
#ifndef QUEUE_QUEUE_JOB_H
#define QUEUE_QUEUE_JOB_H

#include "lib/base/peer.h"
#include "queue/queue.h"

enum {
	DELIVER_JOBS = 64,		/* under way at one worker */
	JOB_LOCAL_TARGETS = 500,
	JOB_REMOTE_TARGETS = 100,	/* RFC 5321 4.5.3.1.8 */
	DOWN_AFTER = 2,
	DOWN_TIME = 60,			/* seconds */
};

/* Once, before the loop. */
void	job_start(void);
/* A worker's channel (taken over). */
void	job_wired(enum peer kind, uint32_t instance, int fd);
void	job_gone(enum peer kind, uint32_t instance);

/* Adds a target to a job of m that waits, or makes one. */
void	job_add(struct message *m, struct target *t, uint32_t index);
/* Forgets all jobs of m; answers that still come are ignored. */
void	job_abandon(struct message *m);
/* Has a worker a job of m? */
int	job_is_out(const struct message *m);
/* Forgets those that no worker has; how many there were. */
unsigned job_withdraw(struct message *m);
/* Forgets which destinations are down: the operator wants a try now. */
void	job_forget_down(void);
/* Once a turn: hands waiting jobs to workers; then writes. */
void	job_turn(void);
void	job_flush(void);
/* Jobs that workers have. */
unsigned job_under_way(void);

struct job_counts {
	unsigned deliver_workers, relay_workers, waiting, destinations;
};
void	job_count(struct job_counts *c);

#endif
