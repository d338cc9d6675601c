/*
 * Whether a message matches the keys of a SEARCH.
 */
#ifndef IMAPD_IMAPD_SEARCH_MATCH_H
#define IMAPD_IMAPD_SEARCH_MATCH_H

#include "imapd/imapd_fetch_body.h"
#include "imapd/imapd_search_parse.h"

enum imapd_match { IMAPD_NO, IMAPD_YES, IMAPD_UNKNOWN };

/* Before the jail: nothing is loaded later. -1 with why, where some of those
   character sets are unknown; the others are good. why is empty before. */
int	imapd_search_init(const char *charsets, struct buf *why) ATTR_CHECK;

/*
 * Does the message match? m NULL: its file is not open, and keys that need it
 * are IMAPD_UNKNOWN.
 */
enum imapd_match imapd_search_match(const struct imapd_key *k,
	    const struct imapd_view *v, uint32_t seq,
	    const struct door_record *r, struct imapd_message *m);

#endif
