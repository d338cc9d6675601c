/*
 * Usage and quota of all accounts.
 */
#ifndef STORE_ACCOUNT_QUOTA_ALL_H
#define STORE_ACCOUNT_QUOTA_ALL_H

/* Every account that is published as full is looked at again. */
void	quota_full_again(void);
/* Looks at every account once, and publishes. */
void	quota_start(void);

#endif
