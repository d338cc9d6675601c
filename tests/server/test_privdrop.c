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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/server/privdrop.h"
#include "lib/server/program.h"
#include "lib/server/seccomp.h"

enum { ID = 2000199999, EXTRA = 2000199998 };

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
	MUST(prlimit(getppid(), RLIMIT_CORE, NULL, &r) == -1 &&
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
	MUST(deny_of_socket(AF_NETLINK) == !net);
	MUST(deny_of_socket(AF_UNIX) == !local);
	/* The kernel looks at the low half alone. */
	MUST(deny_of_socket(((long)1 << 32) + AF_INET));
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
		cmocka_unit_test(test_refuses_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
