/*
 * What is written to the table, and when.
 *
 * Envelopes that arrived together go into one transaction, the sync lane
 * flushes it, then those who brought them hear of it. What arrives while a flush
 * is under way is the next batch: the slower the disk, the larger the batches.
 *
 * Results, schedules and the end of a message are written once in a turn of
 * the loop, without waiting for the disk. The name of a finished message is
 * removed only after a later flush, so that not even a power cut leaves a
 * record without its file.
 */
#ifndef QUEUE_QUEUE_COMMIT_H
#define QUEUE_QUEUE_COMMIT_H

#include "queue/queue.h"

/* A message that is to be made durable. */
struct submission {
	struct message *m;	/* taken over */
	/* m reports failures of it: they count as reported by the same
	   transaction. Or NULL. */
	struct message *about;
	/* m is durable; or it is gone, its file with it. NULL: nobody hears. */
	void	(*done)(const struct submission *s, int durable);
	void	*from;		/* done's; what commit_abandon is told */
	uint32_t frame;		/* done's */
};

/* What becomes of messages; called in the loop. */
struct commit_hooks {
	/* A submission is durable (state "accepted"), its done was called. */
	void	(*accepted)(struct message *m);
	/* What commit_dirty asked for is in the table. m may be freed. */
	void	(*saved)(struct message *m);
};

/* Once, before the loop: the lanes and the table are open. */
void	commit_start(const struct commit_hooks *h);
void	commit_submit(const struct submission *s);
/* from is gone: what it submitted and is not yet being written is dropped. */
void	commit_abandon(const void *from);
/* Has m's changes written; then its fate takes effect. */
void	commit_dirty(struct message *m);
/*
 * Writes the schedule of an entry as it is to be: now. 0, or -1. The entry is
 * changed by the caller, when it is written. flags: enum schedule_flag.
 */
int	commit_schedule(struct entry *e, int64_t next, uint32_t flags,
	    const char *words) ATTR_CHECK;
/*
 * Drops a message's record: now. 0, or -1. Where it is not loaded e goes too;
 * else the caller sees to it that nothing more is written of it (drop).
 */
int	commit_forget(struct entry *e) ATTR_CHECK;
/* Once a turn: writes results, begins the next batch. */
void	commit_turn(void);
/* True when nothing waits to be written or flushed. */
int	commit_quiet(void);
/* At the end, when the lanes stand still: the names that are finished. */
void	commit_end(void);

#endif
