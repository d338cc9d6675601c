/*
 * The stages of the start.
 */
#ifndef MASTER_MASTER_START_H
#define MASTER_MASTER_START_H

#include "master/master.h"

/* Called when pool_fill was: 1 if the next stage begins. */
int	start_turn(void);
/* p ended: what it said last may be why the start fails. */
void	start_died(const struct proc *p);
/* Says why, from there or from the log, and ends it all with that status. */
void	start_failed(enum program_id row, int status);

#endif
