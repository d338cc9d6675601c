#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/reserve.h"

enum { CHUNK = 256 * 1024, PATH_LEN = 1200 };

/* The octets free to us on the file system of a file, whether it is there. */
static int
free_at(const char *path, uint64_t *free_r)
{
	char dir[PATH_LEN], *slash;
	struct statvfs v;

	if (strlen(path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(dir, path);
	if ((slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
	if (statvfs(slash != NULL ? dir : ".", &v) == -1)
		return -1;
	*free_r = v.f_favail == 0 && v.f_files > 0 ? 0 :
	    (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

/* Where blocks cannot be had without writing into them. */
static int
fill(int fd, uint64_t size)
{
	char *zeros = mem_zalloc(1, CHUNK);
	uint64_t off;
	int r = 0;

	for (off = 0; r == 0 && off < size; off += CHUNK)
		r = fd_write_all(fd, zeros, size - off < CHUNK ?
		    (size_t)(size - off) : CHUNK);
	free(zeros);
	return r;
}

int
reserve_keep(const char *path, uint64_t size, uint64_t spare)
{
	uint64_t room;
	int e, fd, r;

	if (access(path, F_OK) == 0)
		return 1;
	if (free_at(path, &room) == -1)
		return -1;
	if (room < size + spare)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return errno == EEXIST;
	r = fallocate(fd, 0, 0, (off_t)size);
	if (r == -1 && (errno == EOPNOTSUPP || errno == ENOSYS))
		r = fill(fd, size);
	e = errno;
	if (fd_close(&fd) == -1 && r == 0) {
		e = errno;
		r = -1;
	}
	if (r == 0)
		return 1;
	unlink(path);
	errno = e;
	return e == ENOSPC || e == EDQUOT ? 0 : -1;
}

int
reserve_give(const char *path)
{
	return unlink(path) == 0;
}

uint64_t
reserve_room(const char *path)
{
	struct stat st;
	uint64_t room;

	if (free_at(path, &room) == -1)
		return UINT64_MAX;
	return lstat(path, &st) == 0 ? room + (uint64_t)st.st_blocks * 512 :
	    room;
}
