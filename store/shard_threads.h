/*
 * The threads of the shards: start and stop.
 */
#ifndef STORE_SHARD_THREADS_H
#define STORE_SHARD_THREADS_H

#include <ev.h>

/* Starts the threads; the main loop hears of the end of a stop. */
void	store_threads(struct ev_loop *loop);
/* Ends them in order: flags written, index closed; then store.stopped(). */
void	store_stop(void);

#endif
