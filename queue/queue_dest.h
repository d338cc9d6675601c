/*
 * Destinations of relay (a domain, or "" for the smarthost) with the jobs that
 * wait for each, and the ring of those that could have a job sent now, so
 * that each gets its turn. And the lists of jobs.
 *
 * Pure bookkeeping; for queue_job.c alone. Destinations are freed by
 * dest_tidy.
 */
#ifndef QUEUE_QUEUE_DEST_H
#define QUEUE_QUEUE_DEST_H

#include "queue/queue.h"

struct worker;
struct dest;

struct job {
	struct job *prev, *next;
	struct message *m;	/* NULL: the answer is no longer wanted */
	struct dest *dest;	/* NULL: for deliver */
	struct worker *worker;	/* NULL: waiting */
	uint32_t id;		/* at the worker */
	uint32_t *index;	/* of the targets */
	size_t	 n, cap;
	uint8_t	 forwarded, reached, unreached;
};

struct job_list {
	struct job *first, *last;
};

/* At the end; at the head; out of it. */
void	job_list_add(struct job_list *l, struct job *j);
void	job_list_push(struct job_list *l, struct job *j);
void	job_list_drop(struct job_list *l, struct job *j);

struct dest {
	struct dest *hash_next;
	struct dest *ring_prev, *ring_next;
	int	 in_ring;
	struct job_list waiting;
	unsigned active, fails;
	int64_t	 down_until;	/* ms, by the clock that only grows */
	char	*why;		/* of the last failure */
	char	 name[];	/* lower case */
};

/* The destination of that name (any case); made if it is new. */
struct dest *dest_get(const char *name);
/* Adds a job at the end or the head; takes one out. */
void	dest_add(struct dest *d, struct job *j);
void	dest_push(struct dest *d, struct job *j);
void	dest_drop(struct dest *d, struct job *j);
/* A job was sent, came back. */
void	dest_took(struct dest *d);
void	dest_left(struct dest *d);
/* Has a worker got through to it? Not: twice in a row and it is down. */
void	dest_reached(struct dest *d);
void	dest_unreached(struct dest *d, const char *words);
int	dest_is_down(const struct dest *d);
/* The ring: how many could be served, and the next in turn (put at its end). */
size_t	dest_ring(void);
struct dest *dest_next(void);
/* Jobs that wait, destinations that are known. */
size_t	dest_waiting(void);
size_t	dest_count(void);
/* Every destination may be tried again at once. */
void	dest_forget_down(void);
/* Frees those that have no jobs and are not down. */
void	dest_tidy(void);

#endif
