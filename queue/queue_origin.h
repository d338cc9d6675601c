/*
 * Where messages come from that collect brings: a row (RECORD_ORIGIN) of each,
 * account and UIDL, is written in the transaction of its envelope, and outlives
 * the message. collect has it dropped when its journal has the message; a
 * collect that is new asks for the rows, and so hears of what the one before it
 * submitted and did not write down.
 *
 * The rows are under id 0, which versions that know of none pass over.
 */
#ifndef QUEUE_QUEUE_ORIGIN_H
#define QUEUE_QUEUE_ORIGIN_H

#include "queue/queue.h"

/* At the start: a record of the table. What is malformed is logged and stays. */
void	origin_load(uint32_t row, const void *p, size_t len);

/* Puts m's row into the open transaction, where it is to have one; m->origin is
   its number. Then exactly one of the two that follow. */
void	origin_write(struct message *m);
void	origin_durable(const struct message *m);
/* It was not committed. Nothing where no row was written. */
void	origin_failed(struct message *m);

/* Room for another message with a row (Q_ORIGINS_MAX)? */
int	origin_room(void);
/* Is there a row of which it is not known whether it is durable? */
int	origin_pending(void);
size_t	origin_count(void);

/*
 * Appends durable rows (packed_put_origin), from the one behind row after on, at
 * most Q_ORIGINS_SLICE of them. The number of the last; 0: there are none.
 */
uint32_t origin_list(uint32_t after, struct buf *out);
/* Drops the rows of these numbers, packed u32; written, not flushed. 0; -1:
   malformed, nothing is dropped. Where the table refuses they stay. */
int	origin_drop(const void *p, size_t len) ATTR_CHECK;

#endif
