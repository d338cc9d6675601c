/*
 * A worker's place in the table of clients (crowd.h), as master gave it.
 */
#ifndef LIB_SERVER_WORK_CROWD_H
#define LIB_SERVER_WORK_CROWD_H

#include "lib/base/msg.h"

/* WIRE_CROWD. */
void	work_crowd_given(struct msg *m);
/*
 * Takes the place for a client from there (struct session, 0: not counted).
 * 1 where too many others have one from there, or nearly all workers are busy
 * and some have; 0 too without a table.
 */
int	work_crowd_join(uint64_t origin);
/* crowd_wait for the client in it. */
void	work_crowd_wait(int64_t since);
/* The client is gone. */
void	work_crowd_leave(void);

#endif
