/*
 * The one way from root to a user.
 */
#ifndef LIB_SERVER_PRIVDROP_H
#define LIB_SERVER_PRIVDROP_H

#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

struct privdrop {
	uid_t	 uid;
	gid_t	 gid;
	gid_t	 extra_gid;		/* (gid_t)-1: none */
	const char *jail;		/* chroot there; NULL: none */
};

/*
 * Sets groups, chroots (and chdirs), sets all three gids and uids, makes the
 * process not dumpable and deaf to new privileges, verifies that root cannot
 * come back. Returns 0, or -1 with why; the caller then exits.
 */
int	privdrop(const struct privdrop *p, struct buf *why) ATTR_CHECK;

/*
 * For the programs that have to be root (pam, admin): each keeps the id, no group but
 * root's, and of the capabilities those for files alone; not dumpable and deaf
 * to new privileges as above. 0, or -1 with why.
 */
int	privdrop_to_files(struct buf *why) ATTR_CHECK;

#endif
