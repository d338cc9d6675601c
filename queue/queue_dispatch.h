/*
 * Jobs to workers. deliver takes several at a time (DELIVER_JOBS), from one
 * line, at most every DELIVER_GATHER ms: of messages that come one by one
 * the first goes at once, and those behind it share their way, the writes and
 * the syncs of store. relay takes one, at best for the destination that it has a
 * session to, and who is served next is decided by these rules:
 *
 * 1. Destinations are served in turn, and each has a bound (queue_dest.h): many
 *    sessions where one got through of late, else one.
 * 2. relay_workers are shared: destinations that are known have three quarters
 *    of them at most, all others together half, bounces an eighth.
 * 3. Bounces come when nothing else can go; but where one waits and its share
 *    has a worker left, it is the next after BOUNCE_AFTER others.
 * 4. Where somebody could be served but for a worker, master is asked for one
 *    (WIRE_NEED). What was not needed for a minute goes, but for RELAY_LEAST.
 * 5. Where a share is used up, or relay_workers are, and somebody waits, the
 *    jobs that are in the way wait less themselves (J_HURRY).
 */
#ifndef QUEUE_QUEUE_DISPATCH_H
#define QUEUE_QUEUE_DISPATCH_H

enum {
	DELIVER_JOBS = 64,	/* under way at one worker */
	DELIVER_TOGETHER = 16,	/* to one worker before the next one's turn */
	DELIVER_GATHER = 10,	/* ms between two times that deliver has jobs,
				   while fewer than DELIVER_JOBS wait for it */
	RELAY_LEAST = 2,	/* as in programs.def */
	BOUNCE_AFTER = 8,	/* jobs of other mail */
};

/* Once, before the loop. */
void	dispatch_start(void);
/* Once a turn: hands waiting jobs to workers, in their channels. */
void	dispatch_turn(void);

struct dispatch_counts {
	unsigned deliver_workers, relay_workers, waiting, destinations;
};
void	dispatch_count(struct dispatch_counts *c);

#endif
