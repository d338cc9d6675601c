/*
 * The rows of a list of messages and those of one message, as they answer the
 * operator's command.
 */
#ifndef QUEUE_QUEUE_ROWS_H
#define QUEUE_QUEUE_ROWS_H

#include "lib/link/control.h"
#include "queue/queue.h"

/* Held by the operator; also while a worker still has it. */
int	entry_is_held(const struct entry *e);

/*
 * m is the message of e, or what message_peek made of its record.
 * A row for each target, or for each recipient that is not yet expanded, from
 * the *at-th on, which moves on. True where so much waits to be read that the
 * rest is to be asked for later.
 */
int	rows_list(struct control_client *c, const struct entry *e,
	    const struct message *m, size_t *at);
/* A row for each field that there is; the body's descriptor with the first. */
void	rows_show(struct control_client *c, const struct entry *e,
	    const struct message *m);

#endif
