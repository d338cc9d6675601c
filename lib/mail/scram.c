#include <gsasl.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/scram.h"

/* RFC 5802 section 3: SaltedPassword := Hi(Normalize(password), salt, i). */
static int
derive_prepared(const char *password, struct scram_keys *k)
{
	char salted[SCRAM_KEY], client[SCRAM_KEY];
	int r;

	r = PKCS5_PBKDF2_HMAC(password, (int)strlen(password), k->salt,
	    (int)k->salt_len, (int)k->iterations, EVP_sha256(), SCRAM_KEY,
	    (unsigned char *)salted) == 1 &&
	    gsasl_scram_secrets_from_salted_password(GSASL_HASH_SHA256, salted,
	    client, (char *)k->server, (char *)k->stored) == GSASL_OK;
	mem_wipe(salted, sizeof(salted));
	mem_wipe(client, sizeof(client));
	return r ? 0 : -1;
}

int
scram_derive(const char *password, struct scram_keys *k, struct buf *why)
{
	char *prepared = NULL;
	int r = -1;

	if (gsasl_saslprep(password, 0, &prepared, NULL) != GSASL_OK ||
	    prepared == NULL || prepared[0] == '\0')
		buf_set(why, _("the password holds what SASLprep prohibits"));
	else if ((r = derive_prepared(prepared, k)) == -1)
		buf_set(why, _("SCRAM keys cannot be derived"));
	if (prepared != NULL) {
		mem_wipe(prepared, strlen(prepared));
		gsasl_free(prepared);
	}
	return r;
}

int
scram_make(const char *password, struct scram_keys *k_r, struct buf *why)
{
	memset(k_r, 0, sizeof(*k_r));
	k_r->iterations = SCRAM_ITERATIONS;
	k_r->salt_len = SCRAM_SALT;
	if (RAND_bytes(k_r->salt, SCRAM_SALT) != 1) {
		buf_set(why, _("no random octets"));
		return -1;
	}
	return scram_derive(password, k_r, why);
}

void
scram_print(const struct scram_keys *k, struct buf *out)
{
	buf_put_number(out, k->iterations);
	buf_putc(out, ',');
	base64_encode(out, k->salt, k->salt_len);
	buf_putc(out, ',');
	base64_encode(out, k->stored, SCRAM_KEY);
	buf_putc(out, ',');
	base64_encode(out, k->server, SCRAM_KEY);
}

/* The octets of the field up to the next comma or end, min to max of them. */
static int
take_base64(const char **p, const char *end, unsigned char *out, size_t min,
    size_t max, size_t *len_r)
{
	struct buf raw = BUF_INIT(SCRAM_SALT_MAX);
	const char *comma;
	int r = -1;

	if (*p == end)
		return -1;
	(*p)++;		/* the comma before it */
	comma = memchr(*p, ',', (size_t)(end - *p));
	if (comma == NULL)
		comma = end;
	if (base64_decode(&raw, *p, (size_t)(comma - *p)) == 0 &&
	    raw.len >= min && raw.len <= max) {
		memcpy(out, raw.data, raw.len);
		*len_r = raw.len;
		r = 0;
	}
	*p = comma;
	buf_wipe(&raw);
	return r;
}

int
scram_parse(const char *p, size_t len, struct scram_keys *k_r,
    struct buf *why)
{
	const char *end = p + len, *comma = memchr(p, ',', len);
	uint64_t n;
	size_t got;

	memset(k_r, 0, sizeof(*k_r));
	if (comma == NULL || str_number(p, (size_t)(comma - p),
	    SCRAM_ITERATIONS_MAX, &n) == -1 || n < SCRAM_ITERATIONS) {
		buf_set(why, _("SCRAM keys begin with a number of iterations, "
		    "%d to %d"), SCRAM_ITERATIONS, SCRAM_ITERATIONS_MAX);
		return -1;
	}
	k_r->iterations = (uint32_t)n;
	p = comma;
	if (take_base64(&p, end, k_r->salt, 8, SCRAM_SALT_MAX,
	    &k_r->salt_len) == 0 &&
	    take_base64(&p, end, k_r->stored, SCRAM_KEY, SCRAM_KEY, &got) ==
	    0 &&
	    take_base64(&p, end, k_r->server, SCRAM_KEY, SCRAM_KEY, &got) ==
	    0 && p == end)
		return 0;
	buf_set(why, _("damaged SCRAM keys (salt, StoredKey, ServerKey)"));
	return -1;
}

void
scram_wipe(struct scram_keys *k)
{
	mem_wipe(k, sizeof(*k));
}
