/*
 * The end of a turn, and of a batch.
 */
#ifndef STORE_SHARD_TURN_H
#define STORE_SHARD_TURN_H

#include "store/engine.h"

struct item;
struct shard;

/* The two steps of a batch inside the shard. */
void	shard_commit_tasks(struct shard *s, struct item *list);
void	shard_finish_tasks(struct shard *s, struct item *list,
	    enum engine_result durable);
/* Before the loop sleeps, and behind each batch. */
void	shard_settle(struct shard *s);

#endif
