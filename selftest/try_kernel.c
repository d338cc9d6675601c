/*
 * The kernel and the name spaces; with arguments that do nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "selftest/attacker.h"

enum { NONE = -1 };	/* a pointer, number or flag that no call takes */

int try_mount_one(void) { return barred(mount(NULL, "", NULL, 0, NULL)); }
int try_mount_new(void) { return barred(syscall(SYS_fsopen, NONE, NONE)); }
int try_enter_space(void) { return barred(syscall(SYS_setns, NONE, 0)); }
int try_keys(void) { return barred(syscall(SYS_keyctl, NONE, 0, 0, 0, 0)); }
int try_bpf_map(void) { return barred(syscall(SYS_bpf, NONE, NONE, 0)); }
int try_module(void) { return barred(syscall(SYS_init_module, NONE, 0, NONE)); }
int try_swap(void) { return barred(syscall(SYS_swapoff, NONE)); }
int try_set_name(void) { return barred(syscall(SYS_sethostname, NONE, NONE)); }
int try_restart(void) { return barred(syscall(SYS_reboot, 0, 0, 0, 0)); }
int try_kernel_log(void) { return barred(syscall(SYS_syslog, 10, NULL, 0)); }
int try_ring(void) { return barred(syscall(SYS_io_uring_setup, 0, NONE)); }
int try_perf(void) { return barred(syscall(SYS_perf_event_open, NONE, 0, 0,
    NONE, 0)); }
int try_kernel(void) { return barred(syscall(SYS_kexec_load, 0, 0, 0, NONE)); }

/* In earnest: it changes this process alone. */
int
try_unshare_users(void)
{
	return error_of(unshare(CLONE_NEWUSER));
}

int
try_unshare_net(void)
{
	return error_of(unshare(CLONE_NEWNET));
}

int
try_persona(void)
{
	return error_of(personality(0xffffffff));
}

/* No such clock: what the kernel says to whom it may. */
int
try_set_clock(void)
{
	struct timespec t = { .tv_sec = 0 };

	return barred(clock_settime(CLOCK_REALTIME + 1000, &t));
}

#ifdef __x86_64__

static sigjmp_buf back;

static void
on_fault(int sig)
{
	siglongjmp(back, 1);
}

/* getpid by its number there; a kernel without that kind faults. */
int
try_abi_i386(void)
{
	struct sigaction a = { .sa_handler = on_fault }, old;
	long r = 0;

	sigaction(SIGSEGV, &a, &old);
	if (sigsetjmp(back, 1) != 0)
		r = -ENOSYS;
	else
		__asm__ volatile ("int $0x80" : "=a" (r) : "a" (20L) :
		    "memory", "r8", "r9", "r10", "r11");
	sigaction(SIGSEGV, &old, NULL);
	return (int)r < 0 ? -(int)r : 0;
}

int
try_abi_x32(void)
{
	return error_of(syscall(0x40000000 + SYS_getpid));
}

#else

int
try_abi_i386(void)
{
	return ENOSYS;
}

int
try_abi_x32(void)
{
	return ENOSYS;
}

#endif
