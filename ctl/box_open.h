/*
 * The files of a source of mail, which root alone may be able to read, are
 * opened by a process that stays root and does nothing else; who parses them
 * has given root up and asks for each by its path. Nothing is opened through a
 * symbolic link, above the source, or twice at once; what is neither folder nor
 * regular file is refused (EINVAL), and never waited for.
 */
#ifndef CTL_BOX_OPEN_H
#define CTL_BOX_OPEN_H

#include <dirent.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum { BOX_PATH_MAX = 4000 };

/* Serves the paths below the folder top that come on fd, until its end. */
void	box_serve(int top, int fd);
/* Asks for one: "" is top itself. A descriptor O_RDONLY, or -1 with errno; it
   ends the process where nobody serves any more. */
int	box_open(int fd, const char *path) ATTR_CHECK;
DIR	*box_opendir(int fd, const char *path);
/* Appends the file, which is of at most max octets. -1 with errno. */
int	box_slurp(int fd, const char *path, struct buf *out) ATTR_CHECK;
/*
 * Gives up root for the user of pickup, without a way back; what remains are
 * the descriptors. 0, or -1 with why.
 */
int	box_drop(struct buf *why) ATTR_CHECK;

#endif
