/*
 * Password hashes as text: crypt(3) in all methods that libcrypt knows
 * ("$y$...", "$6$...", "$2b$...", with or without "{CRYPT}" in front), and
 * "{SSHA512}base64(SHA-512(password salt) salt)". argon2 is refused: Debian's
 * libcrypt has none, and a second implementation of a memory-hard function is
 * not worth its weight here.
 *
 * Thread-safe: no state but the stack and heap of the caller. Comparison takes
 * a time that depends on lengths alone.
 */
#ifndef AUTH_HASH_H
#define AUTH_HASH_H

#include "lib/base/buf.h"
#include "lib/mail/credential.h"

enum auth_verdict {
	AUTH_MATCH,
	AUTH_MISMATCH,
	AUTH_BROKEN,	/* the stored text cannot be checked */
};

/* stored: at most CREDENTIAL_HASH_MAX octets. */
enum auth_verdict auth_hash_check(const char *stored, const char *password)
	    ATTR_CHECK;
/* Words on why stored cannot be checked, NULL where it can. */
const char *auth_hash_fault(const char *stored) ATTR_CHECK;
/*
 * What makes up the time of a check: the text without salt and hash
 * ("$y$j9T$", "$6$rounds=5000$", "{SSHA512}"); its length.
 */
size_t	auth_hash_cost(const char *stored);
/* A fresh hash of a random password, of crypt(3)'s default method. 0, or -1. */
int	auth_hash_random(struct buf *hash_r) ATTR_CHECK;

#endif
