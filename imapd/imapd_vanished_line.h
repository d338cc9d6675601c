/*
 * The response VANISHED (RFC 7162 3.2.10): uids as ranges, in lines of at most
 * about 8,000 octets.
 */
#ifndef IMAPD_IMAPD_VANISHED_LINE_H
#define IMAPD_IMAPD_VANISHED_LINE_H

#include <stdint.h>

#include "lib/base/buf.h"

struct imapd_vanished_line {
	struct buf *out;
	int	 earlier;
	uint32_t lo, hi;	/* of the range that may grow; 0: none */
	size_t	 len;		/* of the line; 0: it has not begun */
};

/* Adds lo..hi, which is above all before it. */
void	imapd_vanished_put(struct imapd_vanished_line *l, uint32_t lo,
	    uint32_t hi);
/* Ends the line, if there is one. */
void	imapd_vanished_end(struct imapd_vanished_line *l);

#endif
