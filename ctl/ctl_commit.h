/*
 * An edit of the tables is done or not done, over all of its files: texts in
 * the configuration directory, compiled files in two others.
 *
 *   1. each file is written beside its place, as NAME.new, and synced; the one
 *      that is there gets a second name, NAME.old
 *   2. DIR/.edit says which files are meant; all three directories are synced
 *   3. the renames, passwd first: an account without its hash would lock its
 *      user out, a hash without an account does nothing
 *   4. .edit goes: that is the commit
 *
 * What fails before the commit is undone at once; who was killed before it is
 * undone by the next command that opens the tables. All space is taken in the
 * first two steps, where nothing is in force yet.
 */
#ifndef CTL_CTL_COMMIT_H
#define CTL_CTL_COMMIT_H

#include "ctl/ctl_set.h"

/*
 * Saves the edited texts of s, whose lock is held, and compiles all tables
 * into state_dir; gid is that of each compiled file (-1: the directory's). 0; or
 * -1 with why, and nothing has changed.
 */
int	set_commit(struct set *s, const char *state_dir,
	    const gid_t gid[TABLE_CDBS], struct buf *why) ATTR_CHECK;
/* 1 while somebody is between the steps 2 and 4, or was killed there. */
int	commit_pending(int dirfd);
/*
 * Under the lock: undoes what was not committed. 0, or -1 with why: also where
 * a file was changed by hand since, which then stays.
 */
int	commit_recover(const struct table *const *tables, int dirfd,
	    const char *dir, struct buf *why) ATTR_CHECK;

#endif
