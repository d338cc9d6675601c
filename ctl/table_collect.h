/*
 * The table collect: the providers' accounts that mail is collected from.
 *
 *	home = imap host=imap.example.net login=anna to=anna@example.test
 *	       keep=30d password=the rest of the line
 *
 * on one line. The password ends it, so that it may hold blanks.
 */
#ifndef CTL_TABLE_COLLECT_H
#define CTL_TABLE_COLLECT_H

#include "ctl/ctl_set.h"
#include "lib/mail/collect_account.h"

/* The account of a row; the caller wipes it. 0, or -1 with why. */
int	collect_of(const struct row *r, struct collect_account *a_r,
	    struct buf *why) ATTR_CHECK;
/* Appends its line. */
void	collect_line(const struct collect_account *a, struct buf *out);
/* One word of a line but the password, "keep=30d", into a. 0, or -1 with why. */
int	collect_word(const char *p, size_t len, struct collect_account *a,
	    struct buf *why) ATTR_CHECK;
/* What holds where no word says it. */
void	collect_init(struct collect_account *a);

#endif
