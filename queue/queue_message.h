/*
 * A message in memory: made, read from the table, freed. What becomes of it is
 * queue_life.h's.
 */
#ifndef QUEUE_QUEUE_MESSAGE_H
#define QUEUE_QUEUE_MESSAGE_H

#include "queue/queue.h"

struct message *message_new(uint64_t id);
/* Leaves its entry too. */
void	message_free(struct message *m);

/*
 * Reads the records of m->id into a new message. 1; 0: they cannot be made
 * out, or there is no envelope (m may have some of them); -1: not now.
 */
int	message_load(struct message *m) ATTR_CHECK;
/* A message from the table, to be shown alone; NULL if there is none. */
struct message *message_peek(uint64_t id);

/* Seconds; one that seems to come from the future has none. */
uint64_t message_age(const struct message *m);
/* Logs "ID: to=<target> WHAT after AGE by HOST, CLASS: WORDS". */
void	message_log_target(const struct message *m, const struct target *t,
	    const char *what);

#endif
