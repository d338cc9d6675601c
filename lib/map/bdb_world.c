/*
 * Berkeley DB's way to the world: its system calls, and its memory. It turns
 * what fails there into "run recovery" and forgets the reason; so the reason is
 * noted here, for an error of the world says nothing about the files. Its
 * read(2) stays its own, which has to be as it is in the end of a log, and
 * fails with its errno; with a write(2) of ours all pages are written by it.
 *
 * Berkeley DB has one set of calls for the process, so what is noted is the
 * process's.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/map/bdb_impl.h"

static int error;		/* the latest; 0 */
static unsigned sync_failures;

int
bdb_passing(int e)
{
	static const int passing[] = { ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE,
		EACCES, EPERM, EROFS, EINTR, EAGAIN, EBUSY };
	size_t i;

	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (passing[i] == e)
			return 1;
	return 0;
}

static void
note(int e)
{
	if (e == EIO || bdb_passing(e))
		__atomic_store_n(&error, e, __ATOMIC_RELAXED);
}

int
bdb_world_error(void)
{
	return __atomic_load_n(&error, __ATOMIC_RELAXED);
}

void
bdb_world_forget(void)
{
	__atomic_store_n(&error, 0, __ATOMIC_RELAXED);
}

unsigned
bdb_syncs_failed(void)
{
	return __atomic_load_n(&sync_failures, __ATOMIC_RELAXED);
}

int
bdb_errno(int r)
{
	int e = bdb_world_error();

	if (bdb_passing(r))
		return r;
	if (r == EIO || e == EIO)
		return EAGAIN;
	return e != 0 ? e : EIO;
}

const char *
bdb_reason(int r)
{
	int e = bdb_world_error();

	return r > 0 || e == 0 ? db_strerror(r) : strerror(e);
}

/* 1 where it is worth while to try again: somebody may just have done it. */
static int
give(int e)
{
	if (e != ENOSPC && e != EDQUOT)
		return 0;
	bdb_give_all();
	return 1;
}

/* The calls */

/* 0, or what it failed with: the library takes the result for that. */
static int
world_sync(int fd)
{
	int e = fd_sync(fd) == -1 ? errno : 0;

	if (e != 0) {
		__atomic_add_fetch(&sync_failures, 1, __ATOMIC_RELAXED);
		note(e);
	}
	return e;
}

static int
world_open(const char *path, int flags, ...)
{
	va_list ap;
	int fd, mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	fd = open(path, flags | O_CLOEXEC, mode);
	if (fd == -1 && (flags & O_CREAT) && give(errno))
		fd = open(path, flags | O_CLOEXEC, mode);
	if (fd == -1)
		note(errno);
	return fd;
}

static ssize_t
world_pread(int fd, void *p, size_t len, off_t off)
{
	ssize_t n = pread(fd, p, len, off);

	if (n == -1)
		note(errno);
	return n;
}

/* All of it, or it failed. */
static ssize_t
world_write(int fd, const void *p, size_t len)
{
	const char *at = p;
	size_t left = len;
	int gave = 0;
	ssize_t n;

	while (left > 0) {
		n = write(fd, at, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && !gave && (gave = give(errno)))
			continue;
		if (n == -1) {
			note(errno);
			return -1;
		}
		at += n;
		left -= (size_t)n;
	}
	return (ssize_t)len;
}

static void *
world_malloc(size_t size)
{
	void *p = malloc(size);

	if (p == NULL)
		note(ENOMEM);
	return p;
}

static void *
world_realloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (p == NULL)
		note(ENOMEM);
	return p;
}

void
bdb_world(void)
{
	db_env_set_func_fsync(world_sync);
	db_env_set_func_open(world_open);
	db_env_set_func_pread(world_pread);
	db_env_set_func_write(world_write);
	db_env_set_func_malloc(world_malloc);
	db_env_set_func_realloc(world_realloc);
	db_env_set_func_free(free);
}
