/*
 * The text of a bounce: a multipart/report (RFC 3462) of a text for people, a
 * message/delivery-status (RFC 3464), and the header of the original. All of
 * it is seven bits wide, with CRLF lines under 999 octets, whatever the
 * original and the remote's words were.
 *
 * Bounds: BOUNCE_HEADER_MAX octets of the original's header, BOUNCE_LISTED
 * recipients in the text for people, BOUNCE_MAX octets at all.
 */
#ifndef QUEUE_QUEUE_BOUNCE_H
#define QUEUE_QUEUE_BOUNCE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "queue/queue_envelope.h"
#include "queue/queue_target.h"

enum {
	BOUNCE_HEADER_MAX = 32 * 1024,
	BOUNCE_LISTED = 50,
	BOUNCE_MAX = 2 * 1024 * 1024,
};

struct bounce {
	const char *id;			/* of the bounce itself */
	const char *about;		/* queue id of the original */
	const char *hostname;
	int64_t	 now;
	uint64_t boundary;		/* random */
	const struct envelope *env;	/* of the original */
	const struct targets *targets;	/* those TARGET_REFUSED are told of */
	const char *header;		/* the original's, as far as was read */
	size_t	 header_len;
};

/*
 * Appends the message as it is stored, with Return-Path and Delivered-To in
 * front; forward_r and final_r are the offsets after the two.
 */
void	bounce_text(const struct bounce *b, struct buf *out,
	    uint32_t *forward_r, uint32_t *final_r);

#endif
