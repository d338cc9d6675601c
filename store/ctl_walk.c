#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/user_path.h"
#include "store/body.h"
#include "store/ctl_walk.h"
#include "store/shard_chores.h"

typedef int each_user(void *arg, const char *name, const char *path);

static int
walk_one(const char *path, each_user *each, void *arg)
{
	char name[400];

	if (user_path_name(path, name, sizeof(name)) == 0)
		return each(arg, name, path);
	log_warn("mail/%s: no name of a user", path);
	return 0;
}

int
walk_users(const char *user, each_user *each, void *arg, struct buf *why)
{
	char path[BODY_PATH_MAX / 2];
	struct body_users *u;
	int r = 0;

	if (user != NULL && *user != '\0') {
		if (user_path(user, path, sizeof(path)) == -1 ||
		    !body_user_present(path)) {
			buf_set(why, "%s has no mailboxes", user);
			return -1;
		}
		return each(arg, user, path);
	}
	if ((u = body_users()) == NULL) {
		buf_set(why, "the mail folder: %s", strerror(errno));
		return -1;
	}
	while (r == 0 && !helper_stopping() && body_users_next(u, path, sizeof(path)) == 1)
		r = walk_one(path, each, arg);
	body_users_end(&u);
	return r;
}
