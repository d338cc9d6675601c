/*
 * How old things are. A file tells by the wall clock since when it has its
 * name, and that clock may jump: what is removed for its age is judged by the
 * time that store really ran since. So a clock that jumps removes nothing
 * early, and what came while it was wrong goes late rather than early.
 *
 * Kept in mail/.clock: for each stretch in which the clock went evenly when it
 * began, by the clock and in seconds that store had run; and how long it had
 * run when that was written.
 */
#ifndef STORE_AGE_H
#define STORE_AGE_H

#include <stdint.h>

/* A new stretch begins. Before the threads start; the mail folder is open. */
void	age_start(void);
/* Looks whether the clock jumped. Once a second, by one thread. */
void	age_tick(void);
/* Writes it down; done once an hour anyhow. */
void	age_save(void);
/*
 * What came before that second by the wall clock is older than keep seconds of
 * time that ran. 0: nothing is. From any thread.
 */
int64_t	age_cutoff(uint64_t keep);
/* The same for what notes the second in 32 bits. */
uint32_t age_second(uint64_t keep);

#endif
