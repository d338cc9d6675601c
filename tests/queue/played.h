/*
 * Workers of deliver and relay at the wires of a queue in the process of the
 * test, with the clock, master and the bodies played. For programs that wrap
 * the calls named in local.mk.
 */
#ifndef TESTS_QUEUE_PLAYED_H
#define TESTS_QUEUE_PLAYED_H

#include "lib/base/chan.h"
#include "lib/base/peer.h"
#include "lib/mail/result.h"
#include "queue/queue_job.h"
#include "queue/queue_worker.h"

enum played_timer { TIMER_WATCH, TIMER_SURPLUS, TIMERS };

extern struct played {
	int64_t	 clock;		/* ms */
	uint32_t retired;	/* the instance; 0: none */
	uint32_t needed, surplus;	/* what master was told last */
	int	 answered;	/* messages without a job left */
	int	 dirty, aside;	/* how often */
	int	 no_body;	/* errno where a body cannot be opened */
	char	 words[100];	/* of what was set aside */
} played;

/* Once. */
void	played_start(void);
/* Before each test: a queue of relay_workers = 8. */
int	played_setup(void **state);
/* Wires one: the worker, and its own end in *c. */
struct worker *played_wire(enum peer kind, uint32_t instance, struct chan *c);
/* What is due is given; then what the workers said is heard. */
void	played_turn(void);
/* The timer goes off, and what follows from that is heard. */
void	played_timer(enum played_timer t);
/* A message of n targets at that domain, or at a mailbox, with their jobs. */
struct message *played_message(uint64_t id, const char *domain, size_t n);
/* One with the null sender, to one there. */
struct message *played_bounce(uint64_t id, const char *domain);
void	played_forget(struct message *m);
/* The worker at c ends. */
void	played_end(struct chan *c);
/* It answers a job with words, or one of its targets; heard at once. */
void	played_say(struct chan *c, unsigned type, uint32_t id,
	    const char *words);
void	played_result(struct chan *c, uint32_t id, uint32_t index,
	    enum result r, const char *words);
/* It answers the first job that it has: delivered. */
void	played_done(struct chan *c, const struct worker *w);

#endif
