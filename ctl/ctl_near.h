/*
 * What somebody may have meant: names that are near to one that is not there.
 */
#ifndef CTL_CTL_NEAR_H
#define CTL_CTL_NEAR_H

#include "ctl/ctl_keys.h"

enum {
	NEAR_MAX = 3,		/* names that are told */
	NEAR_LENGTH = 64	/* octets of a name that is compared */
};

/*
 * How many octets have to be put in, taken out or changed to make the one the
 * other; more than NEAR_LENGTH where one is longer than that.
 */
unsigned near_distance(const char *a, const char *b);
/*
 * Appends up to NEAR_MAX keys that are like the name, or have it within, the
 * nearest first, with ", " between them. Nothing where none is.
 */
void	near_keys(const struct keys *k, const char *name, struct buf *out);

#endif
