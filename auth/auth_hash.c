#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "auth/auth_hash.h"
#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum {
	SHA512_LEN = 64,
	SALT_MAX = 128,
};

static const char ssha512[] = "{SSHA512}", scheme_crypt[] = "{CRYPT}";

static int
has_prefix(const char *s, const char *prefix)
{
	return str_ncasecmp(s, prefix, strlen(prefix)) == 0;
}

/* Steps over "{CRYPT}", which says nothing that the text does not. */
static const char *
bare_text(const char *stored)
{
	return has_prefix(stored, scheme_crypt) ?
	    stored + sizeof(scheme_crypt) - 1 : stored;
}

static int
ssha512_decode(const char *stored, struct buf *raw)
{
	const char *text = stored + sizeof(ssha512) - 1;

	return base64_decode(raw, text, strlen(text)) == -1 ||
	    raw->len <= SHA512_LEN ? -1 : 0;
}

static enum auth_verdict
ssha512_check(const char *stored, const char *password)
{
	struct buf raw = BUF_INIT(SHA512_LEN + SALT_MAX);
	enum auth_verdict v = AUTH_BROKEN;
	unsigned char md[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && ssha512_decode(stored, &raw) == 0 &&
	    EVP_DigestInit_ex(ctx, EVP_sha512(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, password, strlen(password)) == 1 &&
	    EVP_DigestUpdate(ctx, raw.data + SHA512_LEN,
	    raw.len - SHA512_LEN) == 1 &&
	    EVP_DigestFinal_ex(ctx, md, NULL) == 1)
		v = mem_equal_secret(md, raw.data, SHA512_LEN) ? AUTH_MATCH :
		    AUTH_MISMATCH;
	EVP_MD_CTX_free(ctx);
	mem_wipe(md, sizeof(md));
	buf_wipe(&raw);
	return v;
}

static enum auth_verdict
crypt_check(const char *stored, const char *password)
{
	struct crypt_data *d = mem_zalloc(1, sizeof(*d));
	enum auth_verdict v = AUTH_BROKEN;
	size_t len = strlen(stored);
	const char *got;

	/* A failure is "*0" or "*1", which no stored text may equal. */
	got = crypt_r(password, stored, d);
	if (got != NULL && got[0] != '*')
		v = strlen(got) == len && mem_equal_secret(got, stored, len) ?
		    AUTH_MATCH : AUTH_MISMATCH;
	mem_wipe(d, sizeof(*d));
	free(d);
	return v;
}

const char *
auth_hash_fault(const char *stored)
{
	const char *text = bare_text(stored);
	struct buf raw = BUF_INIT(SHA512_LEN + SALT_MAX);
	int bad;

	if (strlen(stored) > CREDENTIAL_HASH_MAX)
		return "the hash is too long";
	if (has_prefix(text, "{ARGON2") || has_prefix(text, "$argon2"))
		return "argon2 hashes are not supported; set the password "
		    "anew (yescrypt) or give a crypt(3) hash";
	if (has_prefix(text, ssha512)) {
		bad = ssha512_decode(text, &raw) == -1;
		buf_clear(&raw);
		return bad ? "the {SSHA512} text is broken" : NULL;
	}
	if (text[0] == '{')
		return "this hash scheme is not known";
	switch (crypt_checksalt(text)) {
	case CRYPT_SALT_OK:
	case CRYPT_SALT_METHOD_LEGACY:
	case CRYPT_SALT_TOO_CHEAP:
		return NULL;
	case CRYPT_SALT_METHOD_DISABLED:
		return "crypt(3) has this method disabled";
	default:
		return "not a hash of crypt(3)";
	}
}

enum auth_verdict
auth_hash_check(const char *stored, const char *password)
{
	const char *text = bare_text(stored);

	if (auth_hash_fault(stored) != NULL)
		return AUTH_BROKEN;
	if (has_prefix(text, ssha512))
		return ssha512_check(text, password);
	return crypt_check(text, password);
}

/*
 * $y$params$salt$hash, $7$ and $gy$ likewise; $2b$cost$...; $6$rounds=n$salt$
 * or $6$salt$hash. For the rest the first field is all that there is.
 */
size_t
auth_hash_cost(const char *stored)
{
	const char *text = bare_text(stored), *p, *q;

	if (has_prefix(text, ssha512))
		return (size_t)(text - stored) + sizeof(ssha512) - 1;
	if (text[0] != '$' || (p = strchr(text + 1, '$')) == NULL)
		return (size_t)(text - stored);
	p++;
	if ((q = strchr(p, '$')) != NULL && (has_prefix(p, "rounds=") ||
	    text[1] == 'y' || text[1] == 'g' || text[1] == '2'))
		p = q + 1;
	return (size_t)(p - stored);
}

int
auth_hash_random(struct buf *hash_r)
{
	struct crypt_data *d = mem_zalloc(1, sizeof(*d));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], password[25];
	unsigned char raw[24];
	const char *got = NULL;
	size_t i;

	if (getrandom(raw, sizeof(raw), 0) == sizeof(raw) &&
	    crypt_gensalt_rn(NULL, 0, NULL, 0, setting, sizeof(setting)) !=
	    NULL) {
		for (i = 0; i < sizeof(raw); i++)
			password[i] = (char)('a' + raw[i] % 26);
		password[i] = '\0';
		got = crypt_r(password, setting, d);
	}
	if (got != NULL && got[0] != '*')
		buf_set(hash_r, "%s", got);
	else
		got = NULL;
	mem_wipe(d, sizeof(*d));
	free(d);
	return got != NULL ? 0 : -1;
}
