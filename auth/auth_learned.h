/*
 * What auth learns from logins and keeps over restarts: SCRAM-SHA-256 keys of
 * passwords whose line in passwd has none yet, and when an app password was
 * used last. auth may not write the operator's tables; this is its own file,
 * and it may be thrown away at any time: it is learned again.
 *
 * The file, STATE/auth/learned, is that of lib/mail/learned.h: an entry belongs
 * to an account and a hash. A record that is damaged is skipped; a file of a
 * newer version is told of in a line and left as it is, nothing is kept then.
 *
 * Written without a sync, one pwrite for each thing learned. Bounds:
 * LEARNED_MAX entries; what is no account's any more goes at the start.
 *
 * DIAGNOSTICS: trouble with the file is a warning, once; logins go on.
 */
#ifndef AUTH_AUTH_LEARNED_H
#define AUTH_AUTH_LEARNED_H

#include <stdint.h>

#include "auth/auth_users.h"
#include "lib/mail/learned.h"

enum {
	AUTH_USED_EVERY = 86400,	/* seconds: uses are no finer than that */
};

struct auth_learned;

/* Never NULL: without a file nothing outlives the process. */
struct auth_learned *auth_learned_open(const char *path);
void	auth_learned_free(struct auth_learned **l);
/* Forgets what belongs to no hash in users, if those can be read. */
void	auth_learned_sweep(struct auth_learned *l, struct auth_users *users);

/* 1 and keys_r (unless NULL) where keys of that hash's password are known. */
int	auth_learned_keys(const struct auth_learned *l, const char *account,
	    const char *hash, struct scram_keys *keys_r);
/* Keeps keys with a salt of SCRAM_SALT octets. */
void	auth_learned_put_keys(struct auth_learned *l, const char *account,
	    const char *hash, const struct scram_keys *keys);
/* When a login with that hash was noted last, in seconds; 0: never. */
int64_t	auth_learned_last(const struct auth_learned *l, const char *account,
	    const char *hash);
void	auth_learned_used(struct auth_learned *l, const char *account,
	    const char *hash, int64_t now);

#endif
