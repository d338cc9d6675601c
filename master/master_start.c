/*
 * The start goes by stages, so that nobody asks one who is not there yet. The
 * ports are open from before the first stage: clients wait in their queues.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "master/master.h"

static void
log_to_logger(void)
{
	if (dup2(master.log_write_fd, STDERR_FILENO) == -1)
		log_fatal("log pipe: %s", strerror(errno));
	if (!master.debug)
		fd_close(&master.stderr_fd);
	log_init("master", 0);
	log_verbose(master.conf.verbose);
}

static void
tell_parent(void)
{
	if (master.parent_fd == -1)
		return;
	if (write(master.parent_fd, "", 1) != 1)
		log_debug("nobody waits for the start");
	fd_close(&master.parent_fd);
}

static void
started(void)
{
	master.phase = PHASE_RUN;
	log_to_logger();
	log_info("started, configuration %s", master.dir);
	if (!master.root)
		log_info("not root: every program runs as user %ld, without "
		    "jail or system call filter", (long)getuid());
	notify("READY=1");
	tell_parent();
}

int
start_turn(void)
{
	if (!pool_stage_ready(master.stage))
		return 0;
	if (++master.stage < START_STAGES)
		return 1;
	started();
	return 0;
}

void
start_failed(const char *name)
{
	log_warn("%s does not start; the reason may stand in %s", name,
	    setup_path("log/rohrpost.log"));
	stop_begin(LOG_EXIT_TEMP);
}
