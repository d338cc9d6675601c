/*
 * The engine of commands: the command line, arguments, options, help.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/ctl.h"

/* Runs one command line of those commands. Returns the exit status. */
int	ctl_main(const struct ctl_command *commands, int argc, char **argv);

/*
 * Runs one command of c's, for c's admin, by the words behind the program's
 * options. The exit status.
 */
int	ctl_run(struct ctl *c, int argc, char **argv);

#endif
