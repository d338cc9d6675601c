/*
 * Whether other mail waits for this worker (J_HURRY of queue), and what that
 * does to waits: connection, greeting and replies to commands then have
 * HURRY_MS each at the most. The reply to the final dot is waited for as long
 * as ever, for the message would come twice. A stop ends these same waits at
 * once: nobody has the message yet. A TLS handshake, a question to resolve and
 * what is being written are one wait each, which neither ends.
 */
#ifndef RELAY_HURRY_H
#define RELAY_HURRY_H

#include <stdint.h>

#include "lib/base/chan.h"

enum { HURRY_MS = 10000 };

/* Once: f says whether a stop was asked for (server_ending). */
void	hurry_stop_by(int (*f)(int hear));
/*
 * 1 where a stop ended a wait of this job. A reply may have come whole all the
 * same, and the job have gone on.
 */
int	hurry_cut(void);
/* From here on a host may have the message: no stop has cut anything. */
void	hurry_settle(void);
/*
 * The channel is another one now, and the frames on it are not this job's:
 * they stay where they are. Whether a stop came stays known.
 */
void	hurry_forget(void);
/* A job of that id begins, which came by that channel. */
void	hurry_begin(struct chan *queue, uint32_t id);
/* Looks into the channel, without waiting. */
int	hurry_now(void);
/*
 * How long to wait before asking again, of a wait from start to end (both
 * clock_mono_ms); 0: it is over. Looks into the channel, and for a stop, when a
 * second passed.
 */
int64_t	hurry_piece(int64_t start, int64_t end);

#endif
