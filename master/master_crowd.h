/*
 * A process's place in its row's table of clients (lib/server/crowd.h).
 */
#ifndef MASTER_MASTER_CROWD_H
#define MASTER_MASTER_CROWD_H

#include "master/master.h"

/* Gives p one and tells it; nothing where clients are not counted. */
void	crowd_give(struct proc *p);
/* p ended: its place is free. */
void	crowd_take(const struct proc *p);
/*
 * Once a second. Where as many workers are busy as the row's setting names,
 * those whose client is silent for ten seconds are asked to let it go, the
 * longest silent ones first, as many as the reserve has.
 */
void	crowd_tick(enum program_id row);

#endif
