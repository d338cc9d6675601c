/*
 * Prints the system call filters: for each set of rights (enum right) an array
 * of struct sock_filter, and the table "filters" of them.
 *
 * A list of what is denied, not of what is allowed: an allow list breaks with
 * the next libc. Denied is what one process does to another, to the kernel or
 * to the name spaces; no library of ours asks for any of it. The answer is
 * EPERM, so that a library that only probes goes on. What a right stands for
 * is denied where the program has not got it.
 *
 * It runs at build time, so that libseccomp, which knows the numbers, costs no
 * process its 90 KB of memory.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "lib/server/program.h"

static const char *const denied[] = {
	/* other processes */
	"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"process_mrelease", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
	"kcmp", "setpriority", "sched_setscheduler", "sched_setparam",
	"sched_setattr", "sched_setaffinity", "ioprio_set", "migrate_pages",
	"move_pages", "get_robust_list",
	/* ports are master's to open, pairs of sockets master's to make */
	"listen", "socketpair",
	/* name spaces */
	"unshare", "setns", "chroot", "pivot_root",
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
	/* memory that outlives a process, or that no limit of its counts */
	"shmget", "shmat", "shmctl", "semget", "semctl", "msgget", "msgctl",
	"mq_open", "mq_unlink", "memfd_create", "memfd_secret",
	NULL
};

/* A second process; a thread is a clone(2) of its own kind. */
static const char *const fork_calls[] = { "fork", "vfork", NULL };
static const char *const exec_calls[] = { "execve", "execveat", NULL };

/* Of files by name; open(2) is looked at more closely. */
static const char *const file_calls[] = {
	"creat", "openat2", "truncate", "mkdir", "mkdirat", "rmdir", "unlink",
	"unlinkat", "rename", "renameat", "renameat2", "link", "linkat",
	"symlink", "symlinkat", "chmod", "fchmodat", "fchmodat2", "chown",
	"lchown", "fchownat", "utime", "utimes", "futimesat", "utimensat",
	"setxattr", "lsetxattr", "setxattrat", "removexattr", "lremovexattr",
	"removexattrat", NULL
};

/*
 * A TCP connection that was accepted can be taken apart by connect(2) and led
 * elsewhere: who may make no socket may not do that either.
 */
static const char *const socket_calls[] = { "socket", "connect", "sendmmsg",
	NULL };
static const char *const bind_calls[] = { "bind", NULL };

static void
must(int r)
{
	if (r < 0) {
		errno = -r;
		err(1, "mkfilter");
	}
}

static void
deny(scmp_filter_ctx ctx, const char *const *names)
{
	int nr;

	for (; *names != NULL; names++) {
		nr = seccomp_syscall_resolve_name(*names);
		if (nr >= 0)		/* else not on this machine */
			must(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr,
			    0));
	}
}

static void
answer_where(scmp_filter_ctx ctx, int error, const char *name,
    struct scmp_arg_cmp arg)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr >= 0)
		must(seccomp_rule_add_array(ctx,
		    SCMP_ACT_ERRNO((unsigned)error), nr, 1, &arg));
}

static void
deny_where(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp arg)
{
	answer_where(ctx, EPERM, name, arg);
}

/* flags: the number of that argument. */
static void
deny_open(scmp_filter_ctx ctx, const char *name, unsigned flags)
{
	static const int bits[] = { O_CREAT, O_TRUNC };
	size_t i;
	int mode;

	for (mode = 1; mode <= O_ACCMODE; mode++)
		deny_where(ctx, name, SCMP_CMP(flags, SCMP_CMP_MASKED_EQ,
		    (scmp_datum_t)O_ACCMODE, (scmp_datum_t)mode));
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		deny_where(ctx, name, SCMP_CMP(flags, SCMP_CMP_MASKED_EQ,
		    (scmp_datum_t)bits[i], (scmp_datum_t)bits[i]));
}

static void
deny_bits(scmp_filter_ctx ctx, const char *name, unsigned arg, unsigned bits)
{
	deny_where(ctx, name, SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, bits, bits));
}

/*
 * Of who has no socket of its own: a stream that has ended is led elsewhere by
 * a first word (MSG_FASTOPEN) as by connect(2). What else has an address to
 * send to, a datagram, comes to nobody.
 */
static void
deny_sending(scmp_filter_ctx ctx)
{
	deny_where(ctx, "sendto", SCMP_CMP(4, SCMP_CMP_NE, 0));
	deny_bits(ctx, "sendto", 3, MSG_FASTOPEN);
	deny_bits(ctx, "sendmsg", 2, MSG_FASTOPEN);
}

