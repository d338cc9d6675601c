#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/mail/dkim_key.h"

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

enum { ED25519_PUBLIC = 32 };

/* Takes the key over. NULL: it is none of ours. */
static struct dkim_key *
key_wrap(EVP_PKEY *pkey)
{
	struct dkim_key *k;
	int rsa, bits;

	if (pkey == NULL)
		return NULL;
	rsa = EVP_PKEY_is_a(pkey, "RSA");
	bits = EVP_PKEY_get_bits(pkey);
	if ((!rsa && !EVP_PKEY_is_a(pkey, "ED25519")) ||
	    (rsa && (bits < DKIM_BITS_MIN || bits > DKIM_BITS_MAX))) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k = mem_zalloc(1, sizeof(*k));
	k->pkey = pkey;
	k->algorithm = rsa ? DKIM_RSA : DKIM_ED25519;
	return k;
}

struct dkim_key *
dkim_key_new(enum dkim_algorithm a, unsigned bits)
{
	return key_wrap(a == DKIM_RSA ?
	    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

struct dkim_key *
dkim_key_read(const char *p, size_t len)
{
	struct buf der = BUF_INIT(DKIM_KEY_TEXT_MAX);
	const unsigned char *at;
	EVP_PKEY *pkey = NULL;

	(void)!buf_reserve(&der, len < DKIM_KEY_TEXT_MAX ? len : 0);
	if (len <= DKIM_KEY_TEXT_MAX && base64_decode(&der, p, len) == 0 &&
	    der.len > 0) {
		at = (const unsigned char *)der.data;
		pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
	}
	buf_wipe(&der);
	return key_wrap(pkey);
}

void
dkim_key_free(struct dkim_key **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_free((*k)->pkey);
	free(*k);
	*k = NULL;
}

enum dkim_algorithm
dkim_key_algorithm(const struct dkim_key *k)
{
	return k->algorithm;
}

unsigned
dkim_key_bits(const struct dkim_key *k)
{
	return (unsigned)EVP_PKEY_get_bits(k->pkey);
}

size_t
dkim_key_size(const struct dkim_key *k)
{
	return (size_t)EVP_PKEY_get_size(k->pkey);
}

int
dkim_key_private(const struct dkim_key *k, struct buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
	unsigned char *der = NULL;
	int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
	int r = -1;

	if (len > 0 && buf_reserve(out, ((size_t)len + 2) / 3 * 4) == 0)
		r = base64_encode(out, der, (size_t)len);
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	PKCS8_PRIV_KEY_INFO_free(info);
	return r;
}

/* RSA: SubjectPublicKeyInfo; Ed25519: the 32 octets themselves. */
int
dkim_key_public(const struct dkim_key *k, struct buf *out)
{
	unsigned char raw[ED25519_PUBLIC], *der = NULL;
	size_t n = sizeof(raw);
	int len, r = -1;

	if (k->algorithm == DKIM_ED25519)
		return EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) == 1 ?
		    base64_encode(out, raw, n) : -1;
	if ((len = i2d_PUBKEY(k->pkey, &der)) > 0)
		r = base64_encode(out, der, (size_t)len);
	OPENSSL_free(der);
	return r;
}

/* RFC 6376 3.3.1: PKCS #1 v1.5 over the hash. */
static int
sign_rsa(const struct dkim_key *k, const unsigned char *hash,
    unsigned char *out, size_t *len_r)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->pkey, NULL);
	int r = -1;

	if (c != NULL && EVP_PKEY_sign_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(c, out, len_r, hash, DKIM_HASH) == 1)
		r = 0;
	EVP_PKEY_CTX_free(c);
	return r;
}

/* RFC 8463 3: PureEdDSA, whose message is the hash. */
static int
sign_ed25519(const struct dkim_key *k, const unsigned char *hash,
    unsigned char *out, size_t *len_r)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int r = -1;

	if (c != NULL &&
	    EVP_DigestSignInit(c, NULL, NULL, NULL, k->pkey) == 1 &&
	    EVP_DigestSign(c, out, len_r, hash, DKIM_HASH) == 1)
		r = 0;
	EVP_MD_CTX_free(c);
	return r;
}

int
dkim_key_sign(const struct dkim_key *k, const unsigned char hash[DKIM_HASH],
    unsigned char out[DKIM_SIGNATURE_MAX], size_t *len_r)
{
	*len_r = DKIM_SIGNATURE_MAX;
	return k->algorithm == DKIM_RSA ? sign_rsa(k, hash, out, len_r) :
	    sign_ed25519(k, hash, out, len_r);
}
