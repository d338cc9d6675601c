/*
 * What the index that is there still says of the files that a rebuild has
 * found: which of them were no messages.
 */
#ifndef STORE_ACCOUNT_REBUILD_OLD_H
#define STORE_ACCOUNT_REBUILD_OLD_H

#include <stdint.h>

#include "lib/base/attr.h"

struct account;
struct found;

/* Files that go to expunged; all 0 at first. */
struct old_aside {
	struct old_file {
		uint32_t mailbox, uid;
	} *file;
	size_t	 n;
	size_t	 at;		/* so many have gone */
};

/* In the shard: asks it. 0; -1: the index does not answer. */
int	old_read(struct account *a, struct found *found) ATTR_CHECK;
/*
 * In a helper, behind that: takes out of found what is no message, a file that
 * was moved away and could not be unlinked yet, and what a COPY that was killed
 * has left; the latter is noted in aside.
 */
void	old_leave_out(struct found *found, struct old_aside *aside);
/* In a helper: the next ones go, at most max. 1 where there are more. */
int	old_aside_next(const struct account *a, struct old_aside *aside,
	    size_t max) ATTR_CHECK;
void	old_aside_clear(struct old_aside *aside);

#endif
