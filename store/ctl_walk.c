#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "store/body.h"
#include "store/ctl_walk.h"

typedef int each_user(void *arg, const char *name, const char *path);

static DIR *
open_at(const char *path)
{
	DIR *d = fd_opendir(body_root(), path);

	if (d == NULL && errno != ENOTDIR)
		log_warn("mail/%s: %s", path, strerror(errno));
	return d;
}

static int
walk_domain(const char *domain, each_user *each, void *arg)
{
	char path[BODY_PATH_MAX / 2], name[400];
	struct dirent *e;
	DIR *d = open_at(domain);
	int r = 0;

	while (d != NULL && r == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", domain,
		    e->d_name) >= sizeof(path) ||
		    body_user_name(path, name, sizeof(name)) == -1)
			log_warn("mail/%s: no name of a user", path);
		else
			r = each(arg, name, path);
	}
	if (d != NULL)
		closedir(d);
	return r;
}

int
walk_users(const char *user, each_user *each, void *arg, struct buf *why)
{
	char path[BODY_PATH_MAX / 2];
	struct dirent *e;
	int fd, r = 0;
	DIR *d;

	if (user != NULL && *user != '\0') {
		if (body_user_path(user, path, sizeof(path)) == -1 ||
		    (fd = body_user_dir(path)) == -1) {
			buf_set(why, "%s has no mailboxes", user);
			return -1;
		}
		fd_close(&fd);
		return each(arg, user, path);
	}
	if ((d = open_at(".")) == NULL) {
		buf_set(why, "the mail folder: %s", strerror(errno));
		return -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			r = walk_domain(e->d_name, each, arg);
	closedir(d);
	return r;
}
