/*
 * Those who bring mail (the workers of smtpd, and collect): files go out,
 * envelopes come in.
 *
 * A file is given to one worker, which alone may submit it, once. It is
 * refused, and the worker retired, where a descriptor that can write is still
 * open when the envelope comes. collect writes none itself: what its worker
 * left open is "later", and collect ends that worker.
 *
 * There is one collect at a time: where another one is wired, what the one before
 * it has not submitted, or has submitted and queue has not read, is gone. Only
 * then may the new one be told which rows there are (queue_origin.h).
 */
#ifndef QUEUE_QUEUE_INTAKE_H
#define QUEUE_QUEUE_INTAKE_H

#include "lib/base/peer.h"
#include "queue/queue.h"

/* A worker's channel (taken over); it ended. */
void	intake_wired(enum peer kind, uint32_t instance, int fd);
void	intake_gone(enum peer kind, uint32_t instance);
/* Files were made, or cannot be: those that wait hear. */
void	intake_stock(void);
/* Once a turn: writes what waits. */
void	intake_flush(void);
unsigned intake_count(void);
/* Takes nothing more. */
void	intake_stop(void);

#endif
