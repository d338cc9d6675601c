/*
 * EMAILID of a SEARCH (RFC 8474): which message has which of the ids that its
 * keys name. Store is asked before the search begins, an answer of it a step.
 * It takes two octets for each message of the view, however many keys there
 * are.
 */
#ifndef IMAPD_IMAPD_SEARCH_IDS_H
#define IMAPD_IMAPD_SEARCH_IDS_H

#include "imapd/imapd_search_parse.h"

struct imapd_search_ids {
	unsigned char (*id)[DOOR_ID];	/* that are named, in order */
	size_t	 n_ids;
	uint16_t *which;	/* of each sequence number: id[which - 1]; 0 */
	size_t	 n, at;		/* messages; those that were asked for */
};

/* For the keys of that tree, in a view of n messages. */
void	imapd_search_ids_init(struct imapd_search_ids *ids,
	    struct imapd_key *key, size_t n);
void	imapd_search_ids_clear(struct imapd_search_ids *ids);
/* 1: all is known, or nothing was asked; 0: there is more; -1: imapd_door says
   why. */
int	imapd_search_ids_more(struct imapd_search_ids *ids,
	    const struct imapd_view *v);

#endif
