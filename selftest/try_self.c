/*
 * More of itself, and beyond its bounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest/attacker.h"

static int
child(pid_t pid)
{
	int e = error_of(pid);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return e;
}

int
try_by_fork(void)
{
	return child(fork());
}

int
try_by_vfork(void)
{
#ifdef SYS_vfork
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return child(pid);
#else
	return ENOSYS;
#endif
}

int
try_by_clone(void)
{
	return child((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

int
try_by_clone3(void)
{
	unsigned long args[11] = { 0 };	/* struct clone_args; exit signal */

	args[4] = SIGCHLD;
	return child((pid_t)syscall(SYS_clone3, args, sizeof(args)));
}

static void *
nothing(void *arg)
{
	return arg;
}

int
try_thread(void)
{
	pthread_t t;
	int e = pthread_create(&t, NULL, nothing, NULL);

	if (e == 0)
		pthread_join(t, NULL);
	return e;
}

/* What cannot be run: no such file is the answer to whom it may. */
int
try_execute(void)
{
	return barred(execl("/no/such/program", "x", (char *)NULL));
}

int
try_execute_fd(void)
{
	return barred(syscall(SYS_execveat, -1, "", NULL, NULL, AT_EMPTY_PATH));
}

int
try_core(void)
{
	struct rlimit r = { .rlim_cur = 1, .rlim_max = 1 };

	return error_of(setrlimit(RLIMIT_CORE, &r));
}

static int
raise_limit(int what)
{
	struct rlimit r;

	if (getrlimit(what, &r) == -1)
		return errno;
	if (r.rlim_max == RLIM_INFINITY)
		return 0;
	r.rlim_max++;
	return error_of(setrlimit(what, &r));
}

/* Who has threads has no bound of them, but that all have. */
int
try_more_processes(void)
{
	return raise_limit(RLIMIT_NPROC);
}

int
try_more_files(void)
{
	return raise_limit(RLIMIT_NOFILE);
}

int
try_more_memory(void)
{
	return raise_limit(RLIMIT_DATA);
}
