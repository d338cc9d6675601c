/*
 * The end of an account's sessions, for commands that close or change it.
 */
#ifndef CTL_CMD_SESSION_H
#define CTL_CMD_SESSION_H

#include "ctl/ctl.h"

/* After the tables are written. The exit status; said where it failed. */
int	sessions_end(struct ctl *c, const char *user);

#endif
