/*
 * Destinations of relay (lib/mail/dest_key.h) with the jobs that wait for each,
 * mail and bounces apart, and a ring for each share of relay's workers with the
 * destinations that could have a job sent on it now, so that each gets its
 * turn. What one key has come to says nothing of another: the same route with
 * another credential is a destination of its own.
 *
 * A destination is known while its last success is no older than KNOWN_TIME
 * and nothing failed since. It then has at most relay_per_destination jobs
 * under way, else UNKNOWN_SHARE. It is down where nobody there could be reached
 * DOWN_AFTER times in a row; then what waits for it is deferred without
 * trying, until one try after DOWN_TIME.
 *
 * It has a part of queue_active alone in jobs (DEST_PART, the smaller one
 * where it is not known); what is beyond that is not loaded and stands in its
 * line, so that what comes for others is. One job it may have also where there
 * are queue_active (job_full).
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
	DEST_TELL = 1000,		/* ms between two lines of the log */
	KNOWN_TIME = 600,
	KNOWN_MAX = 10000,		/* beyond that nothing idle is kept */
	UNKNOWN_SHARE = 1,
	DEST_PART = 4,			/* a quarter */
	DEST_UNKNOWN_PART = 16,
	DEST_LEAST = 8,			/* jobs, however small the part */
};

struct dest {
	struct dest *hash_next;
	struct job_line waiting[JOB_CLASSES];
	TAILQ_ENTRY(dest) in_ring[JOB_CLASSES];
	uint8_t	 ring[JOB_CLASSES];	/* 1 + enum share; 0: in none */
	struct ready_line ready;	/* messages that are not loaded */
	TAILQ_ENTRY(dest) in_parked;
	int	 parked;
	unsigned jobs;		/* made, and not answered yet */
	unsigned active, fails;
	int64_t	 down_until;	/* ms, by the clock that only grows */
	int64_t	 known_until;	/* the same; 0: no success yet */
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
int	dest_known(const struct dest *d);
/*
 * The ring of a share: how many could be served, and the next in turn (put at
 * its end), with the job that is first of those of this share.
 */
size_t	dest_ring(enum share s);
struct dest *dest_next(enum share s, struct queue_job **j_r);
/* Of those that are down and have jobs waiting: how many, the next in turn. */
size_t	dest_downs(void);
struct dest *dest_down(void);
/* A job that waits for it, of any kind; NULL: none. */
struct queue_job *dest_first(const struct dest *d);
/*
 * May it have one more job made? full: there are queue_active; then only what
 * has none at all.
 */
int	dest_room(const struct dest *d, int full);
/* A job of it was made; is gone. */
void	dest_made(struct dest *d);
void	dest_freed(struct dest *d);
/* The line for one that is to be loaded when there is room. */
struct ready_line *dest_park(struct dest *d);
/*
 * The first in such a line of a destination that has room, those that have no
 * job first; NULL: none. It may be asked as often as one likes: the next in
 * turn comes when a job was made.
 */
struct entry *dest_parked(int full);
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
/* Frees those that have no jobs, no line, and are neither down nor known. */
void	dest_tidy(void);

#endif
