#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "lib/base/fd.h"

int
fd_close(int *fd)
{
	int r = 0;

	if (*fd != -1)
		r = close(*fd);
	*fd = -1;
	return r;
}

int
fd_standard(void)
{
	int fd, had_input = fcntl(STDIN_FILENO, F_GETFD) != -1;

	/* The lowest that is free is what open(2) gives. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
	return had_input;
}

int
fd_nonblock(int fd, int on)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl == -1)
		return -1;
	return fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK);
}

int
fd_cloexec(int fd, int on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

int
fd_pair(int fd_r[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd_r);
}

int
fd_write_all(int fd, const void *p, size_t len)
{
	const char *s = p;
	ssize_t n;

	while (len > 0) {
		n = write(fd, s, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_pread_all(int fd, void *p, size_t len, off_t off)
{
	char *s = p;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, s, len, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		s += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_open_file(int at, const char *path, int more)
{
	int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK | more);
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode))
			return fd;
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	}
	more = errno;
	fd_close(&fd);
	errno = more;
	return -1;
}

/* From off, or where that is -1 from where fd stands. */
static int
read_all(int fd, off_t off, struct buf *out)
{
	char chunk[16384];
	ssize_t n;

	for (;;) {
		n = off == -1 ? read(fd, chunk, sizeof(chunk)) :
		    pread(fd, chunk, sizeof(chunk), off);
		if (n == -1 && errno == ESPIPE && off == 0) {
			off = -1;
			continue;
		}
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		if (buf_append(out, chunk, (size_t)n) == -1) {
			errno = EFBIG;
			return -1;
		}
		if (off != -1)
			off += n;
	}
}

int
fd_slurp(int fd, struct buf *out)
{
	return read_all(fd, 0, out);
}

int
fd_read_rest(int fd, struct buf *out)
{
	return read_all(fd, -1, out);
}

DIR *
fd_opendir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	int e = errno;

	if (d == NULL)
		fd_close(&fd);
	errno = e;
	return d;
}

#ifdef NO_SYNC
int
fd_sync_but(int fd, const char *function, int (*sync)(int))
{
	const char *pattern = getenv("ROHRPOST_NO_SYNC");
	char link[32], path[PATH_MAX], text[2 * PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	snprintf(text, sizeof(text), "%s %s %s", program_invocation_short_name,
	    function, path);
	if (pattern == NULL || fnmatch(pattern, text, 0) == 0)
		return 0;
	return sync(fd);
}
#else
int
fd_sync(int fd)
{
	return fdatasync(fd);
}

int
fd_sync_dir(int dirfd)
{
	return fsync(dirfd);
}

int
fd_sync_all(int fd)
{
	return syncfs(fd);
}
#endif

int
fd_inherit(int fd, int dirfd, const char *name)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (name != NULL && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return fchown(fd, st.st_uid, st.st_gid);
	if (fstat(dirfd, &st) == -1)
		return -1;
	return st.st_uid == 0 ? 0 : fchown(fd, st.st_uid, st.st_gid);
}

/* A new file of that name: what a crash left there goes. */
static int
open_new(int dirfd, const char *name)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = openat(dirfd, name, flags, 0600);

	if (fd == -1 && errno == EEXIST && unlinkat(dirfd, name, 0) == 0)
		fd = openat(dirfd, name, flags, 0600);
	return fd;
}

enum { NEW_MAX = 300 };

/* NAME.new in tmp. */
static int
name_new(char *tmp, size_t size, const char *name)
{
	if (snprintf(tmp, size, "%s.new", name) < (int)size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int
fd_stage(int dirfd, const char *name, mode_t mode, const void *p, size_t len)
{
	struct stat st;
	char tmp[NEW_MAX];
	int fd, e, r;

	if (name_new(tmp, sizeof(tmp), name) == -1 ||
	    (fd = open_new(dirfd, tmp)) == -1)
		return -1;
	if ((mode & 077) != 0 &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode))
		mode = st.st_mode & 0777;
	r = fd_inherit(fd, dirfd, name) == -1 || fchmod(fd, mode) == -1 ||
	    fd_write_all(fd, p, len) == -1 || fd_sync(fd) == -1 ? -1 : 0;
	e = errno;
	if (close(fd) == -1 && r == 0) {
		e = errno;
		r = -1;
	}
	if (r == -1)
		unlinkat(dirfd, tmp, 0);
	errno = e;
	return r;
}

int
fd_replace(int dirfd, const char *name, mode_t mode, const void *p, size_t len)
{
	char tmp[NEW_MAX];
	int e;

	if (fd_stage(dirfd, name, mode, p, len) == -1 ||
	    name_new(tmp, sizeof(tmp), name) == -1)
		return -1;
	if (renameat(dirfd, tmp, dirfd, name) == 0)
		return fd_sync_dir(dirfd);
	e = errno;
	unlinkat(dirfd, tmp, 0);
	errno = e;
	return -1;
}

const char *
fd_network(int fd)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{ 0x6969, "NFS" }, { 0x517b, "SMB" }, { 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB" }, { 0x5346414f, "AFS" },
		{ 0x6b414653, "AFS" }, { 0x73757245, "Coda" },
		{ 0x564c, "NCP" },
	};
	struct statfs s;
	size_t i;

	if (fstatfs(fd, &s) == -1)
		return NULL;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (((unsigned long)s.f_type & 0xffffffff) == known[i].magic)
			return known[i].name;
	return NULL;
}

int
fd_no_writer(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == -1)
		return errno == EAGAIN || errno == EBUSY ? 0 : -1;
	return fcntl(fd, F_SETLEASE, F_UNLCK) == -1 ? -1 : 1;
}
