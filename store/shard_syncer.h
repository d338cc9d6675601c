/*
 * The syncers: a thread beside each shard that does what waits for the disk.
 */
#ifndef STORE_SHARD_SYNCER_H
#define STORE_SHARD_SYNCER_H

#include <stdint.h>

struct item;
struct task;

void	syncer_start(void);
void	syncer_stop(void);
/* Tasks of the shard, slow: of slow kinds; head NULL: a flush nobody waits
   for. */
void	syncer_add(unsigned shard, struct item *head, struct item *tail,
	    int slow);
/* In files(): that folder is to be synced. */
void	task_dir(struct task *t, uint32_t mailbox, int expunged);

#endif
