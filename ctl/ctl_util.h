/*
 * What all commands share: the configuration that they need themselves, words
 * on standard error, the run of another program of ours.
 */
#ifndef CTL_CTL_UTIL_H
#define CTL_CTL_UTIL_H

#include "ctl/ctl.h"

/* Reads what the command itself needs of rohrpost.conf. 0, or -1 (said). */
int	ctl_load(struct ctl *c) ATTR_CHECK;
/* "rohrpost: words" on standard error, each line of words; gives back r. */
int	ctl_say(int r, const struct buf *words);
/* The same for what stops nothing: "rohrpost: warning: ". */
void	ctl_warn(const struct buf *words);
int	ctl_fail(int r, const char *fmt, ...) ATTR_PRINTF(2, 3);
/*
 * Runs a program of ours with up to three arguments and gathers what it
 * prints on both outputs, up to out->max. Returns its exit status, -1 where it
 * could not be run (why in out).
 */
int	ctl_run_program(const char *path, const char *const argv[],
	    struct buf *out);

#endif
