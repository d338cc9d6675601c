/*
 * A user logged in.
 */
#ifndef MASTER_MASTER_SESSION_H
#define MASTER_MASTER_SESSION_H

#include "master/master.h"

/* WIRE_START of auth; WIRE_RETIRE and WIRE_NEED of queue. */
void	session_said(struct proc *p, const struct msg *m);

#endif
