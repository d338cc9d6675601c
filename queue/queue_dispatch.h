/*
 * Jobs to workers: deliver takes several at a time (DELIVER_JOBS), relay one,
 * at best one for the destination that it has a session to.
 */
#ifndef QUEUE_QUEUE_DISPATCH_H
#define QUEUE_QUEUE_DISPATCH_H

enum { DELIVER_JOBS = 64 };	/* under way at one worker */

/* Once, before the loop. */
void	dispatch_start(void);
/* Once a turn: hands waiting jobs to workers, in their channels. */
void	dispatch_turn(void);

struct dispatch_counts {
	unsigned deliver_workers, relay_workers, waiting, destinations;
};
void	dispatch_count(struct dispatch_counts *c);

#endif
