#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_open.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"
#include "lib/server/privdrop.h"
#include "lib/server/program.h"
#include "lib/server/seccomp.h"

enum { DEPTH_MAX = 64, FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	O_CLOEXEC };

/* The next level of a path: "", "." and ".." are none. 0, or -1. */
static int
level(const char **path, char name[256])
{
	size_t n = strcspn(*path, "/");

	if (n == 0 || n > 255)
		return -1;
	memcpy(name, *path, n);
	name[n] = '\0';
	*path += n + ((*path)[n] == '/');
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -1 : 0;
}

static int
good_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return 0;
	errno = EINVAL;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
}

/* Level by level, so that no link leads away. */
static int
open_below(int top, const char *path)
{
	struct stat st;
	int fd = -1, next, n;
	char name[256];

	if (*path == '\0' && fstat(top, &st) == 0 && S_ISREG(st.st_mode))
		return fcntl(top, F_DUPFD_CLOEXEC, 0);
	fd = openat(top, ".", FLAGS | O_DIRECTORY);

	for (n = 0; fd != -1 && *path != '\0'; n++) {
		if (n == DEPTH_MAX || level(&path, name) == -1) {
			errno = EINVAL;
			next = -1;
		} else
			next = openat(fd, name, FLAGS |
			    (*path != '\0' ? O_DIRECTORY : 0));
		close(fd);
		fd = next;
	}
	if (fd != -1 && !good_kind(fd))
		fd_close(&fd);
	return fd;
}

static int
give(int to, int fd, int error)
{
	struct iovec v = { &error, sizeof(error) };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = { .space = "" };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd != -1) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c.space);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == -1 ? -1 : 0;
}

void
box_serve(int top, int fd)
{
	char path[BOX_PATH_MAX + 1];
	ssize_t n;
	int file, r = 0;

	while (r == 0 && (n = recv(fd, path, BOX_PATH_MAX, 0)) > 0) {
		/* The last octet says that the path is whole. */
		path[n - 1] = path[n - 1] == '\n' ? '\0' : '/';
		path[n] = '\0';
		file = open_below(top, path);
		r = give(fd, file, file == -1 ? errno : 0);
		fd_close(&file);
	}
}

static int
take(int from)
{
	int error = EIO, fd = -1;
	struct iovec v = { &error, sizeof(error) };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c.space) };
	struct cmsghdr *h;

	/* Without who opens there is nothing more to read. */
	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != sizeof(error))
		_exit(CTL_LATER);
	h = CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	errno = error;
	return fd;
}

int
box_open(int fd, const char *path)
{
	char text[BOX_PATH_MAX];
	size_t n = strlen(path);

	if (n + 1 > sizeof(text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(text, path, n);
	text[n] = '\n';
	if (send(fd, text, n + 1, MSG_NOSIGNAL) == -1)
		_exit(CTL_LATER);
	return take(fd);
}

DIR *
box_opendir(int fd, const char *path)
{
	int folder = box_open(fd, path), e;
	DIR *d;

	if (folder == -1)
		return NULL;
	if ((d = fdopendir(folder)) == NULL) {
		e = errno;
		close(folder);
		errno = e;
	}
	return d;
}

int
box_slurp(int fd, const char *path, struct buf *out)
{
	int file = box_open(fd, path), e, r;

	if (file == -1)
		return -1;
	r = fd_slurp(file, out);
	e = errno;
	close(file);
	errno = e;
	return r;
}

int
box_drop(struct buf *why)
{
	const struct program *row = program_find(PEER_PICKUP, SERVICE_NONE);
	struct privdrop drop = { .extra_gid = (gid_t)-1 };
	struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	errno = 0;
	if ((pw = getpwnam(row->user)) == NULL) {
		buf_set(why, _("no user %s on this machine (%s)"), row->user,
		    errno != 0 ? strerror(errno) : SYSUSERS);
		return -1;
	}
	drop.uid = pw->pw_uid;
	drop.gid = pw->pw_gid;
	return privdrop(&drop, why) == -1 ||
	    server_filter(0, why) == -1 ? -1 : 0;
}
