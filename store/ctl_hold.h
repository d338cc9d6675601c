/*
 * An account held by a helper, with nothing of it in memory: no door is open,
 * no task is under way, and who asks for it waits. So its files and rows can
 * be removed, or become another's.
 */
#ifndef STORE_CTL_HOLD_H
#define STORE_CTL_HOLD_H

#include "lib/base/buf.h"
#include "store/shard_chores.h"

struct account;

struct hold {
	struct call call;
	const char *name;		/* borrowed */
	struct account *a;
	/* Whether it may be held, asked in its shard. NULL; or why not. */
	const char *(*may)(const char *name, void *arg);
	void	*arg;
	int	 guests;		/* its doors stay: they wait */
	int	 loaded;		/* guests: so it is not taken, for it is
					   in use as it is */
	const char *refused;
	enum { HOLD_OK, HOLD_BUSY, HOLD_NO } result;
};

/*
 * Takes it, whether it exists or not: its doors are dropped, what is under way
 * is waited for, what waits is committed. name, may and arg are set. 0, or -1
 * with why (without the name).
 */
int	hold_take(struct hold *h, struct buf *why) ATTR_CHECK;
/* Runs fn(call) in its shard; call->arg is arg. 0; -1: store stops. */
int	hold_run(struct hold *h, void (*fn)(struct call *), void *arg)
	    ATTR_CHECK;
/* Gives it back, to be read anew by who asks for it next. */
void	hold_end(struct hold *h);

#endif
