/*
 * A body looked at: whole, no loop, its header, what IMAP will want cached.
 */
#ifndef DELIVER_DELIVER_BODY_H
#define DELIVER_DELIVER_BODY_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/packed.h"

enum {
	DELIVER_LOAD_MAX = 16 << 20,	/* larger bodies are read in pieces and
					   get no cache record: imapd makes it
					   when it is asked */
};

enum body_verdict {
	BODY_GOOD,
	BODY_BROKEN,		/* why says how */
	BODY_UNREAD,		/* an error of reading: later */
};

struct body {
	uint32_t header_len;
	uint32_t mark;		/* enum door_mark */
	struct buf cache;	/* record of mime_cache, or empty */
	const char *data;	/* what was read of it, from its start, */
	size_t	 data_len;	/* ... borrowed until the next body */
	const char *header;	/* the block, borrowed likewise */
	size_t	 header_read;	/* octets of it that were read */
};

/* Reads and judges the whole body; b->cache must be an initialised buf. */
enum body_verdict body_read(struct body *b, int fd, uint64_t length,
	    uint32_t crc, struct buf *why) ATTR_CHECK;
/*
 * Does a mark of this host (lib/mail/mark.h) behind offset from (what is
 * before, we wrote with this message) name the address or the owner?
 */
int	body_loops(const struct body *b, uint32_t from, const char *host,
	    const struct packed_target *t);

#endif
