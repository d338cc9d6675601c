#include "config.h"

#include <signal.h>

#include "ctl/commands.h"
#include "ctl/ctl_command.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

int
main(int argc, char **argv)
{
	(void)fd_standard();
	log_init("rohrpost", 1);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error of its write. */
	signal(SIGXFSZ, SIG_IGN);
	return ctl_main(ctl_commands, argc, argv);
}
