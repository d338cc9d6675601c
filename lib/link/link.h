/*
 * A channel (lib/base/chan.h) in an event loop: reads messages of one protocol
 * and hands them to a hook, writes what was built as far as the socket takes
 * it, tells when the channel has ended. It belongs to one thread.
 *
 * The owner embeds a struct link in what it keeps of that peer. `message` and
 * `lost` are called by the loop only: never below link_send, link_flush,
 * link_drop, link_resume or link_turn_flush, so that a caller's peer stays
 * what it is until the loop has its turn. Both may free the owner, after
 * link_clear.
 *
 * Bounds are those of the channel: CHAN_FRAME_MAX a frame, CHAN_OUT_MAX what
 * waits to be written. A peer that does not read is dropped (LINK_DEAF), never
 * waited for. Where the work that a peer may ask for has a bound, link_pause
 * leaves the rest in its socket.
 *
 * DIAGNOSTICS: none; `lost` says why, and link_warn writes it.
 */
#ifndef LIB_LINK_LINK_H
#define LIB_LINK_LINK_H

#include <ev.h>
#include <sys/queue.h>

#include "lib/base/msg.h"

/*
 * Links whose answers go out together: link_send puts a link here, and
 * link_turn_flush, once in a turn of the loop, writes them all. Starts as
 * TAILQ_HEAD_INITIALIZER.
 */
TAILQ_HEAD(link_turn, link);

enum link_end {
	LINK_ENDED,	/* the peer closed it (why NULL), or it failed */
	LINK_DEAF,	/* the peer does not read what we write */
	LINK_BROKE,	/* a bad frame, or what `message` refused */
};

struct link_kind {
	const struct msg_proto *proto;
	/*
	 * A message, valid during the call and not after link_clear. 0; -1:
	 * it breaks a rule, why may say which, and the link ends
	 * (LINK_BROKE; what was answered is written first, as far as it
	 * goes). What -1 says does not count where the link was cleared.
	 */
	int	(*message)(struct link *l, struct msg *m, struct buf *why);
	/* The channel has ended and is closed; why may be NULL. Once. */
	void	(*lost)(struct link *l, enum link_end how, const char *why);
	/* Everything that had to wait for the peer to read is out. Or NULL. */
	void	(*written)(struct link *l);
	struct link_turn *turn;	/* NULL: link_send writes at once */
	int	 secret;	/* wipes the memory that messages lay in */
};

struct link {
	struct chan chan;	/* messages are built here; fd -1: closed */
	enum peer peer;
	uint32_t instance;
	void	*owner;		/* for the hooks */

	/* link.c's own. */
	const struct link_kind *kind;
	struct ev_loop *loop;
	ev_io	 reading, writing;
	TAILQ_ENTRY(link) in_turn;
	int	 touched;	/* stands in the list of the turn */
	int	 paused;
	int	 full;		/* the socket took not everything */
	int	 ending;	/* lost is due, with: */
	enum link_end how;
	const char *why;	/* static words, or NULL */
	int	*cleared;	/* where a call below the loop looks */
};

/* A link without a channel; loop, kind and owner live longer than it. */
void	link_init(struct link *l, struct ev_loop *loop,
	    const struct link_kind *kind, void *owner);
/* Takes fd (non-blocking) over and begins to read. The link was closed. */
void	link_open(struct link *l, enum peer peer, uint32_t instance, int fd);
/* Closes the channel, if there is one, without a word to lost. Again any
   number of times. */
void	link_clear(struct link *l);
int	link_is_open(const struct link *l);

/* Begins a message (msg.h) and returns the channel to build it in. */
struct chan *link_begin(struct link *l, unsigned type, uint32_t id);
/*
 * Ends the message that was begun and writes it, now or with its turn. Where
 * the link is closed it is thrown away; where it does not fit, or the table
 * does not allow it, the link ends (LINK_DEAF).
 */
void	link_send(struct link *l);
/* Writes what msg_end left in the channel, now or with its turn. */
void	link_flush(struct link *l);
/* Writes for each link of the list. */
void	link_turn_flush(struct link_turn *t);

/* The link ends soon, without another message. why: static, or NULL. */
void	link_drop(struct link *l, enum link_end how, const char *why);

/*
 * The peer is known to have ended: what it said before is handed over, then
 * it is lost. Unlike the others this calls the hooks, so it is for the
 * loop's own call; not for a link that is paused.
 */
void	link_finish(struct link *l);

/* No more messages, not even those that were read, nor the channel's end. */
void	link_pause(struct link *l);
/* The same, and nothing is written until link_flush: the channel is lent to
   a thread. */
void	link_lend(struct link *l);
/* Goes on, with what was read first. */
void	link_resume(struct link *l);

/* One line: "NAME INSTANCE: WHY". why NULL: none. */
void	link_warn(const struct link *l, const char *why);

#endif
