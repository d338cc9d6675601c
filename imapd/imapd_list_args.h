/*
 * The arguments of LIST (RFC 5258 6, 5819, 6154 6) and the patterns of LIST
 * and LSUB.
 */
#ifndef IMAPD_IMAPD_LIST_ARGS_H
#define IMAPD_IMAPD_LIST_ARGS_H

#include "lib/base/buf.h"

#include "imapd/imapd_args.h"

enum { IMAPD_LIST_PATTERNS_MAX = 100 };	/* of one LIST */

enum imapd_list_option {
	IMAPD_L_SUBSCRIBED = 1,
	IMAPD_L_REMOTE = 2,	/* there are none: nothing more is listed */
	IMAPD_L_RECURSIVE = 4,	/* RECURSIVEMATCH */
	IMAPD_L_USE = 8,	/* SPECIAL-USE */
	IMAPD_L_CHILDREN = 16,
	IMAPD_L_STATUS = 32,
};

struct imapd_list_args {
	unsigned select, back;	/* bits of enum imapd_list_option: selection
				   and return options */
	int	 extended;	/* something of RFC 5258 is in it */
	int	 delimiter;	/* "a special request to return the hierarchy
				   delimiter" (RFC 3501 6.3.8) */
	unsigned status;	/* items (imapd_status.h) */
	struct buf *patterns;
	size_t	 n;
};

/* Reads the n arguments. 0; -1: why says what is wrong; clear it either way. */
int	imapd_list_args_read(struct imapd_list_args *l,
	    const struct imapd_arg *args, size_t n, const char **why)
	    ATTR_CHECK;
void	imapd_list_args_clear(struct imapd_list_args *l);
/* Is there a pattern that the name fits? */
int	imapd_list_args_match(const struct imapd_list_args *l,
	    const char *name, size_t len);

/*
 * Reference and pattern as one pattern in UTF-8; out is initialised. 0, or -1:
 * nothing can match.
 */
int	imapd_pattern_read(const struct imapd_arg *ref,
	    const struct imapd_arg *pat, struct buf *out);
/* As pattern_match; INBOX is matched in any case, as far as the pattern
   spells it out. */
int	imapd_pattern_name(const struct buf *pattern, const char *name,
	    size_t len);

#endif
