/*
 * Whether the index is as new as the mail beside it. Both hold a number that
 * only grows (mail/.generation; row 'g' of database 0), and grows while
 * anything is committed, every few seconds. The index has the new one, durably,
 * before the mail gets it: so an index with the smaller one was brought back
 * from an older copy. It knows neither the newest mail nor what has gone.
 */
#ifndef STORE_GENERATION_H
#define STORE_GENERATION_H

/* Reads both, before the index is owned. 1 where the index is older than the
   mail, as a new one is, too; 0; -1: it does not answer. */
int	generation_is_old(void);
/* Both have the next number, durably: at a start, when the index is owned, and
   at the end of a stop. What fails is said. */
void	generation_next(void);
/* Once a second, by the shard that database 0 is of. */
void	generation_tick(void);

#endif
