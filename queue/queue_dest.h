/*
 * Destinations of relay (lib/mail/dest_key.h) with the jobs that wait for each,
 * and the ring of those that could have a job sent now, so that each gets its
 * turn. What one key has come to says nothing of another: the same route with
 * another credential is a destination of its own.
 *
 * A destination has at most relay_per_destination jobs under way. It is down
 * where nobody there could be reached DOWN_AFTER times in a row; then what
 * waits for it is deferred without trying, until one try after DOWN_TIME.
 *
 * It has a part of queue_active alone (DEST_PART) in jobs; what is beyond that
 * is not loaded and stands in its line, so that what comes for others is.
 *
 * Pure bookkeeping. Destinations are freed by dest_tidy.
 */
#ifndef QUEUE_QUEUE_DEST_H
#define QUEUE_QUEUE_DEST_H

#include "lib/mail/dest_key.h"
#include "queue/queue_job.h"

enum {
	DOWN_AFTER = 2,
	DOWN_TIME = 60,			/* seconds */
	DEST_PART = 4,			/* a quarter; less: DEST_LEAST */
	DEST_LEAST = 8,
	DEST_TELL = 1000,		/* ms between two lines of the log */
};

struct dest {
	struct dest *hash_next;
	struct dest *ring_prev, *ring_next;
	int	 in_ring;
	struct job_line waiting;
	struct ready_line ready;	/* messages that are not loaded */
	TAILQ_ENTRY(dest) in_parked;
	int	 parked;
	unsigned jobs;		/* made, and not answered yet */
	unsigned active, fails;
	int64_t	 down_until;	/* ms, by the clock that only grows */
	char	*why;		/* of the last failure */
	unsigned untold;	/* jobs deferred without a try, not logged */
	int64_t	 told;		/* ms; 0: never */
	struct dest_key key;
};

/* The destination of that key; made if it is new. */
struct dest *dest_get(const struct dest_key *k);
/* Adds a job at the end or the head; takes one out. */
void	dest_add(struct dest *d, struct queue_job *j);
void	dest_push(struct dest *d, struct queue_job *j);
void	dest_drop(struct dest *d, struct queue_job *j);
/* A job was sent, came back. */
void	dest_took(struct dest *d);
void	dest_left(struct dest *d);
/* A worker got through to it; or did not (DOWN_AFTER times: down). */
void	dest_reached(struct dest *d);
void	dest_unreached(struct dest *d, const char *words);
int	dest_is_down(const struct dest *d);
/* The ring: how many could be served, and the next in turn (put at its end). */
size_t	dest_ring(void);
struct dest *dest_next(void);
/* Has it less than its part of queue_active? */
int	dest_room(const struct dest *d);
/* The line for one that is to be loaded when there is room. */
struct ready_line *dest_park(struct dest *d);
/* The first in such a line of a destination that has room; NULL: none. */
struct entry *dest_parked(void);
/* Jobs that wait, destinations that are known. */
size_t	dest_waiting(void);
size_t	dest_count(void);
/* Every destination may be tried again at once. */
void	dest_forget_down(void);
/*
 * One line of the log for all that were deferred without a try (untold), not
 * too soon after the last one: the rest is told by dest_tidy.
 */
void	dest_tell(struct dest *d);
/* Frees those that have no jobs, no line, and are not down. */
void	dest_tidy(void);

#endif
