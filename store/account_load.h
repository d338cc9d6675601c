/*
 * Accounts by name: found in memory, or read from file and index.
 */
#ifndef STORE_ACCOUNT_LOAD_H
#define STORE_ACCOUNT_LOAD_H

struct account;
struct shard;

/* Finds the account or makes it; it may be busy with its first use. NULL:
   not a name of an account, or the tables know no such user. */
struct account *account_get(struct shard *s, const char *name);
/* Loads it again where that failed before, or its user was unknown. */
void	account_retry(struct account *a);
/* Reads file and index anew (a new account is made, a lost index rebuilt). */
void	account_load(struct account *a);

#endif
