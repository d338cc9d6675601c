/*
 * What a line of users says of names that the account had (user rename):
 *
 *   moving=OLD        its mail is still under that name; what waits for that
 *                     name in the queue is for this account
 *   was=OLD,DATE      the same of what waits, since DATE; it goes with an edit
 *                     RENAMED_DAYS later, when nothing can wait any more
 */
#ifndef CTL_TABLE_RENAMED_H
#define CTL_TABLE_RENAMED_H

#include "ctl/ctl_row.h"
#include "ctl/ctl_set.h"

enum { RENAMED_DAYS = 30, RENAMED_MAX = 20 };

/* Takes such a word. 1; 0 where it is none; -1 with why. */
int	renamed_parse(const char *p, size_t len, struct row *r,
	    struct buf *why) ATTR_CHECK;
/* Appends " WORD" for each of the row. */
void	renamed_print(const struct row *r, struct buf *out);
/* The name in one of the row's marks (its targets), of *len_r octets. */
const char *renamed_name(const char *mark, size_t *len_r);
/* The name that its mail is still under, or NULL. */
const char *renamed_moving(const struct row *r);
/* Is or was it named so? */
int	renamed_from(const struct row *r, const char *old);
/*
 * Writes the row's line anew as that of the account name, without its mark of
 * the name without (or NULL), and with more, words each with a blank before it.
 * *r is the new row. 0, or -1 with why.
 */
int	renamed_line(struct set *s, struct row **r, const char *name,
	    const char *without, const char *more, struct buf *why)
	    ATTR_CHECK;
/* No line says any more that it was named so. */
int	renamed_forget(struct set *s, const char *old, struct buf *why)
	    ATTR_CHECK;
/* The same of all that are too old to count. */
int	renamed_expire(struct set *s, struct buf *why) ATTR_CHECK;
/* "was=OLD,DATE" of today, with a blank before it. */
void	renamed_today(const char *old, struct buf *out);

#endif
