/*
 * sd_notify(3) without the library.
 */
#ifndef MASTER_MASTER_NOTIFY_H
#define MASTER_MASTER_NOTIFY_H

/* Takes NOTIFY_SOCKET out of the environment. */
void	notify_init(void);
/* Nothing where nobody wants to know. */
void	notify(const char *state);

#endif
