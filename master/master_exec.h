/*
 * The start of a program: its descriptors and its arguments.
 */
#ifndef MASTER_MASTER_EXEC_H
#define MASTER_MASTER_EXEC_H

#include "lib/server/program.h"
#include "master/master_files.h"

enum { EXEC_MORE = 5 };

struct exec {
	const struct program *row;
	const char *program_dir;
	const struct files *files;
	const posix_spawnattr_t *attr;	/* or NULL */
	int	 out, err;		/* descriptors 1 and 2 */
	int	 chan;			/* 3; -1: none */
	const char *more[EXEC_MORE + 1];	/* options besides -c and -F */
};

/* The program's pid; -1 with errno. path_r is what was to be run. */
pid_t	exec_start(const struct exec *e, char path_r[SETTINGS_PATH_MAX])
	    ATTR_CHECK;

#endif
