#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/server/privdrop.h"

static int
failed(struct buf *why, const char *what)
{
	buf_set(why, "privileges: %s: %s", what, strerror(errno));
	return -1;
}

static int
enter(const struct privdrop *p, struct buf *why)
{
	gid_t groups[2] = { p->gid, p->extra_gid };

	if (setgroups(p->extra_gid == (gid_t)-1 ? 1 : 2, groups) == -1)
		return failed(why, "setgroups");
	if (p->jail != NULL && (chroot(p->jail) == -1 || chdir("/") == -1)) {
		buf_set(why, "privileges: chroot %s: %s", p->jail,
		    strerror(errno));
		return -1;
	}
	if (setresgid(p->gid, p->gid, p->gid) == -1)
		return failed(why, "setresgid");
	if (setresuid(p->uid, p->uid, p->uid) == -1)
		return failed(why, "setresuid");
	return 0;
}

/* The kernel's word is not taken for it: root must not come back. */
static int
verify(const struct privdrop *p, struct buf *why)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) == -1 ||
	    getresgid(&g[0], &g[1], &g[2]) == -1)
		return failed(why, "getresuid");
	if (u[0] != p->uid || u[1] != p->uid || u[2] != p->uid ||
	    g[0] != p->gid || g[1] != p->gid || g[2] != p->gid) {
		buf_set(why, "privileges: the ids did not change");
		return -1;
	}
	if (setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1 ||
	    chroot("/") != -1) {
		buf_set(why, "privileges: root came back");
		return -1;
	}
	return 0;
}

static int
lock_in(struct buf *why)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return failed(why, "prctl");
	return 0;
}

int
privdrop(const struct privdrop *p, struct buf *why)
{
	if (p->uid == 0 || p->gid == 0) {
		buf_set(why, "privileges: the new user is root");
		return -1;
	}
	if (enter(p, why) == -1 || verify(p, why) == -1)
		return -1;
	return lock_in(why);
}

/*
 * An account's file in pam_faillock's folder is the user's own: to make, give
 * away, and write. /etc/shadow is root's on some systems with no right for
 * anybody. (The bounding set stays: nothing is executed.)
 */
enum {
	FILE_CAPS = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE |
	    1u << CAP_FOWNER,
};

int
privdrop_to_files(struct buf *why)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 0 } };
	const gid_t root = 0;

	if (setgroups(1, &root) == -1 || setresgid(0, 0, 0) == -1)
		return failed(why, "setgroups");
	if (syscall(SYS_capget, &head, caps) == -1)
		return failed(why, "capabilities");
	caps[0].permitted &= FILE_CAPS;
	caps[0].effective = caps[0].permitted;
	caps[1].permitted = caps[1].effective = 0;
	caps[0].inheritable = caps[1].inheritable = 0;
	if (syscall(SYS_capset, &head, caps) == -1)
		return failed(why, "capabilities");
	return lock_in(why);
}
