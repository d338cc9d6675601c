/*
 * Looks for a string in texts that come in pieces, without case: needle and
 * texts are folded (mime_fold). A needle is made once; how far into it a text
 * has matched is a number that the caller keeps between the pieces.
 */
#ifndef IMAPD_IMAPD_FINDER_H
#define IMAPD_IMAPD_FINDER_H

#include <stddef.h>
#include <stdint.h>

/* A needle, folded, with its table for one pass over the haystack. */
struct imapd_needle {
	char	*p;
	size_t	 len;
	uint32_t *back;		/* where to go on after a mismatch */
};

void	imapd_needle_init(struct imapd_needle *n, const char *p, size_t len);
void	imapd_needle_clear(struct imapd_needle *n);
/*
 * The next piece of a folded text. *at, 0 at its start, is how many octets of
 * the needle match at the piece's end. True when it is found; an empty needle
 * is found at once.
 */
int	imapd_needle_find(const struct imapd_needle *n, size_t *at,
	    const char *p, size_t len);

#endif
