/*
 * Which accounts stay in memory: those in use, and of the others those used
 * last, as long as they are not idle for ACCOUNT_IDLE and a shard's do not pass
 * its share of ACCOUNTS_MAX and MAILBOXES_MAX. One whose flags files are behind
 * stays until they are written, which is done at once where room is wanted.
 */
#ifndef STORE_ACCOUNT_KEEP_H
#define STORE_ACCOUNT_KEEP_H

struct account;
struct shard;

enum {
	ACCOUNTS_MAX = 20000,	/* in memory, of all shards */
	MAILBOXES_MAX = 200000,
	ACCOUNT_IDLE = 300 * 1000,	/* ms */
};

/* It was made: from now on it is found in its bucket. */
void	account_keep(struct account *a);
/* It was used now. */
void	account_use(struct account *a);
/* Frees it; nobody uses it. */
void	account_drop(struct account *a);
/* Before the loop sleeps: whether there are too many, and then the oldest of those
   that nobody uses go. */
void	accounts_bound(struct shard *s);
/* Once a minute: those go that nobody has used for some time. */
void	accounts_expire(struct shard *s);

#endif
