/*
 * The drop directory (lib/mail/drop.h): what sendmail has left there is sent,
 * at the start and once a minute, each file by a process with the rights of its
 * owner (pickup).
 *
 * Anybody may make anything there. So no octet of a file is read here; what is
 * opened is a regular file of one name whose owner its name tells, without
 * waiting; what cannot be mail is removed, what may be some is set aside. Names
 * that are looked at in a second, processes at a time, and those of one user
 * are bounded: many files of one user delay only his own.
 *
 * DIAGNOSTICS: what is removed or set aside is said once.
 */
#ifndef MASTER_MASTER_DROP_H
#define MASTER_MASTER_DROP_H

#include "master/master.h"

/* Once, before the first program. */
void	drop_init(void);
/* Once a second, while the suite runs. */
void	drop_tick(double now);
/* Before the loop waits: starts what is to be started. */
void	drop_turn(void);
/* A process of whatever row was reaped. */
void	drop_died(const struct proc *p, int status);

#endif
