/*
 * The drop and the filter, in a child of their own; without root they are
 * skipped.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif
#include <cmocka.h>

#include "lib/server/privdrop.h"
#include "lib/server/program.h"
#include "lib/server/seccomp.h"

enum { ID = 2000199999, EXTRA = 2000199998 };

static int a_file;	/* that may be read: this program's own */

/* Answers the line of the first thing that is not as it should be, or 0. */
#define MUST(x) do {			\
	if (!(x))			\
		return __LINE__;	\
} while (0)

static int
dropped(const char *jail)
{
	struct privdrop p = { .uid = ID, .gid = ID, .extra_gid = EXTRA,
		.jail = jail };
	struct buf why = BUF_INIT(400);
	gid_t groups[8];
	char cwd[100];

	if (privdrop(&p, &why) == -1) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return __LINE__;
	}
	MUST(getuid() == ID && geteuid() == ID);
	MUST(getgid() == ID && getegid() == ID);
	MUST(getgroups(8, groups) == 2);
	MUST(groups[0] != 0 && groups[1] != 0);
	MUST(setuid(0) == -1 && setresuid(0, 0, 0) == -1);
	MUST(setgid(0) == -1 && setgroups(0, NULL) == -1);
	MUST(prctl(PR_GET_DUMPABLE) == 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
	MUST(access("/etc/passwd", F_OK) == -1);
	buf_clear(&why);
	return 0;
}

static int
filtered(const char *jail)
{
	struct buf why = BUF_INIT(400);
	struct rlimit r;
	int line = dropped(jail);

	if (line != 0)
		return line;
	MUST(server_filter(0, &why) == 0);
#ifdef HAVE_SECCOMP
	/* Even what the kernel would let pass: signals to ourselves. */
	MUST(kill(getpid(), 0) == -1 && errno == EPERM);
	MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	MUST(unshare(CLONE_NEWUSER) == -1 && errno == EPERM);
	/* By its number, for which the kernel has no objection. */
	MUST(prlimit(getpid(), RLIMIT_CORE, NULL, &r) == -1 &&
	    errno == EPERM);
	MUST(execl("/", "x", (char *)NULL) == -1 && errno == EPERM);
#endif
	MUST(prlimit(0, RLIMIT_CORE, NULL, &r) == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &r) == 0);
	return 0;
}

#ifdef HAVE_SECCOMP
/* Was it the filter? What is let through fails with another error. */
static int
denied(long r)
{
	return r == -1 && errno == EPERM;
}

static int
deny_of_files(void)
{
	const int flags[] = { O_WRONLY, O_RDWR, O_ACCMODE, O_RDONLY | O_CREAT,
		O_RDONLY | O_TRUNC, O_RDWR | O_TMPFILE };
	static const char no[] = "/no/such/file";
	int all = 1, none = 1, d;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		d = denied(open(no, flags[i] | O_CLOEXEC, 0600));
		all &= d;
		none &= !d;
		d = denied(syscall(SYS_openat, AT_FDCWD, NULL, flags[i], 0));
		all &= d;
		none &= !d;
	}
	for (i = 0; i < 9; i++) {
		d = denied(i == 0 ? mkdir(no, 0) : i == 1 ? unlink(no) :
		    i == 2 ? rename(no, no) : i == 3 ? link(no, no) :
		    i == 4 ? symlink(no, no) : i == 5 ? truncate(no, 0) :
		    i == 6 ? chmod(no, 0) : i == 7 ? rmdir(no) :
		    utimensat(AT_FDCWD, no, NULL, 0));
		all &= d;
		none &= !d;
	}
	return all ? 1 : none ? 0 : -1;
}

/* A kind of socket; no such type, so that none is made. */
static int
deny_of_socket(long domain)
{
	return denied(syscall(SYS_socket, domain, 77, 0));
}

static void *
nothing(void *arg)
{
	return arg;
}

