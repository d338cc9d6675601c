/*
 * The keys of SEARCH as a tree (RFC 3501 6.4.4, 5032, 7162 3.1.5, 8474, 8514).
 */
#ifndef IMAPD_IMAPD_SEARCH_PARSE_H
#define IMAPD_IMAPD_SEARCH_PARSE_H

#include <stdint.h>

#include "lib/mail/mime_charset.h"

#include "imapd/imapd_args.h"
#include "imapd/imapd_finder.h"
#include "imapd/imapd_view.h"

enum imapd_key_op {
	IMAPD_K_ALL, IMAPD_K_AND, IMAPD_K_OR, IMAPD_K_NOT,
	IMAPD_K_SEQ,		/* set of sequence numbers */
	IMAPD_K_FLAGS,		/* (flags & number) == value */
	IMAPD_K_RECENT, IMAPD_K_NEW, IMAPD_K_OLD,
	IMAPD_K_KEYWORD,
	IMAPD_K_BEFORE, IMAPD_K_ON, IMAPD_K_SINCE,	/* INTERNALDATE */
	IMAPD_K_SAVEDBEFORE, IMAPD_K_SAVEDON, IMAPD_K_SAVEDSINCE,
	IMAPD_K_OLDER, IMAPD_K_YOUNGER,	/* value: the date that divides */
	IMAPD_K_LARGER, IMAPD_K_SMALLER, IMAPD_K_MODSEQ,
	IMAPD_K_EMAILID,	/* name (imapd_search_ids.h) */
	IMAPD_K_THREADID,	/* no message has one */
	/* these need the file */
	IMAPD_K_SENTBEFORE, IMAPD_K_SENTON, IMAPD_K_SENTSINCE,
	IMAPD_K_ADDRESS,	/* what ENVELOPE lists of the field name */
	IMAPD_K_HEADER, IMAPD_K_BODY, IMAPD_K_TEXT,
};

enum imapd_match { IMAPD_NO, IMAPD_YES, IMAPD_UNKNOWN };

struct imapd_key {
	enum imapd_key_op op;
	struct imapd_key *first, *next;		/* operands */
	struct imapd_set set;
	uint64_t number, value;
	char	*name;				/* keyword, field (lower), id */
	const uint16_t *which;			/* EMAILID: borrowed */
	int	 bit;				/* of the keyword, or -1 */
	struct imapd_needle needle;
	/* of the message that is looked at (imapd_search_scan.h) */
	enum imapd_match answer;		/* a key that needs the file */
	size_t	 at;				/* what of the needle fits */
};

/*
 * Reads n arguments into a tree. NULL: why says what is wrong. cs is what the
 * strings are in.
 */
struct imapd_key *imapd_search_parse(const struct imapd_arg *args, size_t n,
	    const struct imapd_view *v, const struct mime_charset *cs,
	    const char **why);
void	imapd_search_free(struct imapd_key **k);
/* How many keys the tree has, with those that join others. */
size_t	imapd_search_count(const struct imapd_key *k);
/* Is there a MODSEQ among the keys? */
int	imapd_search_modseq(const struct imapd_key *k);

#endif