static void
deny_sockets(scmp_filter_ctx ctx, unsigned rights)
{
	int domain, net;

	if (!(rights & RIGHT_NET))
		deny(ctx, bind_calls);
	if (!(rights & (RIGHT_NET | RIGHT_UNIX))) {
		deny(ctx, socket_calls);
		deny_sending(ctx);
		return;
	}
	for (domain = 0; domain <= AF_NETLINK; domain++) {
		net = domain == AF_INET || domain == AF_INET6 ||
		    domain == AF_NETLINK;
		if (!(net && rights & RIGHT_NET) &&
		    !(domain == AF_UNIX && rights & RIGHT_UNIX))
			/* libpam takes another answer for a kernel whose audit
			   is broken, and lets nobody in. */
			answer_where(ctx, domain == AF_NETLINK ? EAFNOSUPPORT :
			    EPERM, "socket", SCMP_CMP(0, SCMP_CMP_EQ,
			    (scmp_datum_t)domain));
	}
	deny_where(ctx, "socket", SCMP_CMP(0, SCMP_CMP_GT,
	    (scmp_datum_t)AF_NETLINK));
}

/* clone3(2) has its flags in memory: with "no such call" libc takes clone(2). */
static void
deny_processes(scmp_filter_ctx ctx, unsigned rights)
{
	int nr = seccomp_syscall_resolve_name("clone3");

	deny(ctx, fork_calls);
	if (nr >= 0)
		must(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0));
	if (rights & RIGHT_THREADS)
		deny_where(ctx, "clone", SCMP_CMP(0, SCMP_CMP_MASKED_EQ,
		    CLONE_THREAD, 0));
	else
		deny(ctx, (const char *const[]){ "clone", NULL });
}

/*
 * Code is what was mapped before the filter. And memory of nobody's but that
 * no limit counts, for it could be another's too (MAP_SHARED).
 */
static void
deny_memory(scmp_filter_ctx ctx)
{
	static const char *const maps[] = { "mmap", "mmap2" };
	size_t i;

	for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		deny_bits(ctx, maps[i], 2, PROT_EXEC);
		deny_bits(ctx, maps[i], 3, MAP_SHARED | MAP_ANONYMOUS);
	}
	deny_bits(ctx, "mprotect", 2, PROT_EXEC);
	deny_bits(ctx, "pkey_mprotect", 2, PROT_EXEC);
}

/* The kernel looks at the low half of the number alone. */
static void
deny_option(scmp_filter_ctx ctx, unsigned option)
{
	deny_where(ctx, "prctl", SCMP_CMP(0, SCMP_CMP_MASKED_EQ, 0xffffffff,
	    option));
}

static void
add_rules(scmp_filter_ctx ctx, unsigned rights)
{
	deny(ctx, denied);
	/* The limits of others; getrlimit of oneself is prlimit64(0). */
	deny_where(ctx, "prlimit64", SCMP_CMP(0, SCMP_CMP_NE, 0));
	/* To be readable for others of its uid; to outlive master. */
	deny_option(ctx, PR_SET_DUMPABLE);
	deny_option(ctx, PR_SET_PDEATHSIG);
	deny_memory(ctx);
	deny_processes(ctx, rights);
	deny_sockets(ctx, rights);
	if (!(rights & RIGHT_EXEC))
		deny(ctx, exec_calls);
	if (!(rights & RIGHT_FILES)) {
		deny(ctx, file_calls);
		deny_open(ctx, "open", 1);
		deny_open(ctx, "openat", 2);
	}
}

static void
print_filter(unsigned rights)
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
	add_rules(ctx, rights);
	must(seccomp_export_bpf(ctx, fileno(bpf)));
	seccomp_release(ctx);
	rewind(bpf);
	printf("static const struct sock_filter filter_%u[] = {\n", rights);
	while (fread(&f, sizeof(f), 1, bpf) == 1)
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", f.code, f.jt, f.jf,
		    f.k);
	printf("};\n");
	if (ferror(bpf) || fclose(bpf) != 0)
		err(1, "mkfilter");
}

int
main(void)
{
	uint32_t arch = seccomp_arch_native();
	unsigned i;

	/* clone(2) has its flags second there, mmap(2) all in memory. */
	if (arch == SCMP_ARCH_S390 || arch == SCMP_ARCH_S390X)
		errx(1, "no filters for this kind of machine: configure "
		    "--without-seccomp");
	for (i = 0; i < RIGHTS; i++)
		print_filter(i);
	printf("static const struct { unsigned short n; "
	    "const struct sock_filter *f; } filters[] = {\n");
	for (i = 0; i < RIGHTS; i++)
		printf("\t{ sizeof(filter_%u) / sizeof(filter_%u[0]), "
		    "filter_%u },\n", i, i, i);
	printf("};\n");
	if (fflush(stdout) != 0)
		err(1, "mkfilter");
	return 0;
}
