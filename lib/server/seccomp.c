/*
 * A list of what is denied, not of what is allowed: an allow list breaks with
 * the next libc. Denied is what one process does to another, to the kernel or
 * to the name spaces; no library of ours asks for any of it. The answer is
 * EPERM, so that a library that only probes goes on.
 */
/* The build's, not our neighbour of that name. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "lib/server/server_impl.h"

#ifdef HAVE_SECCOMP
#include <seccomp.h>

static const char *const denied[] = {
	/* other processes */
	"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"process_mrelease", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
	"kcmp", "setpriority", "sched_setscheduler", "sched_setparam",
	"sched_setattr", "sched_setaffinity", "ioprio_set", "migrate_pages",
	"move_pages", "get_robust_list",
	/* new programs and name spaces */
	"execve", "execveat", "unshare", "setns", "chroot", "pivot_root",
	"mount", "umount2", "mount_setattr", "move_mount", "open_tree",
	"fsopen", "fsconfig", "fsmount", "fspick", "mknod", "mknodat",
	"open_by_handle_at", "name_to_handle_at",
	/* the kernel */
	"bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key",
	"request_key", "init_module", "finit_module", "delete_module",
	"kexec_load", "kexec_file_load", "reboot", "syslog", "swapon",
	"swapoff", "acct", "quotactl", "quotactl_fd", "iopl", "ioperm",
	"modify_ldt", "personality", "vhangup", "lookup_dcookie",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "fanotify_init",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"sethostname", "setdomainname", "nfsservctl",
};

static int
add_rules(scmp_filter_ctx ctx, struct buf *why)
{
	static const struct scmp_arg_cmp others = { .arg = 0,
		.op = SCMP_CMP_NE, .datum_a = 0, .datum_b = 0 };
	size_t i;
	int nr, r = 0;

	for (i = 0; r == 0 && i < sizeof(denied) / sizeof(denied[0]); i++) {
		nr = seccomp_syscall_resolve_name(denied[i]);
		if (nr == __NR_SCMP_ERROR)
			continue;	/* not on this machine */
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	/* The limits of others; getrlimit of oneself is prlimit64(0). */
	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(prlimit64), 1, &others);
	if (r != 0)
		buf_set(why, "system call filter: %s", strerror(-r));
	return r;
}

int
server_filter(struct buf *why)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (ctx == NULL) {
		buf_set(why, "system call filter: no memory");
		return -1;
	}
	/* A thread that before_jail started is bound by it too. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Tree search: about seven comparisons a call, not eighty. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = add_rules(ctx, why);
	if (r == 0 && (r = seccomp_load(ctx)) != 0)
		buf_set(why, "system call filter: %s", strerror(-r));
	seccomp_release(ctx);
	return r == 0 ? 0 : -1;
}

#else

int
server_filter(struct buf *why)
{
	return 0;
}

#endif
