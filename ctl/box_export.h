/*
 * Mail of an account into files of the operator: Maildirs in folders within
 * each other, with Dovecot's files for UIDs and keywords, or mboxes (mboxrd).
 * Done again it brings what is new, and flags; what has gone from the account
 * stays in the files. Folders are made 0700, files 0600, each synced before it
 * has its name or is noted, and nothing is opened through a symbolic link below
 * the folder that was named.
 *
 * A level of a mailbox name becomes a file's name: octets of control, "%", a
 * dot in front, and what is a Maildir's own name are %XX; past 200 octets it
 * ends with "%~" and a checksum.
 *
 * Calls return 0, or -1 having said why (status).
 */
#ifndef CTL_BOX_EXPORT_H
#define CTL_BOX_EXPORT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/door.h"

#define BOX_EXPORT_MARK "rohrpost-export"	/* a file in the top folder */

enum { BOX_EXPORT_BATCH = 500 };	/* messages between two syncs */

struct box_export {
	struct door *door;
	int	 top;			/* the folder */
	int	 progress, status;
	uint64_t written, there;
	/* of the mailbox that is written: */
	const struct door_mailbox *m;
	struct door_record *rec;
	size_t	 n;
	struct buf keywords;		/* packed lv, in bit order */
};

/* The file's name of a level, appended. */
void	box_level(struct buf *out, const char *p, size_t len);
/* Makes and opens the folder of these levels ("/"), below top. -1 with errno. */
int	box_make_folder(int top, const char *path);
/*
 * Calls each for the messages of which want says 1, opened for reading, in
 * order; 1: it is to be gone on with, -1: it ends.
 */
int	box_each(struct box_export *x, int (*want)(void *, size_t i),
	    int (*each)(void *, size_t i, int fd), void *arg) ATTR_CHECK;
/* What is wrong with the files of this mailbox: -1. */
int	box_export_fail(struct box_export *x, const char *what);
/* The number of keyword names of a record, up to 64; each calls put. */
void	box_record_keywords(const struct box_export *x,
	    const struct door_record *r, void (*put)(void *, unsigned bit,
	    const char *p, size_t len), void *arg);

/* The mailbox x->m, whose records are there. */
int	box_export_maildir(struct box_export *x) ATTR_CHECK;
int	box_export_mbox(struct box_export *x) ATTR_CHECK;

#endif
