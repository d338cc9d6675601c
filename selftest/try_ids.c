/*
 * Who it is.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "selftest/attacker.h"

enum { UID_MAX = 1 << 16 };

int
try_be_root(void)
{
	int e = error_of(setuid(0));

	if (e != 0)
		e = error_of(setresuid(0, 0, 0));
	return e == 0 || geteuid() == 0 ? 0 : e;
}

int
try_be_root_group(void)
{
	int e = error_of(setgid(0));

	return e == 0 || getegid() == 0 ? 0 : e;
}

int
try_more_groups(void)
{
	gid_t none[1] = { 0 };

	return error_of(setgroups(1, none));
}

/* None of the uids that a system gives to programs. */
int
try_be_another(void)
{
	uid_t uid, mine = getuid();
	int e = 0;

	for (uid = 1; uid < UID_MAX; uid++)
		if (uid != mine && (e = error_of(setuid(uid))) == 0)
			return 0;
	return e;
}

int
try_capable(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { .effective = 0 } };

	if (syscall(SYS_capget, &h, d) == -1)
		return errno;
	return d[0].permitted != 0 || d[1].permitted != 0 ? 0 : EPERM;
}

int
try_dumpable(void)
{
	int e = error_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));

	return e == 0 || prctl(PR_GET_DUMPABLE) == 1 ? 0 : e;
}

int
try_outlive(void)
{
	int e = error_of(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)), sig = 0;

	return prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig != SIGKILL ? 0 : e;
}
