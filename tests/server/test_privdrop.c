/*
 * The drop and the filter, in a child of their own; without root they are
 * skipped.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/server/privdrop.h"
#include "lib/server/server_impl.h"

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
	MUST(server_filter(&why) == 0);
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
		cmocka_unit_test(test_refuses_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
