/*
 * Looks for a string in texts that come in pieces, without case (mime_fold):
 * a needle is made once, a finder goes through one haystack with it. Both
 * texts are UTF-8; a character may be cut between two pieces.
 */
#ifndef IMAPD_IMAPD_FINDER_H
#define IMAPD_IMAPD_FINDER_H

#include <stdint.h>

#include "lib/base/buf.h"

/* A needle, folded, with its table for one pass over the haystack. */
struct imapd_needle {
	char	*p;
	size_t	 len;
	uint32_t *back;		/* where to go on after a mismatch */
};

struct imapd_finder {
	const struct imapd_needle *needle;
	size_t	 at;		/* octets of the needle that match */
	int	 found;
	struct buf folded;
	char	 tail[4];	/* a character that was cut */
	size_t	 n_tail;
};

/* An empty needle is found at once. */
void	imapd_needle_init(struct imapd_needle *n, const char *p, size_t len);
void	imapd_needle_clear(struct imapd_needle *n);

/* The needle is borrowed. */
void	imapd_finder_init(struct imapd_finder *f,
	    const struct imapd_needle *n);
/* The next piece. True once it is found. */
int	imapd_finder_feed(struct imapd_finder *f, const char *p, size_t len);
/* What was fed and what comes next do not touch. */
void	imapd_finder_break(struct imapd_finder *f);
void	imapd_finder_clear(struct imapd_finder *f);

#endif
