/*
 * What has to be there before the first program: descriptors, directories
 * with their owners, and the lock that keeps a second master away.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/drop.h"
#include "master/master.h"
#include "master/master_setup.h"

struct directory {
	const char *name, *user, *group;
	mode_t	 mode;
};

/* doc/internals.md, "Processes". */
static const struct directory directories[] = {
	{ "", "root", "root", 0755 },
	{ "spool", "root", "root", 0755 },
	{ "spool/queue", "rp-queue", "rp-spool", 0750 },
	{ "spool/queue/body", "rp-queue", "rp-spool", 02770 },
	{ "spool/queue/db", "rp-queue", "rp-queue", 0700 },
	{ "spool/queue/bad", "rp-queue", "rp-queue", 0700 },
	{ DROP_FOLDER, "root", "root", 01733 },
	{ "spool/mail", "rp-store", "rp-store", 0700 },
	{ "spool/index", "rp-store", "rp-store", 0700 },
	{ "spool/collect", "rp-collect", "rp-collect", 0700 },
	{ "jail", "root", "root", 0755 },
	{ "jail/state", "rp-store", "rp-store", 0755 },
	{ "auth", "root", "rp-auth", 0750 },
	{ "run", "root", "root", 0755 },
	{ "log", "rp-log", "rp-log", 0750 },
};

const char *
setup_path(const char *name)
{
	static char path[2 * SETTINGS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", master.conf.state_dir, name);
	return path;
}

static int
own_directory(const struct directory *d, int fd, struct buf *why)
{
	struct passwd *pw = getpwnam(d->user);
	struct group *gr = getgrnam(d->group);

	if (pw == NULL || gr == NULL) {
		buf_set(why, "the system %s %s is missing: run systemd-sysusers"
		    " with " SYSUSERS, pw == NULL ? "user" : "group",
		    pw == NULL ? d->user : d->group);
		return -1;
	}
	if (fchown(fd, pw->pw_uid, gr->gr_gid) == -1 ||
	    fchmod(fd, d->mode) == -1) {
		buf_set(why, "%s: %s", setup_path(d->name), strerror(errno));
		return -1;
	}
	return 0;
}

static int
make_directory(const struct directory *d, struct buf *why)
{
	const char *path = setup_path(d->name);
	int fd, r = 0;

	if (mkdir(path, d->mode) == -1 && errno != EEXIST) {
		buf_set(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	/* Its owner may have put a link in its place: that is not followed. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		buf_set(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (master.root)
		r = own_directory(d, fd, why);
	fd_close(&fd);
	return r;
}

int
setup_directories(struct buf *why)
{
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (make_directory(&directories[i], why) == -1)
			return -1;
	return 0;
}

/*
 * run/master.pid is locked as long as we live, and holds our number. The lock
 * is no child's: it goes with us, and what the children own (databases) they
 * lock themselves.
 */
int
setup_lock(struct buf *why)
{
	const char *path = setup_path("run/master.pid");
	char text[32] = "";
	ssize_t n;
	int fd, len;

	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		buf_set(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		n = pread(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
		buf_set(why, "%s: runs already as process %s", path, text);
		fd_close(&fd);
		return -1;
	}
	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)len, 0) != len) {
		buf_set(why, "%s: %s", path, strerror(errno));
		fd_close(&fd);
		return -1;
	}
	master.lock_fd = fd;
	return 0;
}

static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* 0 to SERVER_FD_LAST are the children's layout: none of ours may lie there. */
int
setup_descriptors(struct buf *why)
{
	int fd, pipe_fd[2];

	raise_files();
	for (fd = 0; fd <= SERVER_FD_LAST; ) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd == -1)
			goto fail;
	}
	master.null_fd = fd;
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		goto fail;
	if ((master.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC,
	    SERVER_FD_LAST + 1)) == -1)
		goto fail;
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) == -1)
		goto fail;
	master.log_read_fd = pipe_fd[0];
	master.log_write_fd = pipe_fd[1];
	return 0;
fail:
	buf_set(why, "descriptors: %s", strerror(errno));
	return -1;
}
