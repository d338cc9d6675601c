/*
 * An account gets another name (rohrpost user rename). The tables say so first
 * (lib/mail/tables.h, keys "m" and "r"); the mail follows when store is asked,
 * or at the first use of the new name.
 */
#ifndef STORE_CTL_RENAME_H
#define STORE_CTL_RENAME_H

#include "lib/base/buf.h"

/*
 * In a helper. Where the tables do not know the name yet: whether it is free,
 * with no mail of an earlier account. Where they do, and say of whom it was:
 * the mail is moved,
 *
 *   1. the rows of the old name are copied, 'C' last
 *   2. those of the old name go, 'C' first; 'D' remains
 *   3. the folder is renamed: that is the commit
 *
 * What cuts that short is finished by the next call; the mail is whole under
 * one name all the time. 0, or -1 with why (without the name).
 */
int	rename_user(const char *name, struct buf *why) ATTR_CHECK;
/* The same without an answer, from any thread. */
void	rename_late(const char *name);

#endif
