/*
 * The staging directory of setup, and the check of what is to be written.
 */
#ifndef CTL_SETUP_CHECK_H
#define CTL_SETUP_CHECK_H

#include "ctl/setup.h"

struct setup_file_row {
	const char *name, *key;	/* of the file; in rohrpost.conf */
	mode_t	 mode;
};

extern const struct setup_file_row setup_files[SETUP_FILES];

/* Lets every program judge the new configuration. 0, or -1 with why. */
int	setup_check(struct setup *s, struct buf *why) ATTR_CHECK;
/* Writes those of setup_files that have content to a directory. 0, or -1 with
   errno. */
int	setup_write_files(struct setup *s, int dirfd) ATTR_CHECK;
/* Removes the staging directory. */
void	setup_unstage(struct setup *s);

#endif