/* A thread and a second process; what is made ends at once. */
static int
holds_processes(unsigned rights)
{
	pthread_t t;
	pid_t pid;
	int r;

	r = pthread_create(&t, NULL, nothing, NULL);
	MUST((r == 0) == ((rights & RIGHT_THREADS) != 0));
	if (r == 0)
		MUST(pthread_join(t, NULL) == 0);
	if ((pid = fork()) == 0)
		_exit(0);
	MUST(denied(pid));
#ifdef SYS_vfork
	if ((pid = vfork()) == 0)
		_exit(0);
	MUST(denied(pid));
#endif
	MUST(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	return 0;
}

/* No page is both written and run, none is shared without a file. */
static int
holds_memory(int fd)
{
	const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	const size_t size = 4096;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, anonymous, -1, 0);

	MUST(p != MAP_FAILED && mprotect(p, size, PROT_READ) == 0);
	MUST(mprotect(p, size, PROT_READ | PROT_EXEC) == -1 && errno == EPERM);
	MUST(denied(syscall(SYS_pkey_mprotect, p, size, PROT_EXEC, -1)));
	MUST(mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, anonymous,
	    -1, 0) == MAP_FAILED && errno == EPERM);
	MUST(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) ==
	    MAP_FAILED && errno == EPERM);
	MUST(mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED && errno == EPERM);
	MUST(mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	MUST(denied(syscall(SYS_memfd_create, "x", 0)));
	return 0;
}

/* It stays unreadable and dies with master, with any upper half. */
static int
holds_options(void)
{
	/* Of a machine with 32 bits there is no other half. */
	const long high = (long)((uint64_t)1 << 32);

	MUST(denied(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)));
	MUST(denied(prctl(PR_SET_PDEATHSIG, 0)));
	MUST(denied(syscall(SYS_prctl, high + PR_SET_DUMPABLE, 1, 0, 0, 0)));
	MUST(denied(syscall(SYS_prctl, high + PR_SET_PDEATHSIG, 0)));
	MUST(prctl(PR_GET_DUMPABLE) == 0);
	MUST(prctl(PR_SET_NAME, "probe") == 0);
	return 0;
}

/* Other ways into the kernel are not ways around the filter. */
static int
holds_abis(void)
{
#ifdef __x86_64__
	long r;

	/* x32: getpid by its number there. */
	MUST(denied(syscall(0x40000000 + SYS_getpid)));
	/* i386: 20 is getpid; a kernel without it ends us. */
	__asm__ volatile ("int $0x80" : "=a" (r) : "a" (20L) : "memory",
	    "r8", "r9", "r10", "r11");
	MUST((int)r == -EPERM);
#endif
	return 0;
}

/* Words go where they always went. */
static int
holds_sending(unsigned rights, int accepted)
{
	const int none = (rights & (RIGHT_NET | RIGHT_UNIX)) == 0;
	const struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/no/such/socket" };
	struct msghdr m = { .msg_iovlen = 0 };
	int pair[2];

	MUST(send(accepted, "x", 1, MSG_NOSIGNAL) == 1);
	MUST(sendmsg(accepted, &m, MSG_NOSIGNAL) == 0);
	MUST(denied(sendto(accepted, "x", 1, MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, sizeof(to))) == none);
	MUST(denied(sendto(-1, "x", 1, MSG_FASTOPEN, NULL, 0)) == none);
	MUST(denied(sendmsg(-1, &m, MSG_FASTOPEN)) == none);
	MUST(denied(sendmmsg(-1, NULL, 0, 0)) == none);
	MUST(denied(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)));
	return 0;
}

static int
holds_more(unsigned rights, int accepted)
{
	int r = holds_processes(rights);

	if (r == 0)
		r = holds_memory(a_file);
	if (r == 0)
		r = holds_options();
	if (r == 0)
		r = holds_abis();
	return r != 0 ? r : holds_sending(rights, accepted);
}

