/*
 * Removes folders with all that is in them, by descriptors: some belong to
 * users whose programs may be the enemy, and a path through them leads where
 * they want. No symbolic link is followed.
 */
#ifndef LIB_BASE_TREE_H
#define LIB_BASE_TREE_H

#include "lib/base/attr.h"

enum { TREE_LEVELS = 20 };	/* folders within folders; what is deeper stays */

/*
 * Removes name below at: a file, a link, or a folder with all that is in it.
 * What is not there is removed already. 0; or -1 with the first errno, and
 * what could be removed is gone.
 */
int	tree_remove(int at, const char *name);
/* The same with all that is in the folder fd, which is closed. */
int	tree_empty(int fd);

#endif
