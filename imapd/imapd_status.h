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
/*
 * Asks store about a mailbox of the list of names, and says "* STATUS". With
 * HIGHESTMODSEQ CONDSTORE begins. 0, or -1 (imapd_door says why).
 */
int	imapd_status_put(struct imapd_session *s,
	    const struct door_mailbox *m, unsigned bits) ATTR_CHECK;

#endif