static int
holds(unsigned rights, int accepted)
{
	const struct sockaddr apart = { .sa_family = AF_UNSPEC };
	const int net = (rights & RIGHT_NET) != 0;
	const int local = (rights & RIGHT_UNIX) != 0;
	struct buf why = BUF_INIT(400);

	MUST(server_filter(rights, &why) == 0);
	MUST(deny_of_socket(AF_INET) == !net);
	MUST(deny_of_socket(AF_INET6) == !net);
	/* Who has local ones, PAM's, hears what a kernel without it says. */
	MUST(deny_of_socket(AF_NETLINK) == (!net && !local));
	if (!net && local)
		MUST(errno == EAFNOSUPPORT);
	MUST(deny_of_socket(AF_UNIX) == !local);
	/* The kernel looks at the low half alone. */
	if (sizeof(long) > sizeof(int))
		MUST(deny_of_socket((long)((uint64_t)1 << 32) + AF_INET));
	MUST(deny_of_socket(AF_PACKET));
	MUST(deny_of_socket(AF_VSOCK));
	MUST(deny_of_socket(AF_ALG));
	MUST(denied(connect(accepted, &apart, sizeof(apart))) ==
	    !(net || local));
	MUST(denied(bind(accepted, &apart, sizeof(apart))) == !net);
	MUST(denied(listen(accepted, 1)));
	MUST(deny_of_files() == !(rights & RIGHT_FILES));
	MUST(denied(execl("/", "x", (char *)NULL)) ==
	    !(rights & RIGHT_EXEC));
	/* What was given may be used, and files be read. */
	MUST(fchmod(accepted, 0600) == 0);
	MUST(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) != -1);
	MUST(open("/no/such/file", O_RDONLY | O_CLOEXEC) == -1 &&
	    errno == ENOENT);
	return holds_more(rights, accepted);
}

/*
 * What nobody has, by name: the words of the list are the test's own. With
 * arguments that no call takes, by root, so that the answer is the filter's.
 */
static const char *const nobodys[] = {
	"acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime",
	"clock_settime", "delete_module", "fanotify_init", "finit_module",
	"fsconfig", "fsmount", "fsopen", "fspick", "get_robust_list",
	"init_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"ioperm", "iopl", "ioprio_set", "kcmp", "kexec_file_load",
	"kexec_load", "keyctl", "kill", "listen", "lookup_dcookie",
	"memfd_create", "memfd_secret", "migrate_pages", "mknod", "mknodat",
	"modify_ldt", "mount", "mount_setattr", "move_mount", "move_pages",
	"mq_open", "mq_unlink", "msgctl", "msgget", "name_to_handle_at",
	"nfsservctl", "open_by_handle_at", "open_tree", "perf_event_open",
	"personality", "pidfd_getfd", "pidfd_open", "pidfd_send_signal",
	"pivot_root", "prlimit64", "process_madvise", "process_mrelease",
	"process_vm_readv", "process_vm_writev", "ptrace", "quotactl",
	"quotactl_fd", "reboot", "request_key", "rt_sigqueueinfo",
	"rt_tgsigqueueinfo", "sched_setaffinity", "sched_setattr",
	"sched_setparam", "sched_setscheduler", "semctl", "semget",
	"setdomainname", "sethostname", "setns", "setpriority",
	"settimeofday", "shmat", "shmctl", "shmget", "socketpair", "swapoff",
	"swapon", "syslog", "tgkill", "tkill", "umount2", "unshare",
	"userfaultfd", "vhangup",
};

static int
list(const char *jail)
{
	struct buf why = BUF_INIT(400);
	size_t i;
	int nr;

	MUST(setsid() != -1);	/* no terminal that could be hung up */
	MUST(server_filter(RIGHTS - 1, &why) == 0);
	for (i = 0; i < sizeof(nobodys) / sizeof(nobodys[0]); i++) {
		nr = seccomp_syscall_resolve_name(nobodys[i]);
		MUST(nr != __NR_SCMP_ERROR);
		if (nr < 0 || denied(syscall(nr, -1, -1, -1, -1, -1, -1)))
			continue;
		fprintf(stderr, "%s is not denied\n", nobodys[i]);
		return __LINE__;
	}
	return 0;
}
#else
static int
list(const char *jail)
{
	return 0;
}
#endif

