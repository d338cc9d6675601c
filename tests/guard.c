/*
 * Part of every unit test: at its end no more descriptors are open than at its
 * start, whatever paths the code took meanwhile. A daemon that leaves one open
 * at each of some error ends after hours. What a test means to leave open
 * (what the code under test holds to its end) it lists in guard_leaves.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Begins of what the links of /proc/self/fd say; ends with NULL. */
extern const char *const guard_leaves[];

enum { MOST = 4096 };
static char had[MOST];
static pid_t own;

/* A loop's own, and what stands where a daemon wants nothing. */
static const char *const always[] = { "anon_inode:", "/dev/null", NULL };
/* The spare one of who accepts is standard input again. */
static char input[300];
#pragma weak guard_leaves

static int
listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strncmp(name, *list, strlen(*list)) == 0)
			return 1;
	return 0;
}

static int
name_of(int fd, char name_r[sizeof(input)])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((n = readlink(path, name_r, sizeof(input) - 1)) == -1)
		return 0;
	name_r[n] = '\0';
	return 1;
}

static int
is_left(int fd)
{
	char name[sizeof(input)];

	if (!name_of(fd, name) || strcmp(name, input) == 0 ||
	    listed(always, name) ||
	    (guard_leaves != NULL && listed(guard_leaves, name)))
		return 0;
	fprintf(stderr, "descriptor %d was left open: %s "
	    "(tests/guard.c)\n", fd, name);
	return 1;
}

/* Those that are open now: noted, or how many were not noted. */
static int
look(int note)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int fd, n = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		fd = atoi(e->d_name);
		if (e->d_name[0] == '.' || fd == dirfd(d) || fd >= MOST)
			continue;
		if (note)
			had[fd] = 1;
		else if (!had[fd])
			n += is_left(fd);
	}
	closedir(d);
	return n;
}

static void
at_end(void)
{
	if (getpid() == own && look(0) > 0) {
		fflush(NULL);
		_exit(1);
	}
}

__attribute__((constructor)) static void
at_start(void)
{
	own = getpid();
	(void)name_of(STDIN_FILENO, input);
	(void)look(1);
	atexit(at_end);
}
