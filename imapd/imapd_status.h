/*
 * The items of STATUS (RFC 3501 6.3.10, 7162 3.1.7, 7889 5, 8438, 9208 4.4),
 * which LIST has too (RFC 5819).
 */
#ifndef IMAPD_IMAPD_STATUS_H
#define IMAPD_IMAPD_STATUS_H

#include "lib/mail/door.h"

#include "imapd/imapd_args.h"

struct imapd_session;

/*
 * Reads a list of items into bits, each of which counts once however often it
 * is named. 0; -1: no list, an empty one, or an item that is not known.
 */
int	imapd_status_items(const struct imapd_arg *list, unsigned *bits_r)
	    ATTR_CHECK;
/* The answer about one mailbox, in the making. */
struct imapd_status {
	char	*name;		/* NULL: there is none */
	uint32_t id;
	unsigned bits;
	int	 asked;		/* now is as store said */
	struct door_mailbox now;
	uint32_t uid, left;	/* the next to look at for \Deleted; how many */
	uint64_t deleted;	/* octets of those before it */
};

/* About a mailbox of the list of names; clear it in the end. */
void	imapd_status_begin(struct imapd_status *st,
	    const struct door_mailbox *m, unsigned bits);
void	imapd_status_clear(struct imapd_status *st);
/*
 * Asks store, and says "* STATUS" in the end. With HIGHESTMODSEQ CONDSTORE
 * begins. 1; 0: call it again, for DELETED-STORAGE of a large mailbox takes
 * several answers of store; -1 (imapd_door says why).
 */
int	imapd_status_more(struct imapd_session *s, struct imapd_status *st)
	    ATTR_CHECK;

#endif
