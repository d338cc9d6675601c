/*
 * How many processes of each row there are.
 */
#ifndef MASTER_MASTER_POOL_H
#define MASTER_MASTER_POOL_H

#include "master/master.h"

void	pool_init(void);
/* Starts what is missing, up to the stage; before every wait of the loop. */
void	pool_fill(void);
/* p ended, with that status of wait(2). */
void	pool_died(struct proc *p, int status);
/* Once a second: surplus idle workers, imapd without sessions. */
void	pool_tick(double now);
/* All rows of that start stage are there and ready. */
int	pool_stage_ready(int stage);

#endif
