/*
 * Password hashes: made with yescrypt (crypt(3)), and judged when they come
 * from elsewhere.
 */
#ifndef CTL_HASH_H
#define CTL_HASH_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Is the text a hash that auth can check? 0, or -1 with why. */
int	hash_check(const char *hash, struct buf *why) ATTR_CHECK;
/* The name of its kind: "yescrypt", "SSHA512"; NULL where not accepted. */
const char *hash_kind(const char *hash);
/*
 * Hashes a password (1..511 octets, no NUL, CR, LF) anew. The text is
 * set in out. 0, or -1 with why.
 */
int	hash_make(const char *password, struct buf *out, struct buf *why)
	    ATTR_CHECK;
/* 1 if it is the password's hash (crypt(3) kinds only). */
int	hash_verify(const char *hash, const char *password);

#endif
