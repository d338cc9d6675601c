/*
 * A changed /etc/resolv.conf.
 */
#ifndef MASTER_MASTER_WATCH_H
#define MASTER_MASTER_WATCH_H

/* Before resolve starts: what is there now is what it will read. */
void	watch_init(void);
/* Once a second. */
void	watch_tick(double now);

#endif
