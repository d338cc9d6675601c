/*
 * Between shard.c (what a shard holds), shard_turn.c (the end of a turn),
 * shard_syncer.c, shard_threads.c (loops, clocks, start and stop) and
 * account_keep.c (which accounts stay).
 */
#ifndef STORE_SHARD_IMPL_H
#define STORE_SHARD_IMPL_H

#include <pthread.h>

#include "store/shard.h"

enum { SHARD_BUCKETS = 4096 };

struct item_list {
	struct item *head, *tail;
};

struct shard {
	unsigned n;
	pthread_t thread;
	struct ev_loop *loop;
	ev_async wake;
	ev_prepare settle;
	ev_timer tick;
	unsigned ticks;
	pthread_mutex_t own;		/* held by who is in the shard */
	pthread_cond_t turn;
	unsigned wanted;		/* syncers that want in; of own */
	pthread_mutex_t lock;		/* of inbox */
	struct item_list inbox;
	struct item stop;
	struct item_list to_files, to_slow;
	unsigned n_tasks;
	struct account **changed;	/* that have a batch */
	size_t	 n_changed, cap_changed;
	struct engine_batch **batches;	/* room for as many */
	atomic_ullong token;
	int	 lost;			/* an account is */
	struct mailbox **row;
	size_t	 n_rows, cap_rows;
	int	 rows_now;	/* some of them belong to this turn */
	struct mailbox **touched;
	size_t	 n_touched, cap_touched;
	struct client **flush;
	size_t	 n_flush, cap_flush;
	struct mailbox *dirty, *dirty_last; /* flags behind */
	unsigned writing;		/* flags files */
	struct account *bucket[SHARD_BUCKETS];
	struct account *newest, *oldest; /* of these, by use */
	size_t	 n_accounts, n_mailboxes;
	uint64_t modseq;
	int	 lazy, stopping, stopped;
};

void	item_list_add(struct item_list *l, struct item *i);

#endif
