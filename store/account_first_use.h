/*
 * Makes the mailboxes of an account that has no list; it is busy meanwhile.
 * Where there are traces of an earlier one it is broken instead.
 */
#ifndef STORE_ACCOUNT_FIRST_USE_H
#define STORE_ACCOUNT_FIRST_USE_H

struct account;

void	first_use(struct account *a);
/*
 * The same by order (for account_begin; arg: whose call it is): what only the
 * index knows is given up. Files are not.
 */
void	first_use_again(struct account *a);

#endif
