/*
 * run/store.ctl: the operator's command (lib/mail/proto.h, C_*). Root and our
 * own uid are served; one request at a time is worked on, in a helper.
 */
#ifndef STORE_CTL_CONTROL_H
#define STORE_CTL_CONTROL_H

#include <ev.h>

/* Takes a listening socket over. */
void	ctl_listen(struct ev_loop *loop, int fd);
/* The tables were replaced: quotas are read again. */
void	ctl_reload(void);

#endif
