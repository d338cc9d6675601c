/*
 * The file mailboxes of an account, read, and filled in from.
 */
#ifndef STORE_ACCOUNT_ADOPT_H
#define STORE_ACCOUNT_ADOPT_H

#include "lib/base/buf.h"

struct account;

enum { MAILBOXES_FILE_MAX = 16 << 20 };
/* The text of its file mailboxes: 0, -1 with errno. */
int	account_read(const struct account *a, struct buf *text);
/* Fills in from that text, with the rows of the index. 0; -1: it is broken. */
int	account_adopt(struct account *a, const char *text, size_t len);
/* Loads it again after a rebuild, still busy; failed: it is broken. */
void	account_end_load(struct account *a, int failed);

#endif
