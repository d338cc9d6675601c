/*
 * Channels between neighbours.
 */
#ifndef MASTER_MASTER_WIRING_H
#define MASTER_MASTER_WIRING_H

#include "master/master.h"

/* Everything that belongs to the start of p, then WIRE_GO. */
void	wiring_start(struct proc *p);
/* Its client has logged in as p->user: it may have signatures. */
void	wiring_login(struct proc *p);
/* Tells the loops among p's neighbours that it ended. */
void	wiring_gone(const struct proc *p);

#endif
