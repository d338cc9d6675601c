/*
 * The skeleton's side of one blocking peer, for tests: server_peer and its
 * like, and a thread at the other end that answers what comes.
 */
#ifndef TESTS_LINK_PEER_H
#define TESTS_LINK_PEER_H

#include "lib/base/msg.h"

/*
 * A peer that speaks p: hook is called in the thread for each message, and
 * answers by c; -1 from it ends the channel.
 */
void	peer_begin(const struct msg_proto *p,
	    int (*hook)(struct chan *c, struct msg *m));
/* When that channel is lost, another one whose peer answers by hook. Once. */
void	peer_next(int (*hook)(struct chan *c, struct msg *m));
/* Ends the channel and the thread. Any number of times. */
void	peer_end(void);
/* The module's channel, closed or not. */
struct chan *peer_chan(void);
/* 1 if the worker said that it retires; forgets it. */
int	peer_retired(void);

#endif
