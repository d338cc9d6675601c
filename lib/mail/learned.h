/*
 * The records of STATE/auth/learned, which auth writes and the operator's
 * command reads: what logins taught of a hash of passwd.
 *
 * A record belongs to an account and a hash text together; the SHA-256 of both
 * is its key. So a new password (a new hash) makes what was learned from the
 * old one unreachable at once, and one account's record can never answer for
 * another's.
 *
 * The file: records of LEARNED_RECORD octets. The first begins with "rp-learn"
 * and a version (u32); each other one has the key (32), the last use (u64,
 * seconds), iterations (u32, 0: no keys), salt (16), StoredKey, ServerKey (32
 * each) and the CRC-32C of all that (u32), numbers little-endian.
 */
#ifndef LIB_MAIL_LEARNED_H
#define LIB_MAIL_LEARNED_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/scram.h"

enum {
	LEARNED_VERSION = 1,
	LEARNED_RECORD = 128,
	LEARNED_KEY = 32,
	LEARNED_MAX = 256 * 1024,	/* records of a file */
};

struct learned_record {
	unsigned char key[LEARNED_KEY];
	int64_t	 used;			/* seconds since 1970; 0: never */
	struct scram_keys keys;		/* iterations 0: none */
};

enum learned_head { LEARNED_KNOWN, LEARNED_NEWER, LEARNED_DAMAGED };

/* 0, or -1: no digest can be made. */
int	learned_key(const char *account, const char *hash,
	    unsigned char key_r[LEARNED_KEY]) ATTR_CHECK;
/* Set out to a record's LEARNED_RECORD octets: the first; another one. */
void	learned_put_head(struct buf *out);
void	learned_put(const struct learned_record *r, struct buf *out);
/* Judges the first len octets of a file. */
enum learned_head learned_head(const char *p, size_t len);
/* Reads a record's octets. 0, or -1: damaged. */
int	learned_get(const char *p, struct learned_record *r_r) ATTR_CHECK;

#endif
