/*
 * The event loop of imapd: clients and the door are read when they have
 * something, sessions run in turn, and what one of them or store changed is
 * told to those in IDLE before the process sleeps. The hooks of struct
 * server; descriptors are taken over.
 */
#ifndef IMAPD_IMAPD_LOOP_H
#define IMAPD_IMAPD_LOOP_H

#include <ev.h>

#include "lib/server/server.h"

/* A door from master: the boxes go on with it. */
void	imapd_loop_wired(struct ev_loop *loop, const struct wire *w);
/* A client that has logged in. */
void	imapd_loop_session(struct ev_loop *loop, const struct session *from);
/* Says BYE to everybody; the process ends when they have had a second. */
void	imapd_loop_stop(struct ev_loop *loop);
/* Ends the session of that name at once; 0: all. */
void	imapd_loop_kick(struct ev_loop *loop, uint32_t id);

#endif
