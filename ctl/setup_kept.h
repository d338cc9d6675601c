/*
 * The answers of a conversation so far, in KEPT_FILE of the configuration
 * directory (0600), so that one that is broken off can be taken up. Passwords
 * are not among them: they are asked for again.
 */
#ifndef CTL_SETUP_KEPT_H
#define CTL_SETUP_KEPT_H

#include "ctl/ctl_answers.h"

#define KEPT_FILE ".setup.answers"

/*
 * Reads them into as, which is initialised. 1; 0: there are none, or the file
 * is another user's, or broken. *all_r: all questions were answered, and what
 * came of it was not wanted.
 */
int	kept_load(struct answers *as, const char *dir, int *all_r);
/* Writes them; the directory is made where it is missing. 0, or -1 with why. */
int	kept_save(const struct answers *as, const char *dir, int all,
	    struct buf *why) ATTR_CHECK;
void	kept_forget(const char *dir);

#endif
