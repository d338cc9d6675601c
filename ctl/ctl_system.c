#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_compile.h"
#include "ctl/ctl_system.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/server/program.h"

static const struct {
	const char *path;
	mode_t	 mode;
	const char *group;	/* NULL: root */
} dirs[] = {
	{ "", 0755, NULL },
	{ "jail", 0755, NULL },
	{ "auth", 0750, "rp-auth" },
};

static int
run_tool(const char *const argv[], struct buf *why)
{
	static const char *const places[] = { "/usr/sbin", "/sbin" };
	struct buf path = BUF_INIT(0), out = BUF_INIT(4000);
	int r = -1;
	size_t i;

	for (i = 0; r == -1 && i < 2; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", places[i], argv[0]);
		r = ctl_run_program(buf_str(&path), argv, &out);
	}
	if (r != 0)
		buf_set(why, _("%s %s: %s (systemd-sysusers with %s makes the "
		    "users too)"), argv[0], argv[1], out.len > 0 ?
		    buf_str(&out) : _("failed"), SYSUSERS);
	buf_clear(&path);
	buf_clear(&out);
	return r == 0 ? 0 : -1;
}

int
system_users(struct buf *why)
{
	const char *group[] = { "groupadd", "--system", NULL, NULL };
	const char *user[] = { "useradd", "--system", "--user-group",
		"--no-create-home", "--home-dir", "/nonexistent", "--shell",
		"/usr/sbin/nologin", NULL, NULL };
	size_t i;

	if (geteuid() != 0)
		return 0;
	for (i = 0; i < PROGRAM_COUNT; i++) {
		group[2] = programs[i].group;
		user[8] = programs[i].user;
		if (group[2] != NULL && getgrnam(group[2]) == NULL &&
		    run_tool(group, why) == -1)
			return -1;
		if (user[8] != NULL && getpwnam(user[8]) == NULL &&
		    run_tool(user, why) == -1)
			return -1;
	}
	return 0;
}

int
system_mkdir(const char *path, unsigned mode)
{
	char *copy = mem_strdup(path), *p;
	int r = 0, e;

	for (p = copy + 1; r == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		r = mkdir(copy, 0755) == -1 && errno != EEXIST ? -1 : 0;
		*p = '/';
	}
	if (r == 0 && mkdir(copy, mode) == -1 && errno != EEXIST)
		r = -1;
	e = errno;
	free(copy);
	errno = e;
	return r;
}

/*
 * Owner and mode through a descriptor: no name is followed twice. user is
 * whose instance it is.
 */
static int
own(int fd, const char *group, mode_t mode, const struct stat *user)
{
	const struct group *gr = NULL;
	int r = 0;

	if (geteuid() == 0 && user != NULL && user->st_uid != 0) {
		r = fchown(fd, user->st_uid, user->st_gid);
	} else if (geteuid() == 0) {
		if (group != NULL && (gr = getgrnam(group)) == NULL)
			return -1;
		r = fchown(fd, 0, gr == NULL ? 0 : gr->gr_gid);
	}
	return r == 0 ? fchmod(fd, mode) : -1;
}

static int
own_dir(const char *path, size_t i, const struct stat *user, struct buf *why)
{
	int fd = -1, r = 0;

	errno = 0;
	if (system_mkdir(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	if (fd == -1 || own(fd, dirs[i].group, dirs[i].mode, user) == -1 ||
	    fd_sync_dir(fd) == -1) {
		if (errno != 0)
			buf_set(why, "%s: %s", path, strerror(errno));
		else
			buf_set(why, _("%s: its system group is missing: run "
			    "systemd-sysusers with %s"), path, SYSUSERS);
		r = -1;
	}
	fd_close(&fd);
	return r;
}

/* user NULL: those that are there, too. */
static int
make_dirs(const char *state_dir, const struct stat *user, struct buf *why)
{
	struct buf path = BUF_INIT(0);
	struct stat st;
	int r = 0;
	size_t i;

	for (i = 0; r == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		buf_reset(&path);
		buf_printf(&path, "%s%s%s", state_dir,
		    dirs[i].path[0] != '\0' ? "/" : "", dirs[i].path);
		if (user == NULL || stat(buf_str(&path), &st) == -1)
			r = own_dir(buf_str(&path), i, user, why);
	}
	buf_clear(&path);
	return r;
}

int
system_dirs(const char *state_dir, struct buf *why)
{
	return make_dirs(state_dir, NULL, why);
}

int
system_missing(const char *state_dir, const char *conf_dir, struct buf *why)
{
	struct stat user;

	if (stat(conf_dir, &user) == -1) {
		buf_set(why, "%s: %s", conf_dir, strerror(errno));
		return -1;
	}
	return make_dirs(state_dir, &user, why);
}

void
system_groups(gid_t gid[TABLE_CDBS])
{
	const struct group *g;
	int i;

	for (i = 0; i < TABLE_CDBS; i++) {
		g = geteuid() == 0 && compile_files[i].group != NULL ?
		    getgrnam(compile_files[i].group) : NULL;
		gid[i] = g != NULL ? g->gr_gid : (gid_t)-1;
	}
}
