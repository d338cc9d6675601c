/*
 * What an edit changes, as people read it: a unified diff of two texts, with
 * three lines of context.
 */
#ifndef CTL_CTL_DIFF_H
#define CTL_CTL_DIFF_H

#include <stddef.h>

#include "lib/base/buf.h"

enum {
	DIFF_CONTEXT = 3,
	/* Lines between the first and the last that differ, old times new:
	   beyond that all of the old ones are shown as gone. */
	DIFF_CELLS = 4 << 20,
};

/*
 * Appends the diff from one text to the other, name being that of the file in
 * its two head lines. Nothing where both are the same.
 */
void	diff_unified(const char *name, const struct buf *from,
	    const struct buf *to, struct buf *out);

#endif
