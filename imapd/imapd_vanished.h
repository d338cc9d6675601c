/*
 * VANISHED (RFC 7162 3.2.10): the line, and what VANISHED (EARLIER) tells at
 * SELECT and UID FETCH.
 *
 * Store knows what was expunged since a modseq, as far as its log reaches back
 * and if it is not too much. Else all uids that the client may know and that
 * have no message are told, as ranges: "servers that do not remember" them may.
 */
#ifndef IMAPD_IMAPD_VANISHED_H
#define IMAPD_IMAPD_VANISHED_H

#include "imapd/imapd_session.h"

/* Lines of at most about 8,000 octets. */
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

struct imapd_vanished {
	int	 on;			/* there is something to tell */
	struct imapd_set known;		/* of these uids ... */
	uint32_t next;			/* ... from here on */
	uint64_t since;
	int	 asked, complete;
	uint32_t *gone;			/* as store told; complete */
	size_t	 n_gone, at;
	size_t	 range;			/* of known, where it is not complete */
};

/* uids are copied; what lies up to floor is known to be there. */
void	imapd_vanished_begin(struct imapd_vanished *v,
	    const struct imapd_set *uids, uint64_t since, uint32_t floor);
void	imapd_vanished_clear(struct imapd_vanished *v);
/* Tells the next piece. 1: that was all; 0: there is more; -1: imapd_door says
   why. */
int	imapd_vanished_more(struct imapd_session *s,
	    struct imapd_vanished *v);

#endif
