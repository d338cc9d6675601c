/*
 * The index of an account, made anew.
 */
#ifndef STORE_ACCOUNT_REBUILD_H
#define STORE_ACCOUNT_REBUILD_H

struct account;

/* Makes the index of the account anew from its files. The
   account is busy; it is ended when done. Runs as a chore. */
void	rebuild_account(struct account *a);

#endif
