#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/tree.h"

static int	remove_name(int at, const char *name, int level);

/* Keeps the first errno; 0 is success. */
static void
note(int *e, int r)
{
	if (r == -1 && *e == 0)
		*e = errno;
}

static int
empty(DIR *d, int level)
{
	const struct dirent *entry;
	int e = 0;

	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			note(&e, remove_name(dirfd(d), entry->d_name, level));
	}
	closedir(d);
	errno = e;
	return e == 0 ? 0 : -1;
}

static int
remove_name(int at, const char *name, int level)
{
	DIR *d;
	int e = 0;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (level == TREE_LEVELS) {
		errno = ELOOP;
		return -1;
	}
	d = fd_opendir(at, name);
	note(&e, d == NULL ? -1 : empty(d, level + 1));
	if (unlinkat(at, name, AT_REMOVEDIR) == 0)
		return 0;
	note(&e, -1);
	errno = e;
	return -1;
}

int
tree_remove(int at, const char *name)
{
	return remove_name(at, name, 0);
}

int
tree_empty(int fd)
{
	DIR *d = fdopendir(fd);

	if (d == NULL) {
		fd_close(&fd);
		return -1;
	}
	return empty(d, 0);
}
