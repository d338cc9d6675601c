/*
 * The run of setup behind its answers: builds, has all programs judge it,
 * shows what changes, writes it.
 */
#ifndef CTL_SETUP_RUN_H
#define CTL_SETUP_RUN_H

#include "ctl/setup.h"

struct setup_way {
	int	 yes;		/* what is there is changed without a question */
	int	 dry;		/* nothing is written */
	int	 asked;		/* the answers come from a person at a terminal */
};

enum setup_end {
	SETUP_REFUSED,		/* with why; nothing has changed */
	SETUP_SAME,		/* there was nothing to change */
	SETUP_SHOWN,		/* dry */
	SETUP_WRITTEN,
};

/* s has its answers. */
enum setup_end setup_run(struct setup *s, const struct setup_way *w,
	    struct buf *why);
/* Has the running suite read the new settings. The exit status; -1: none of
   it runs. */
int	setup_reload(struct ctl *c);
/* Does the suite run? After ctl_load. */
int	setup_runs(struct ctl *c);
/* Frees what s has, and takes away a directory that is still empty. */
void	setup_finish(struct setup *s);

#endif
