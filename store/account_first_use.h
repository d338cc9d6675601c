/*
 * Makes the mailboxes of an account that has no list; it is busy meanwhile.
 * Where there are traces of an earlier one it is broken instead.
 */
#ifndef STORE_ACCOUNT_FIRST_USE_H
#define STORE_ACCOUNT_FIRST_USE_H

#include <stdint.h>

struct account;

void	first_use(struct account *a);
/*
 * Has the mail of that account, which had another name, moved here: set by
 * who can (ctl_control.c). Until it is set, and done, the account is broken.
 */
extern void (*first_use_moving)(const char *name);
/*
 * The same by order (for account_begin; arg: whose call it is): what only the
 * index knows is given up. Files are not.
 */
void	first_use_again(struct account *a);

/* The special uses that the mailbox of that name has then; 0: none. */
uint32_t first_use_attrs(const char *name);

#endif
