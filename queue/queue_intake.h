/*
 * The workers that bring mail (smtpd, later collect): files go out, envelopes
 * come in.
 *
 * A file is given to one worker, which alone may submit it, once. It is
 * refused, and the worker retired, where a descriptor that can write is still
 * open when the envelope comes.
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
