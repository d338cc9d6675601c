/*
 * Sieve scripts, for other commands.
 */
#ifndef CTL_CMD_SIEVE_H
#define CTL_CMD_SIEVE_H

#include "ctl/ctl.h"

/* The script of the system, in the configuration directory and in the jail. */
#define SIEVE_BEFORE	"before.sieve"

/* CTL_DONE where the text is a script; else said, with the place in it. */
int	sieve_judge(const char *what, const struct buf *text);
/* Judges SIEVE_BEFORE, and with apply puts it where deliver finds it; where
   there is none deliver has none either. CTL_DONE, or said. */
int	sieve_before(struct ctl *c, int apply);

#endif
