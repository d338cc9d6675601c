/*
 * What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3,
 * RFC 7677): salt, iteration count, StoredKey and ServerKey, without which it
 * would have to be told the password.
 *
 * Whoever steals such keys can try passwords much faster than against a
 * yescrypt hash, which takes memory too; so the count is high.
 *
 * Thread-safe: no state but the caller's.
 */
#ifndef LIB_MAIL_SCRAM_H
#define LIB_MAIL_SCRAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	SCRAM_ITERATIONS = 250000,	/* made with; the fewest that are read */
	SCRAM_ITERATIONS_MAX = 10000000,
	SCRAM_SALT = 16,		/* octets, as made */
	SCRAM_SALT_MAX = 64,		/* as read */
	SCRAM_KEY = 32,			/* octets of a SHA-256 */
};

struct scram_keys {
	uint32_t iterations;
	size_t	 salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored[SCRAM_KEY], server[SCRAM_KEY];
};

/*
 * Keys of the password with a fresh salt: a tenth of a second of work. 0; -1
 * with why: it holds what SASLprep (RFC 4013) prohibits, or is empty after
 * it, so no client could log in with it.
 */
int	scram_make(const char *password, struct scram_keys *k_r,
	    struct buf *why) ATTR_CHECK;
/* The same with the iterations and the salt in k. */
int	scram_derive(const char *password, struct scram_keys *k,
	    struct buf *why) ATTR_CHECK;

/* Appends "ITERATIONS,SALT,STOREDKEY,SERVERKEY", the last three in base64. */
void	scram_print(const struct scram_keys *k, struct buf *out);
/* Reads that. 0, or -1 with why. */
int	scram_parse(const char *p, size_t len, struct scram_keys *k_r,
	    struct buf *why) ATTR_CHECK;
void	scram_wipe(struct scram_keys *k);

#endif
