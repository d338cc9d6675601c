/*
 * Logins that were right a short time ago, so that a client that logs in anew
 * every minute (POP3 pollers, submission of many messages) does not cost a
 * yescrypt of 20 ms and 16 MB each time.
 *
 * Why this is safe:
 * - A key is HMAC-SHA-256, under 32 random octets of this process, of every
 *   input with its length: account, stored hash text, password. User A's entry
 *   can never answer for user B, and a new hash in passwd.cdb (a changed
 *   password) makes the old entry unreachable at once; the account itself is
 *   looked up in passwd.cdb first, every time.
 * - Only successes are kept, so a wrong password costs a guesser the whole
 *   hash, and the delays apply before. That a right password is answered
 *   faster tells him who knows it nothing.
 * - An entry lasts `auth_cache` seconds from the full check and is not
 *   prolonged by use. Passwords themselves are not kept.
 * What it costs: who can read the memory of auth gets, beside the passwords on
 * their way through, HMACs and their key for the users of the last hour, which
 * can be searched faster than yescrypt. auth is not dumpable, and the table is
 * left out of core dumps. `auth_cache = 0s` turns it off.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include <stdint.h>

struct auth_cache;

/* lifetime in milliseconds; 0: nothing is ever found. */
struct auth_cache *auth_cache_new(int64_t lifetime_ms);
void	auth_cache_free(struct auth_cache **c);
/* 1 if that login was right within the lifetime. */
int	auth_cache_has(const struct auth_cache *c, const char *account,
	    const char *stored, const char *password, int64_t now);
void	auth_cache_add(struct auth_cache *c, const char *account,
	    const char *stored, const char *password, int64_t now);
/* It is not found any more. */
void	auth_cache_drop(struct auth_cache *c, const char *account,
	    const char *stored, const char *password);

#endif
