#include "config.h"

#include <sys/stat.h>

#include <signal.h>

#include "ctl/commands.h"
#include "ctl/ctl_command.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/words.h"

int
main(int argc, char **argv)
{
	(void)fd_standard();
	/* Programs read what is written: its mode is ours, not a shell's. */
	umask(022);
	log_init("rohrpost", 1);
	words_init(LOCALEDIR);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error of its write. */
	signal(SIGXFSZ, SIG_IGN);
	return ctl_main(ctl_commands, argc, argv);
}
