/*
 * One process: its start, what it says, its end.
 */
#ifndef MASTER_MASTER_PROC_H
#define MASTER_MASTER_PROC_H

#include "master/master.h"

/* user: "" unless a session. NULL: not started, and said. */
struct proc *proc_spawn(enum program_id row, const char *user);
/* A program of POOL_FILE: for a file of that name and owner. */
struct proc *proc_spawn_as(enum program_id row, const char *file,
	    uint32_t uid);
/* Sends what waits. */
void	proc_flush(struct proc *p);
/* The process broke a rule or does not read: SIGKILL. */
void	proc_kill(struct proc *p);
/* WIRE_STOP. */
void	proc_stop(struct proc *p);
/* Ends a message to p that was begun; a p that does not read is killed. */
void	proc_end(struct proc *p);
/* Once a second: processes that closed their channel and stay. */
void	proc_tick(double now);

#endif
