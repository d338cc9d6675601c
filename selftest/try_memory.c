/*
 * Pages. One that may be run is run only where it holds what the attempt is
 * about: to map it is to have reached it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "selftest/attacker.h"

enum { PAGE = 4096, MORE = 1 << 20 };

static int
map(size_t len, int prot, int flags, int fd)
{
	void *p = mmap(NULL, len, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, len);
	return 0;
}

int
try_map_both(void)
{
	return map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

int
try_map_run(void)
{
	return map(PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1);
}

static int
protect(long call)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int e;

	if (p == MAP_FAILED)
		return errno;
	e = error_of(syscall(call, p, PAGE, PROT_READ | PROT_EXEC, -1));
	munmap(p, PAGE);
	return e;
}

int
try_make_run(void)
{
	return protect(SYS_mprotect);
}

int
try_make_run_key(void)
{
	return protect(SYS_pkey_mprotect);
}

/* Two pages beyond the attempt itself: code that nobody runs meanwhile. */
int
try_make_write(void)
{
	extern char etext;
	char *p = (char *)(((unsigned long)&etext - 1) & ~(PAGE - 1ul));
	int e = error_of(mprotect(p, PAGE,
	    PROT_READ | PROT_WRITE | PROT_EXEC));

	if (e != EPERM)
		return e;
	return error_of(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
}

/* The report: a file that it can read and write. */
int
try_map_file(void)
{
	return map(PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, attacker.report);
}

int
try_share(void)
{
	return map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1);
}

int
try_memory_file(void)
{
	int fd = memfd_create("attacked", MFD_CLOEXEC), e = error_of(fd);

	if (fd != -1)
		close(fd);
	return e;
}

int
try_system_v(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600), e = error_of(id);

	if (id != -1)
		shmctl(id, IPC_RMID, NULL);
	return e;
}

/* process_memory is 64M in this instance. */
int
try_too_much(void)
{
	return map(64ul * MORE + MORE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

int
try_faults(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC), e = error_of(fd);

	if (fd != -1)
		close(fd);
	return e;
}
