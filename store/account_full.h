/*
 * The names published as full.
 */
#ifndef STORE_ACCOUNT_FULL_H
#define STORE_ACCOUNT_FULL_H

int	full_is(const char *name);
/* The name is full now, or no longer. */
void	full_change(const char *name, int on);
void	full_publish(void);
/* Calls each for every one, under the lock. */
void	full_each(void (*each)(void *arg, const char *name), void *arg);
/* Once a second: publishes what could not be published before. */
void	full_tick(void);

#endif
