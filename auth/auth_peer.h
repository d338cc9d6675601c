/*
 * An asker's channel: login or smtpd at the other end. What comes is given to
 * message; when the channel has ended, or its peer broke a rule, lost is
 * called, which must free it.
 *
 * DIAGNOSTICS: a peer that is dropped is named in a warning.
 */
#ifndef AUTH_AUTH_PEER_H
#define AUTH_AUTH_PEER_H

#include <ev.h>

#include "lib/base/chan.h"
#include "lib/base/msg.h"
#include "lib/base/peer.h"

struct auth_peer {
	struct auth_peer *next;		/* the owner's list */
	void	*owner;
	/* 0, or -1: drop the peer. m is gone afterwards, with its passwords. */
	int	(*message)(struct auth_peer *p, const struct msg *m);
	void	(*lost)(struct auth_peer *p);
	enum peer kind;
	uint32_t instance;
	unsigned requests;		/* under way, the owner's count */
	struct ev_loop *loop;
	struct chan chan;
	ev_io	 readable, writable;
};

/* Takes fd over; the owner sets owner, message and lost. */
struct auth_peer *auth_peer_new(struct ev_loop *loop, enum peer kind,
	    uint32_t instance, int fd);
/* Closes; does not call lost. */
void	auth_peer_free(struct auth_peer **p);
/*
 * Ends the message that was begun in chan and writes it, or waits for room.
 * The peer stays valid; where it does not read, it is lost soon.
 */
void	auth_peer_send(struct auth_peer *p);

#endif
