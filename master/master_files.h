/*
 * The configuration as it was taken.
 */
#ifndef MASTER_MASTER_FILES_H
#define MASTER_MASTER_FILES_H

#include <spawn.h>

#include "lib/base/buf.h"
#include "master/master_conf.h"

/* Copies in memory that nobody can change; -1 where there is none. */
struct files {
	int	 conf, cert, key;
};

/* Reads dir/rohrpost.conf into c, and takes copies. 0; -1 with why. */
int	files_take(const char *dir, struct files *f, struct master_conf *c,
	    struct buf *why) ATTR_CHECK;
void	files_drop(struct files *f);
/* For a program: their places at its exec. What -F says; NULL: no memory. */
const char *files_actions(const struct files *f, int tls,
	    posix_spawn_file_actions_t *fa);

#endif
