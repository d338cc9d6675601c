/* Walking the users of the mail folder, in a helper. */
#ifndef STORE_CTL_WALK_H
#define STORE_CTL_WALK_H

#include <ev.h>

#include "lib/base/buf.h"

/*
 * Calls each(arg, name, path) for one user (it must have a folder) or, with
 * user NULL or empty, for all; ends at the first return other than 0. Returns
 * that value, or -1 with why.
 */
int	walk_users(const char *user, int (*each)(void *arg, const char *name,
	    const char *path), void *arg, struct buf *why);

/* ctl_sweep.c: removes what expired. */
void	sweep_start(struct ev_loop *loop);

#endif
