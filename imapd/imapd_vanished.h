/*
 * What VANISHED (EARLIER) tells at SELECT and UID FETCH (RFC 7162 3.2.10.1).
 *
 * Store knows what was expunged since a modseq, as far as its log reaches back
 * and if it is not too much. Else all uids that the client may know and that
 * have no message are told, as ranges: "servers that do not remember" them may.
 */
#ifndef IMAPD_IMAPD_VANISHED_H
#define IMAPD_IMAPD_VANISHED_H

#include "imapd/imapd_session.h"
#include "imapd/imapd_vanished_line.h"

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
