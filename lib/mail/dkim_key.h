/*
 * Keys of DKIM. As text a private key is PKCS #8 (RFC 5958) in base64, without
 * lines; a public one what stands behind p= in the DNS (RFC 6376 3.6.1, RFC
 * 8463 4).
 *
 * Secrets: what is made of them here is wiped; texts are the caller's to wipe.
 */
#ifndef LIB_MAIL_DKIM_KEY_H
#define LIB_MAIL_DKIM_KEY_H

#include "lib/mail/dkim.h"

enum {
	DKIM_BITS_MIN = 1024,	/* RFC 8301 3.2: fewer shall not be */
	DKIM_BITS_MAX = 4096,
	DKIM_BITS = 2048,	/* what is made, where nothing else is said */
	/* Octets of the text of a private key: RSA of 4096 bits has 3170. */
	DKIM_KEY_TEXT_MAX = 4096,
};

struct dkim_key;

/* bits: of RSA. NULL: OpenSSL fails. */
struct dkim_key *dkim_key_new(enum dkim_algorithm a, unsigned bits);
/* NULL: no key, of another kind, or of a size that is not taken. */
struct dkim_key *dkim_key_read(const char *p, size_t len);
void	dkim_key_free(struct dkim_key **k);

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
unsigned dkim_key_bits(const struct dkim_key *k);
/* Octets of each of its signatures. */
size_t	dkim_key_size(const struct dkim_key *k);
/* Append the texts. 0, or -1 where out is full or OpenSSL fails. */
int	dkim_key_private(const struct dkim_key *k, struct buf *out) ATTR_CHECK;
int	dkim_key_public(const struct dkim_key *k, struct buf *out) ATTR_CHECK;
/* Signs a hash. 0, or -1. */
int	dkim_key_sign(const struct dkim_key *k,
	    const unsigned char hash[DKIM_HASH],
	    unsigned char out[DKIM_SIGNATURE_MAX], size_t *len_r) ATTR_CHECK;

#endif
