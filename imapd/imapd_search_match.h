/*
 * Whether a message matches the keys of a SEARCH, as far as its record tells
 * and the answers that its file gave (imapd_search_scan.h).
 */
#ifndef IMAPD_IMAPD_SEARCH_MATCH_H
#define IMAPD_IMAPD_SEARCH_MATCH_H

#include "imapd/imapd_search_parse.h"

/* IMAPD_UNKNOWN: a key without an answer decides it. */
enum imapd_match imapd_search_match(const struct imapd_key *k,
	    const struct imapd_view *v, uint32_t seq,
	    const struct door_record *r);
/*
 * Those of the keys without an answer that matter, of a tree that is
 * IMAPD_UNKNOWN: appends them to list[*n_r], which has room for all.
 */
void	imapd_search_open(struct imapd_key *k, const struct imapd_view *v,
	    uint32_t seq, const struct door_record *r,
	    struct imapd_key **list, size_t *n_r);

/* Looks the keywords up in the box's list, which may have changed since the
   last time: before any message is held against k. */
void	imapd_search_keywords(struct imapd_key *k, const struct imapd_box *b);

#endif
