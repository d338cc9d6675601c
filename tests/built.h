/*
 * The folder of the build, for tests that start what was built: they may be
 * run from anywhere, as they lie in tests/FOLDER/ of it.
 */
#ifndef TESTS_BUILT_H
#define TESTS_BUILT_H

#include <limits.h>
#include <unistd.h>

/* Goes there. By name from there a program starts also as a user who may not
   pass the folders above. 0, or -1 with errno. */
static inline int
built_cd(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int up;

	for (up = 0; up < 3; up++)
		while (n > 0 && path[--n] != '/')
			;
	path[n > 0 ? n : 0] = '\0';
	return chdir(path);
}

#endif
