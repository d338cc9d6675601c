/*
 * An account whose files may be ahead of the index.
 */
#ifndef STORE_ACCOUNT_RECOVER_H
#define STORE_ACCOUNT_RECOVER_H

struct account;

/* Finishes what a crash left half done with its files. */
void	recover_account(struct account *a);

#endif
