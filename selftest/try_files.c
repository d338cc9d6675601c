/*
 * Files. In the jail each name is tried as it is outside, and by dot-dot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "selftest/attacker.h"

enum { PATH = 1200, DESCRIPTORS = 1024 };

static const char bait[] = "attacked";

/* Opens the path outside; mode of open(2). The error. */
static int
open_outside(const char *path, int flags)
{
	static const char *const ways[] = { "", "/../../../../.." };
	char text[PATH];
	int e = 0, fd;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", ways[i], path);
		fd = open(text, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
		e = error_of(fd);
		if (fd == -1)
			continue;
		close(fd);
		if (flags & O_EXCL)
			unlink(text);
		return 0;
	}
	return e;
}

static int
open_state(const char *name, int flags)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", attacker.state_dir, name);
	return open_outside(path, flags);
}

static int
make_state(const char *folder)
{
	char name[80];

	snprintf(name, sizeof(name), "%s/%s.%d", folder, bait, (int)getpid());
	return open_state(name, O_WRONLY | O_CREAT | O_EXCL);
}

/* In the jail where we are, and where it lies outside. */
static int
make_in_jail(const char *folder)
{
	char name[80];

	snprintf(name, sizeof(name), "/%s/%s.%d", folder, bait, (int)getpid());
	return open_outside(name, O_WRONLY | O_CREAT | O_EXCL);
}

static int
read_state(const char *name)
{
	return open_state(name, O_RDONLY);
}

int try_read_hashes(void) { return read_state("auth/passwd.cdb"); }
int
try_read_dkim(void)
{
	int e = open_outside("/dkim.cdb", O_RDONLY);

	return e == 0 ? 0 : read_state("jail/dkim.cdb");
}

int
try_read_accounts(void)
{
	int e = open_outside("/collect.cdb", O_RDONLY);

	return e == 0 ? 0 : read_state("jail/collect.cdb");
}

int try_read_mail(void) { return read_state("spool/mail/bait"); }
int try_read_index(void) { return read_state("spool/index/bait"); }
int try_read_body(void) { return read_state("spool/queue/body/bait"); }
int try_read_table(void) { return read_state("spool/queue/db/bait"); }
int try_read_log(void) { return read_state("log/bait"); }
int try_read_key(void) { return read_state("key.pem"); }
int try_read_etc(void) { return open_outside("/etc/passwd", O_RDONLY); }
int try_read_shadow(void) { return open_outside("/etc/shadow", O_RDONLY); }
int try_write_mail(void) { return make_state("spool/mail"); }
int try_write_body(void) { return make_state("spool/queue/body"); }
int try_write_log(void) { return make_state("log"); }
int try_write_drop(void) { return make_state("spool/drop"); }
int try_write_run(void) { return make_state("run"); }

int
try_given_key(void)
{
	return attacker.key ? 0 : ENOENT;
}

int
try_read_tables(void)
{
	int fd = open("/tables.cdb", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return read_state("jail/tables.cdb");
	close(fd);
	return 0;
}

int
try_write_hashes(void)
{
	int e = open_state("auth/passwd.cdb", O_WRONLY);

	return e == 0 ? 0 : make_state("auth");
}

int
try_write_tables(void)
{
	int e = make_in_jail(".");

	return e == 0 ? 0 : make_state("jail");
}

int
try_write_state(void)
{
	int e = make_in_jail("state");

	return e == 0 ? 0 : make_state("jail/state");
}

int
try_write_temporary(void)
{
	char path[80];

	snprintf(path, sizeof(path), "/tmp/%s.%d", bait, (int)getpid());
	return open_outside(path, O_WRONLY | O_CREAT | O_EXCL);
}

int
try_link_shadow(void)
{
	char path[PATH];
	int e;

	snprintf(path, sizeof(path), "/tmp/%s.%d", bait, (int)getpid());
	e = error_of(link("/etc/shadow", path));
	if (e == 0)
		unlink(path);
	return e;
}

int
try_dot_dot(void)
{
	int fd, e, i;

	for (i = 0; i < 10; i++)
		(void)!chdir("..");
	fd = open("etc/passwd", O_RDONLY | O_CLOEXEC);
	e = error_of(fd);
	if (fd != -1)
		close(fd);
	(void)!chdir("/");
	return e;
}

int
try_held_folder(void)
{
	struct stat st;
	int fd;

	for (fd = 0; fd < DESCRIPTORS; fd++)
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			return 0;
	return ENOENT;
}

int
try_new_root(void)
{
	return error_of(chroot("/"));
}

int
try_by_handle(void)
{
	struct file_handle h = { .handle_bytes = 0 };
	int id;

	/* For a handle of no size: how much it needs. */
	return barred(name_to_handle_at(AT_FDCWD, "/", &h, &id, 0)) == 0 ?
	    barred(open_by_handle_at(AT_FDCWD, &h, O_RDONLY)) : EPERM;
}

int
try_device(void)
{
	char path[80];
	int e;

	snprintf(path, sizeof(path), "/tmp/%s.%d", bait, (int)getpid());
	e = error_of(mknod(path, S_IFCHR | 0600, makedev(1, 3)));
	if (e == 0)
		unlink(path);
	return e;
}

static int
proc(pid_t pid, const char *what)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return open_outside(path, O_RDONLY);
}

static long
as_result(int e)
{
	errno = e;
	return e == 0 ? 0 : -1;
}

static long
list_of(pid_t pid)
{
	return as_result(proc(pid, "cmdline"));
}

static long
memory_of(pid_t pid)
{
	return as_result(proc(pid, "mem"));
}

static long
files_of(pid_t pid)
{
	return as_result(proc(pid, "fd"));
}

int
try_proc_list(void)
{
	return on_others(list_of);
}

int
try_proc_memory(void)
{
	return memory_of(attacker.master) == 0 ? 0 : on_others(memory_of);
}

int
try_proc_files(void)
{
	return files_of(attacker.master) == 0 ? 0 : on_others(files_of);
}
