/*
 * What setup needs of the system: the users, and state_dir with the two
 * directories that compiled tables go to, which each edit of a table makes
 * where they are missing. The other directories are made by
 * master at each start (master/master_setup.c).
 *
 * As root the system users and the group are made where they are missing, and
 * each directory gets its owner; otherwise all belongs to the caller.
 */
#ifndef CTL_CTL_SYSTEM_H
#define CTL_CTL_SYSTEM_H

#include "ctl/ctl_table.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* As root: makes missing users. 0, or -1 with why. */
int	system_users(struct buf *why) ATTR_CHECK;
/* Makes missing directories; sets owner and mode of all. 0, or -1 with why. */
int	system_dirs(const char *state_dir, struct buf *why) ATTR_CHECK;
/*
 * Makes missing directories and leaves the others as they are. In somebody
 * else's instance they belong to whom the configuration belongs to. 0, or -1
 * with why.
 */
int	system_missing(const char *state_dir, const char *conf_dir,
	    struct buf *why) ATTR_CHECK;
/* mkdir -p of path's parents and path. 0, or -1 with errno. */
int	system_mkdir(const char *path, unsigned mode) ATTR_CHECK;

/* The groups that read the compiled files, as far as they are there; -1. */
void	system_groups(gid_t gid[TABLE_CDBS]);

#endif
