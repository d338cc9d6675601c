/*
 * What is kept of expunged messages and deleted mailboxes is bounded for each
 * user: at most expunged_size octets, and at most as many as the user's quota.
 * The oldest go first. Octets are counted in blocks of 4 KiB, those of a body
 * with several names in equal shares.
 *
 * Whose bound is passed is found in the shard, from what was added since the
 * last look; a helper looks and removes. What the index still knows as a message
 * (its expunge is under way, or was cut short by a crash) is never removed.
 */
#ifndef STORE_ACCOUNT_EXPUNGED_H
#define STORE_ACCOUNT_EXPUNGED_H

#include <stdint.h>

struct account;

/* In the shard: so much of so many messages is kept from now on. */
void	expunged_note(struct account *a, uint64_t size, uint64_t count);
/* In a helper: looks at once, and removes what is over the bound. Returns
   how much is left. */
uint64_t expunged_bound(const char *name, const char *path);
/* In a helper: removes what that mailbox has kept since before that second.
   Returns how many. */
unsigned expunged_old(const char *name, const char *path, uint32_t id,
	    int64_t before);
/* In a helper: the index forgets what was expunged before that time. */
void	expunged_forget(const char *name, int64_t before);

#endif
