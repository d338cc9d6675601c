/*
 * The orderly end.
 */
#ifndef MASTER_MASTER_STOP_H
#define MASTER_MASTER_STOP_H

/* master's exit status; not 0: a start that failed. */
void	stop_begin(int status);
/* Before every wait of the loop, once it has begun. */
void	stop_turn(void);

#endif
