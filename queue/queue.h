/*
 * What the parts of queue share: the configuration, the lanes, and the state
 * of a message that is being worked on.
 *
 * The way of a message: queue_intake takes the envelope of a written file,
 * queue_commit makes it durable together with all that came at the same time,
 * queue_life expands it and makes jobs (queue_job), queue_dispatch hands these
 * to deliver and relay, queue_worker takes the results, queue_report tells the
 * sender of failures, queue_life settles: gone, or waiting for the next
 * attempt. All of it in the loop's thread.
 *
 * No two files need one another: queue_main sets the hooks by which
 * queue_commit and queue_job tell queue_life what has come of a message.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <ev.h>
#include <stdint.h>

#include "lib/mail/proto.h"
#include "lib/mail/queue_id.h"
#include "lib/mail/tables.h"
#include "queue/queue_envelope.h"
#include "queue/queue_jump.h"
#include "queue/queue_lane.h"
#include "queue/queue_sched.h"
#include "queue/queue_target.h"

enum { TURN_TIME = 2 };	/* ms, for what may be done later as well */

struct queue_conf {
	char	*hostname, *state_dir, *relay_host;
	uint64_t message_size, retry_min, retry_max, lifetime, active_max;
	uint64_t delay_report;
	uint64_t per_destination, relay_workers;
	int	 verbose;
};

enum fate {
	FATE_STAY,		/* more is to come */
	FATE_WAIT,		/* next attempt at entry->next */
	FATE_HELD,
	FATE_ASIDE,
	FATE_GONE,		/* finished: record, then name */
};

/* A message that is loaded. */
struct message {
	struct entry *entry;	/* NULL before it was accepted */
	uint64_t id;
	struct envelope env;
	struct targets targets;	/* n 0: not yet expanded */
	unsigned jobs;		/* not yet answered */
	int	 fd;		/* opened at acceptance for the first job; -1 */
	uint8_t	 targets_stored;
	uint8_t	 dirty;		/* in the list of queue_commit */
	uint8_t	 fate;		/* enum fate */
	uint8_t	 hold;		/* by the operator: its record says so */
	uint8_t	 drop;		/* by the operator: its record is gone */
	uint8_t	 withheld;	/* held back before a worker had all of it */
	uint8_t	 reporting;	/* a bounce is being made, or to be made */
	uint8_t	 deaths;	/* of workers that had it */
	uint8_t	 refusals;
	uint32_t behind;	/* targets held back for want of room */
	uint32_t origin;	/* its row (queue_origin.h); 0: none */
	char	*aside;		/* why it is to be set aside */
	struct message *next_dirty;
};

struct queue {
	struct queue_conf conf;
	const char *hostname;		/* the key's, or the machine's */
	struct ev_loop *loop;
	struct lane *sync;	/* flushes of the table, nothing else */
	struct lane *files;	/* making and removing files */
	struct lane *reports;	/* writing bounces */
	struct lane *slow;	/* sweeps, checkpoints */
	struct tables *tables;
	struct sched sched;
	size_t	 active;	/* messages loaded */
	int	 stopping;
	int64_t	 turn_end;	/* ms, by the clock that only grows */
	int	 more;		/* something was left for the next turn */
	struct jump jump;	/* of the wall clock */
	uint64_t accepted, delivered, failed, deferred, reported;
};

extern struct queue queue;

/* Whole seconds, by the clock of lib/base. */
int64_t	queue_now(void);
/* Looks once in a turn of the loop whether the tables were replaced. */
void	queue_tables_fresh(void);
/*
 * Work on many messages is done in turns of the loop, so that nobody who comes
 * waits for it: true where this turn has had its time (TURN_TIME). The rest is
 * done in the next, which then follows at once.
 */
int	queue_spent(void);

#endif
