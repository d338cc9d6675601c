/*
 * Prints the system call filter as initializers of struct sock_filter.
 *
 * A list of what is denied, not of what is allowed: an allow list breaks with
 * the next libc. Denied is what one process does to another, to the kernel or
 * to the name spaces; no library of ours asks for any of it. The answer is
 * EPERM, so that a library that only probes goes on.
 *
 * It runs at build time, so that libseccomp, which knows the numbers, costs no
 * process its 90 KB of memory.
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

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
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"fanotify_init",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"sethostname", "setdomainname", "nfsservctl",
};

static void
must(int r)
{
	if (r < 0) {
		errno = -r;
		err(1, "mkfilter");
	}
}

static void
add_rules(scmp_filter_ctx ctx)
{
	static const struct scmp_arg_cmp others = { .arg = 0,
		.op = SCMP_CMP_NE, .datum_a = 0, .datum_b = 0 };
	size_t i;
	int nr;

	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		nr = seccomp_syscall_resolve_name(denied[i]);
		if (nr >= 0)		/* else not on this machine */
			must(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr,
			    0));
	}
	/* The limits of others; getrlimit of oneself is prlimit64(0). */
	must(seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM),
	    SCMP_SYS(prlimit64), 1, &others));
}

int
main(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	struct sock_filter f;
	FILE *bpf = tmpfile();

	if (ctx == NULL || bpf == NULL)
		err(1, "mkfilter");
	must(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_ERRNO(EPERM)));
	/* Tree search: about seven comparisons a call, not eighty. */
	must(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2));
	add_rules(ctx);
	must(seccomp_export_bpf(ctx, fileno(bpf)));
	seccomp_release(ctx);
	rewind(bpf);
	while (fread(&f, sizeof(f), 1, bpf) == 1)
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", f.code, f.jt, f.jf,
		    f.k);
	if (ferror(bpf) || fclose(bpf) != 0 || fflush(stdout) != 0)
		err(1, "mkfilter");
	return 0;
}
