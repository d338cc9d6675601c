/*
 * Other processes: master, and every program of the instance. Signals are the
 * number 0, limits are read.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "selftest/attacker.h"

enum { NOWHERE = 8 };	/* no page of any process lies there */

static long
signal_it(pid_t pid)
{
	return kill(pid, 0);
}

static long
signal_its_thread(pid_t pid)
{
	return syscall(SYS_tgkill, pid, pid, 0);
}

static long
queue_for_it(pid_t pid)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	return syscall(SYS_rt_sigqueueinfo, pid, 0, &info);
}

static long
trace_it(pid_t pid)
{
	long r = ptrace(PTRACE_SEIZE, pid, NULL, NULL);

	if (r == 0)
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return r;
}

/* The kernel looks at who asks before it looks for the page. */
static long
faulted(long r)
{
	return r == -1 && errno == EFAULT ? 0 : r;
}

static long
read_it(pid_t pid)
{
	char octet;
	struct iovec mine = { .iov_base = &octet, .iov_len = 1 };
	struct iovec its = { .iov_base = (void *)NOWHERE, .iov_len = 1 };

	return faulted(process_vm_readv(pid, &mine, 1, &its, 1, 0));
}

static long
write_it(pid_t pid)
{
	char octet = 0;
	struct iovec mine = { .iov_base = &octet, .iov_len = 1 };
	struct iovec its = { .iov_base = (void *)NOWHERE, .iov_len = 1 };

	return faulted(process_vm_writev(pid, &mine, 1, &its, 1, 0));
}

static long
hold_it(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd != -1)
		close((int)fd);
	return fd;
}

static long
limit_it(pid_t pid)
{
	struct rlimit r;

	return prlimit(pid, RLIMIT_CORE, NULL, &r);
}

static long
rank_it(pid_t pid)
{
	return setpriority(PRIO_PROCESS, (id_t)pid, 0);
}

static long
compare_it(pid_t pid)
{
	return syscall(SYS_kcmp, getpid(), pid, 0, 1, 1);
}

/* To where it may run anyway. */
static long
place_it(pid_t pid)
{
	cpu_set_t set;

	if (sched_getaffinity(pid, sizeof(set), &set) == -1)
		return -1;
	return sched_setaffinity(pid, sizeof(set), &set);
}

int try_signal_other(void) { return on_others(signal_it); }
int try_signal_thread(void) { return on_others(signal_its_thread); }
int try_signal_queued(void) { return on_others(queue_for_it); }
int try_trace_other(void) { return on_others(trace_it); }
int try_read_memory(void) { return on_others(read_it); }
int try_write_memory(void) { return on_others(write_it); }
int try_pidfd(void) { return on_others(hold_it); }
int try_limit_other(void) { return on_others(limit_it); }
int try_rank_other(void) { return on_others(rank_it); }
int try_place_other(void) { return on_others(place_it); }
int try_compare_other(void) { return on_others(compare_it); }

int
try_signal_master(void)
{
	return error_of(kill(attacker.master, 0));
}

/* Of no process: no such descriptor is what the kernel says to whom it may. */
int
try_rob(void)
{
	return barred(syscall(SYS_pidfd_getfd, -1, 0, 0));
}
