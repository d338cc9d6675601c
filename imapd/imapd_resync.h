/*
 * The parameter QRESYNC of SELECT and EXAMINE (RFC 7162 3.2.5): what the client
 * knows of the mailbox.
 */
#ifndef IMAPD_IMAPD_RESYNC_H
#define IMAPD_IMAPD_RESYNC_H

#include "imapd/imapd_args.h"
#include "imapd/imapd_view.h"

struct imapd_resync {
	uint32_t uidvalidity;
	uint64_t modseq;
	struct imapd_set uids;		/* all where none are named */
	struct imapd_set seqs, pairs;	/* numbers and their uids, as many */
};

/* Reads its list. 0, or -1; imapd_resync_clear either way. */
int	imapd_resync_read(struct imapd_resync *r, const struct imapd_arg *a)
	    ATTR_CHECK;
void	imapd_resync_clear(struct imapd_resync *r);
/*
 * The highest uid of the pairs that still has its number: no message up to it
 * has gone that the client does not know of. 0: none.
 */
uint32_t imapd_resync_floor(const struct imapd_resync *r,
	    const struct imapd_view *v);

#endif
