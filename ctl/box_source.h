/*
 * The sources of an import: a Maildir (Maildir++ and nested folders, Dovecot's
 * with UIDs and keywords), an mbox, or a folder with such below it. They are
 * opened by box_open.h, and go where box_put.h brings them.
 *
 * Bounds: BOX_DEPTH levels, BOX_FOLDERS folders, BOX_FILES files in one; what
 * passes them, and all that cannot be read, is left out with a line that says
 * why.
 */
#ifndef CTL_BOX_SOURCE_H
#define CTL_BOX_SOURCE_H

#include "ctl/box_put.h"

enum { BOX_DEPTH = 16, BOX_FOLDERS = 10000, BOX_FILES = 4 << 20 };

struct box_source {
	struct box_put put;
	int	 files;			/* box_open.h */
	const char *root;		/* mailbox of the top, others below it;
					   or NULL */
	const char *file;		/* the name of an mbox that is the source */
	const char *local;		/* local part of the account */
	struct buf subscribed;		/* packed lv */
	int	 has_subscriptions;
	int	 escaped;		/* it is an export of ours: %XX */
	unsigned folders;
};

/* All of it. 0, or -1: the import ends (put.status). */
int	box_source_read(struct box_source *s) ATTR_CHECK;

/* The folder path is a Maildir: what is in it goes to the mailbox, which has
   these attributes (special use, subscribed). */
int	box_maildir(struct box_source *s, const char *path,
	    const char *mailbox, uint32_t attrs) ATTR_CHECK;
/* The open file is an mbox: likewise. Takes fd over. */
int	box_mbox(struct box_source *s, int fd, const char *path,
	    const char *mailbox, uint32_t attrs) ATTR_CHECK;

#endif
