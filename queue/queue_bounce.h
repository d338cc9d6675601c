/*
 * The text of a report: a multipart/report (RFC 3462) of a text for people, a
 * message/delivery-status (RFC 3464), and the header of the original, or, where
 * the sender asked for it and something failed, all of it (RFC 3461 4.3). But for
 * the latter it is seven bits wide, with CRLF lines under 999 octets, whatever
 * the original and the remote's words were.
 *
 * To the owner of a list it tells the addresses in that list, for they are what
 * he can mend, and nothing of what the sender asked for (RFC 3461 5.2.7.3).
 *
 * Bounds: BOUNCE_HEADER_MAX octets of the original's header, BOUNCE_WHOLE_MAX of
 * the original (of a larger one the header is returned), BOUNCE_LISTED
 * recipients in the text for people, BOUNCE_MAX octets without the original.
 */
#ifndef QUEUE_QUEUE_BOUNCE_H
#define QUEUE_QUEUE_BOUNCE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "queue/queue_envelope.h"
#include "queue/queue_target.h"

enum {
	BOUNCE_HEADER_MAX = 32 * 1024,
	BOUNCE_WHOLE_MAX = 1024 * 1024,
	BOUNCE_LISTED = 50,
	BOUNCE_MAX = 2 * 1024 * 1024,
};

struct bounce {
	const char *id;			/* of the bounce itself */
	const char *about;		/* queue id of the original */
	const char *hostname;
	int64_t	 now;
	uint64_t boundary;		/* random */
	int64_t	 until;			/* what waits is given up then */
	const struct envelope *env;	/* of the original */
	const char *to;			/* its sender, or the owner of a list */
	const struct targets *targets;	/* those target_owed to that one are
					   told of */
};

/* Is all of the original to be returned? */
int	bounce_is_whole(const struct bounce *b);
/*
 * Appends the message as it is stored up to the original, with Return-Path and
 * Delivered-To in front; forward_r and final_r are the offsets after the two.
 */
void	bounce_text(const struct bounce *b, struct buf *out,
	    uint32_t *forward_r, uint32_t *final_r);
/* Then all of the original, */
void	bounce_whole(const struct bounce *b, const char *p, size_t len,
	    struct buf *out);
/* or its header: p is what was read of it, BOUNCE_HEADER_MAX + 4 octets or as
   much as there is. */
void	bounce_header(const struct bounce *b, const char *p, size_t len,
	    struct buf *out);

#endif
