/*
 * HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 6.4.5): fields picked out of a
 * header block that comes in pieces. A long one is read twice, once for the
 * length of the literal, and never held as a whole.
 */
#ifndef IMAPD_IMAPD_PICK_H
#define IMAPD_IMAPD_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

#include "imapd/imapd_fetch_items.h"

/* A larger block goes in pieces. */
enum { IMAPD_PICK_PIECE = 64 * 1024 };

/* Zeroed at the start of a block. */
struct imapd_pick {
	int	 want;		/* the field that is at hand */
	int	 inside;	/* the piece before ended within a line */
	int	 end;		/* the empty line was there */
};

/*
 * Appends to out what is picked of the next octets p..len; last: nothing
 * follows them. How many were taken: what is left, less than a line, comes
 * again with what follows it. With the end comes the empty line.
 */
size_t	imapd_pick(struct imapd_pick *k, const struct imapd_item *it,
	    const char *p, size_t len, int last, struct buf *out);

/* The fields of a block in a file. */
struct imapd_picking {
	enum { PICK_NOTHING, PICK_COUNT, PICK_PUT } pass;
	const struct imapd_item *item;
	struct imapd_pick pick;
	uint64_t at, block;	/* what was read of the block, its length */
	uint64_t len;		/* of all that is picked */
	uint64_t skip, left;	/* of the partial: not to be said, to be said */
	struct buf in, picked;
};

/* Of a file's first block octets. */
void	imapd_picking_begin(struct imapd_picking *g,
	    const struct imapd_item *it, uint64_t block);
/*
 * Reads a piece; in the second pass what is picked goes out, after the
 * literal's length, which ends the first. 0, or -1: the file is shorter, or
 * cannot be read. pass is PICK_NOTHING at the end.
 */
int	imapd_picking_step(struct imapd_picking *g, int fd, struct buf *out)
	    ATTR_CHECK;
void	imapd_picking_clear(struct imapd_picking *g);

#endif
