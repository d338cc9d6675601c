/*
 * Usage and quota of all accounts.
 */
#ifndef STORE_ACCOUNT_QUOTA_ALL_H
#define STORE_ACCOUNT_QUOTA_ALL_H

/* Every account that is published as full is looked at again, in slices. */
void	quota_full_again(void);
/* The same where one could not be judged (quota_missed), and no such look is
   under way. */
void	quota_missed_again(void);
/* Looks at every account once, and publishes; domains have their sums then. */
void	quota_start(void);
/* The same again, when the first domain has bounds. */
void	quota_walk(void);

#endif
