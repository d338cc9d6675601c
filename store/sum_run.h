/*
 * The sums of domains (sum.h) at the start, with new tables, and each second.
 */
#ifndef STORE_SUM_RUN_H
#define STORE_SUM_RUN_H

/* Before the walk of the start: are there bounds? */
void	sum_start(void);
/* The tables are new. By any thread. */
void	sum_tables(void);
/* Once a second, by one thread: what is owed, and warnings. */
void	sum_tick(void);

#endif