/* Each set of rights in a child of its own: filters add up. */
static int
rights(const char *jail)
{
#ifdef HAVE_SECCOMP
	int line = dropped(jail), status, pair[2];
	unsigned set;
	pid_t pid;

	for (set = 0; line == 0 && set < RIGHTS; set++) {
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		if ((pid = fork()) == 0) {
			line = holds(set, pair[0]);
			if (write(pair[1], &line, sizeof(line)) == -1)
				_exit(1);
			_exit(0);
		}
		MUST(waitpid(pid, &status, 0) == pid && status == 0);
		MUST(read(pair[0], &line, sizeof(line)) == sizeof(line));
		close(pair[0]);
		close(pair[1]);
	}
	return line;
#else
	return 0;
#endif
}

/* -Wl,--wrap: it is said to be done, or is done by halves. */
static int lie;
int	__real_setresuid(uid_t, uid_t, uid_t);
int	__wrap_setresuid(uid_t, uid_t, uid_t);
int	__real_setresgid(gid_t, gid_t, gid_t);
int	__wrap_setresgid(gid_t, gid_t, gid_t);

enum { LIE_UID = 1, LIE_GID, LIE_SAVED, LIE_CAPABLE };

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
	if (lie == LIE_UID)
		return 0;
	if (lie == LIE_CAPABLE)
		(void)prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	return __real_setresuid(r, e, lie == LIE_SAVED ? 0 : s);
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	return lie == LIE_GID ? 0 : __real_setresgid(r, e, s);
}

static int
notices(const char *jail)
{
	struct privdrop p = { .uid = ID, .gid = ID, .extra_gid = (gid_t)-1,
		.jail = jail };
	struct buf why = BUF_INIT(400);

	MUST(privdrop(&p, &why) == -1);
	MUST(strcmp(buf_str(&why), lie == LIE_CAPABLE ?
	    "privileges: root came back" :
	    "privileges: the ids did not change") == 0);
	buf_clear(&why);
	return 0;
}

static int
refuses_root(const char *jail)
{
	struct privdrop p = { .uid = 0, .gid = ID, .extra_gid = (gid_t)-1,
		.jail = jail };
	struct buf why = BUF_INIT(400);

	MUST(privdrop(&p, &why) == -1);
	p.uid = ID;
	p.gid = 0;
	MUST(privdrop(&p, &why) == -1);
	p.gid = ID;
	p.jail = "/no/such/place";
	MUST(privdrop(&p, &why) == -1);
	buf_clear(&why);
	return 0;
}

static void
in_child(int (*test)(const char *))
{
	char jail[] = "/tmp/jail.XXXXXX";
	int status, line, fd[2];
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(jail));
	assert_int_equal(chmod(jail, 0755), 0);
	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		line = test(jail);
		if (write(fd[1], &line, sizeof(line)) != sizeof(line))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(fd[0], &line, sizeof(line)), sizeof(line));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd[0]);
	close(fd[1]);
	rmdir(jail);
	if (line != 0)
		fail_msg("line %d", line);
}

static void
test_ids_that_did_not_change(void **state)
{
	for (lie = LIE_UID; lie <= LIE_CAPABLE; lie++)
		in_child(notices);
	lie = 0;
}

static void
test_list(void **state)
{
	in_child(list);
}

static void
test_dropped(void **state)
{
	in_child(dropped);
}

static void
test_filtered(void **state)
{
	in_child(filtered);
}

static void
test_rights(void **state)
{
	in_child(rights);
}

static void
test_refuses_root(void **state)
{
	in_child(refuses_root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_filtered),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_ids_that_did_not_change),
		cmocka_unit_test(test_refuses_root),
	};
	int r;

	a_file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	close(a_file);
	return r;
}
