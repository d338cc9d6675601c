/*
 * Chores run in a thread that may block.
 */
#ifndef STORE_SHARD_CHORES_H
#define STORE_SHARD_CHORES_H

#include "lib/base/buf.h"
#include "store/shard.h"

struct chore {
	struct chore *next;
	void	(*run)(struct chore *);
	uint64_t done;		/* how much of it was done already */
};
enum { DEMAND_THREADS = 4 };	/* of HELPER_DEMAND; the others have one */
/*
 * Of the chores that wait for a helper the one of which least was done goes
 * first. A long one does a slice, adds to done what it did and posts itself
 * again: so it holds up no short one.
 */
enum helper {
	HELPER_DEMAND,		/* somebody waits: rebuild */
	HELPER_LOOK,		/* what is kept of expunged messages */
	HELPER_KEEP,		/* short, regular: checkpoints, fresh files */
	HELPER_TELL,		/* who is full: waits for no disk */
	HELPER_BACKGROUND,	/* the operator's requests, sweeping */
	HELPERS
};
void	helper_start(void);
/*
 * No chore is begun any more, and calls that wait for a shard fail. Returns when the last chore has returned. The shards have ended before.
 */
void	helper_stop(void);
/* 1 from then on, for a chore that goes on for long. */
int	helper_stopping(void);
/* Behind those of which as little was done. From any thread. */
void	helper_post(enum helper h, struct chore *c);
/*
 * For a helper: runs fn(arg) in the shard and waits until it, or something it
 * started, calls helper_done(arg's call): 0; -1 where
 * store stops, and nothing was done.
 */
struct call {
	struct item item;
	void	(*fn)(struct call *);
	void	*arg;
	int	 done;
	int	 failed;		/* set before helper_done */
	struct buf *why;		/* of failed; NULL: nobody asks */
};
int	helper_call(struct shard *s, struct call *c);
void	helper_done(struct call *c);
/* The same, with how it went; c NULL: nobody asks. */
void	helper_answer(struct call *c, int failed, const char *why);

#endif
