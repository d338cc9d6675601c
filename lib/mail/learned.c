#include <string.h>

#include <openssl/evp.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/mail/learned.h"

enum { CRC = 4 };

static const char magic[] = "rp-learn";

int
learned_key(const char *account, const char *hash,
    unsigned char key_r[LEARNED_KEY])
{
	struct buf in = BUF_INIT(0);
	unsigned n = 0;
	int ok;

	buf_put_lv(&in, account, strlen(account));
	buf_put_lv(&in, hash, strlen(hash));
	ok = EVP_Digest(in.data, in.len, key_r, &n, EVP_sha256(), NULL) == 1;
	buf_wipe(&in);
	return ok && n == LEARNED_KEY ? 0 : -1;
}

void
learned_put_head(struct buf *out)
{
	static const char zeros[LEARNED_RECORD];

	buf_reset(out);
	buf_puts(out, magic);
	buf_put_u32(out, LEARNED_VERSION);
	buf_append(out, zeros, LEARNED_RECORD - out->len);
}

_Static_assert(LEARNED_KEY + 8 + 4 + SCRAM_SALT + 2 * SCRAM_KEY + CRC ==
    LEARNED_RECORD, "a record is full");

void
learned_put(const struct learned_record *r, struct buf *out)
{
	buf_reset(out);
	buf_append(out, r->key, LEARNED_KEY);
	buf_put_u64(out, (uint64_t)r->used);
	buf_put_u32(out, r->keys.iterations);
	buf_append(out, r->keys.salt, SCRAM_SALT);
	buf_append(out, r->keys.stored, SCRAM_KEY);
	buf_append(out, r->keys.server, SCRAM_KEY);
	buf_put_u32(out, crc32c(0, out->data, out->len));
}

enum learned_head
learned_head(const char *p, size_t len)
{
	struct cursor c;

	if (len < LEARNED_RECORD || memcmp(p, magic, sizeof(magic) - 1) != 0)
		return LEARNED_DAMAGED;
	cursor_init(&c, p + sizeof(magic) - 1, 4);
	return cursor_u32(&c) == LEARNED_VERSION ? LEARNED_KNOWN :
	    LEARNED_NEWER;
}

int
learned_get(const char *p, struct learned_record *r_r)
{
	struct cursor c;

	cursor_init(&c, p + LEARNED_RECORD - CRC, CRC);
	if (crc32c(0, p, LEARNED_RECORD - CRC) != cursor_u32(&c))
		return -1;
	memset(r_r, 0, sizeof(*r_r));
	cursor_init(&c, p, LEARNED_RECORD);
	memcpy(r_r->key, cursor_take(&c, LEARNED_KEY), LEARNED_KEY);
	r_r->used = (int64_t)(cursor_u64(&c) & INT64_MAX);
	r_r->keys.iterations = cursor_u32(&c);
	r_r->keys.salt_len = SCRAM_SALT;
	memcpy(r_r->keys.salt, cursor_take(&c, SCRAM_SALT), SCRAM_SALT);
	memcpy(r_r->keys.stored, cursor_take(&c, SCRAM_KEY), SCRAM_KEY);
	memcpy(r_r->keys.server, cursor_take(&c, SCRAM_KEY), SCRAM_KEY);
	return 0;
}
