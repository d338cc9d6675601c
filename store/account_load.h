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
/* The same, but it is not read: one that is not in memory comes as
   ACCOUNT_NEW, whoever knows of it. NULL: not a name of an account. */
struct account *account_find(struct shard *s, const char *name);
/* Busy and idle: nothing of it is in memory any more. */
void	account_unload(struct account *a);
/* The end of that: it is read, and no longer busy. */
void	account_reload(struct account *a);
/* Reads file and index anew (a new account is made, a lost index rebuilt). */
void	account_load(struct account *a);

#endif
