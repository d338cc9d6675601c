/*
 * The end of all mail of a user, and its way to another name. The folder of a
 * user goes to .removed at once, by one rename, so that all of its mail is
 * there or none; what lies there goes in slices.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "store/body.h"
#include "store/body_impl.h"

static const char removed[] = ".removed";

enum { LEVELS = 4 };	/* user, mailbox, expunged, and one of a text */

static int
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int
is_link(int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode);
}

int
body_user_link(const char *user, char *path, size_t size)
{
	DIR *d;
	struct dirent *e;
	int found = 0;

	snprintf(path, size, "%s", user);
	if (is_link(body_root(), user))
		return 1;
	if ((d = fd_opendir(body_root(), user)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while (!found && (e = readdir(d)) != NULL)
		if (is_link(dirfd(d), e->d_name)) {
			found = 1;
			snprintf(path, size, "%s/%s", user, e->d_name);
		}
	closedir(d);
	return found;
}

static int
make_dir(const char *path)
{
	if (mkdirat(body_root(), path, 0700) == 0 || errno == EEXIST)
		return 0;
	return body_give() && (mkdirat(body_root(), path, 0700) == 0 ||
	    errno == EEXIST) ? 0 : -1;
}

/* The folder that a user's is in. */
static void
domain_of(const char *user, char *path, size_t size)
{
	str_copy(path, size, user);
	path[strcspn(path, "/")] = '\0';
}

int
body_user_remove(const char *user)
{
	char to[BODY_NAME + sizeof(removed)], domain[BODY_PATH_MAX];

	if (make_dir(removed) == -1 || body_sync_path(".") == -1)
		return -1;
	snprintf(to, sizeof(to), "%s/%016llx", removed,
	    (unsigned long long)clock_now_us());
	domain_of(user, domain, sizeof(domain));
	if (renameat(body_root(), user, body_root(), to) == -1)
		return errno == ENOENT ? 0 : -1;
	return body_sync_path(removed) == 0 && body_sync_path(domain) == 0 ?
	    1 : -1;
}

int
body_user_rename(const char *from, const char *to)
{
	char domain[BODY_PATH_MAX], there[BODY_PATH_MAX];

	domain_of(to, domain, sizeof(domain));
	domain_of(from, there, sizeof(there));
	if (make_dir(domain) == -1 || body_sync_path(".") == -1 ||
	    renameat(body_root(), from, body_root(), to) == -1)
		return -1;
	return body_sync_path(domain) == 0 ? body_sync_path(there) : -1;
}

/* At most *left names of the folder, and it. 0: it is gone; 1: more is left;
   -1 with errno: something of it stays. */
static int
empty_some(int at, const char *name, int *left, int levels)
{
	int fd, r = 0, e = 0;
	struct dirent *d;
	DIR *dir;

	if (unlinkat(at, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return errno == ENOENT ? 0 : -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || levels == 0 || (dir = fdopendir(fd)) == NULL) {
		e = fd == -1 || levels > 0 ? errno : ENOTEMPTY;
		fd_close(&fd);
		errno = e;
		return -1;
	}
	while (*left > 0 && r != 1 && (d = readdir(dir)) != NULL) {
		if (is_dot(d->d_name))
			continue;
		--*left;
		if ((r = empty_some(fd, d->d_name, left, levels - 1)) == -1)
			e = errno;
	}
	r = r == 1 || *left == 0;
	closedir(dir);
	if (r == 0 && e == 0)
		return unlinkat(at, name, AT_REMOVEDIR);
	errno = e;
	return e != 0 ? -1 : 1;
}

int
body_removed_next(void)
{
	int left = BODY_SLICE;

	return empty_some(body_root(), removed, &left, LEVELS);
}

int
body_removed_present(void)
{
	return faccessat(body_root(), removed, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
