/*
 * posix_spawn is vfork below, so a start costs no copy of master's tables.
 * Descriptors 0 to 6 are never master's own (setup_descriptors), so the moves
 * in the child cannot collide.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "master/master.h"
#include "master/master_exec.h"

static void
place(posix_spawn_file_actions_t *fa, int from, int to)
{
	if (posix_spawn_file_actions_adddup2(fa, from, to) != 0)
		log_fatal("no memory");
}

pid_t
exec_start(const struct exec *e, char path[SETTINGS_PATH_MAX])
{
	const char *argv[5 + EXEC_MORE + 1] = { path, "-c", master.dir, "-F" };
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;
	int error, i, n = 4;

	snprintf(path, SETTINGS_PATH_MAX, "%s/%s", e->program_dir,
	    peer_name(e->row->kind));
	if (posix_spawn_file_actions_init(&fa) != 0)
		log_fatal("no memory");
	place(&fa, master.null_fd, STDIN_FILENO);
	place(&fa, e->out, STDOUT_FILENO);
	place(&fa, e->err, STDERR_FILENO);
	if (e->chan != -1)
		place(&fa, e->chan, SERVER_MASTER_FD);
	argv[n] = files_actions(e->files, e->row->tls, &fa);
	if (argv[n++] == NULL)
		log_fatal("no memory");
	for (i = 0; e->more[i] != NULL; i++)
		argv[n++] = e->more[i];
	error = posix_spawn(&pid, path, &fa, e->attr,
	    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	errno = error;
	return error == 0 ? pid : -1;
}
