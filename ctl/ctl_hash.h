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
/*
 * Is that hash, which hash_check took, one that costs auth about what our own do
 * (at most some four times the memory, a second or so)? 0, or -1 with why.
 */
int	hash_cheap(const char *hash, struct buf *why) ATTR_CHECK;
/* The name of its kind: "yescrypt", "SSHA512"; NULL where not accepted. */
const char *hash_kind(const char *hash);
/*
 * Hashes a password (1..511 octets, no NUL, CR, LF) anew. The text is
 * set in out. 0, or -1 with why.
 */
int	hash_make(const char *password, struct buf *out, struct buf *why)
	    ATTR_CHECK;
/*
 * What is kept of a password, as fields of passwd (lib/mail/credential.h): the
 * hash, and with scram the keys. Appends to out. 0, or -1 with why. note: why
 * there are no keys although scram asks for them, or nothing.
 */
int	hash_fields(const char *password, int scram, struct buf *out,
	    struct buf *note, struct buf *why) ATTR_CHECK;
/* A new password, of letters and digits that no one takes for one another:
   "k3fq-7bza-...". 0, or -1 with why. */
int	hash_password(struct buf *out, struct buf *why) ATTR_CHECK;
/* 1 if it is the password's hash (crypt(3) kinds only). */
int	hash_verify(const char *hash, const char *password);

#endif
