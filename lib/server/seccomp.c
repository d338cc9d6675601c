/*
 * The filters themselves are made at build time (mkfilter.c).
 */
#include <config.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/server/program.h"
#include "lib/server/seccomp.h"

#ifdef HAVE_SECCOMP

#include "lib/server/filter.h"

int
server_filter(unsigned rights, struct buf *why)
{
	/* The kernel takes a pointer to what is not const, and only reads. */
	struct sock_fprog prog = { .len = filters[rights % RIGHTS].n,
		.filter = (struct sock_filter *)(uintptr_t)
		filters[rights % RIGHTS].f };

	/* A thread that before_jail started is bound by it too. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_TSYNC, &prog) == 0)
		return 0;
	buf_set(why, "system call filter: %s", strerror(errno));
	return -1;
}

#else

int
server_filter(unsigned rights, struct buf *why)
{
	return 0;
}

#endif
