#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "auth/auth_cache.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum {
	SETS = 1024,
	WAYS = 4,
	KEY_LEN = 32,
	INPUT_MAX = 4096,	/* account, hash and password */
};

struct cache_entry {
	unsigned char key[KEY_LEN];
	int64_t	 until;
};

struct cache_pages {
	unsigned char secret[KEY_LEN];
	struct cache_entry entry[SETS][WAYS];
};

struct auth_cache {
	int64_t	 lifetime;
	struct cache_pages *table;	/* its own pages, kept out of dumps */
};

struct auth_cache *
auth_cache_new(int64_t lifetime_ms)
{
	struct auth_cache *c = mem_zalloc(1, sizeof(*c));

	c->lifetime = lifetime_ms;
	if (lifetime_ms == 0)
		return c;
	c->table = mmap(NULL, sizeof(*c->table), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->table == MAP_FAILED)
		log_fatal("out of memory: %zu octets refused",
		    sizeof(*c->table));
	(void)madvise(c->table, sizeof(*c->table), MADV_DONTDUMP);
	if (RAND_bytes(c->table->secret, KEY_LEN) != 1)
		log_fatal("no random octets");
	return c;
}

void
auth_cache_free(struct auth_cache **cp)
{
	struct auth_cache *c = *cp;

	if (c == NULL)
		return;
	if (c->table != NULL) {
		mem_wipe(c->table, sizeof(*c->table));
		munmap(c->table, sizeof(*c->table));
	}
	free(c);
	*cp = NULL;
}

static int
make_key(const struct auth_cache *c, const char *account, const char *stored,
    const char *password, unsigned char key_r[KEY_LEN])
{
	struct buf in = BUF_INIT(INPUT_MAX);
	unsigned n = 0;
	int ok;

	ok = buf_reserve(&in, INPUT_MAX) == 0 &&
	    buf_put_lv(&in, account, strlen(account)) == 0 &&
	    buf_put_lv(&in, stored, strlen(stored)) == 0 &&
	    buf_put_lv(&in, password, strlen(password)) == 0 &&
	    HMAC(EVP_sha256(), c->table->secret, KEY_LEN,
	    (unsigned char *)in.data, in.len, key_r, &n) != NULL &&
	    n == KEY_LEN;
	buf_wipe(&in);
	return ok ? 0 : -1;
}

static struct cache_entry *
set_of(const struct auth_cache *c, const unsigned char *key)
{
	return c->table->entry[(key[0] | (unsigned)key[1] << 8) % SETS];
}

int
auth_cache_has(const struct auth_cache *c, const char *account,
    const char *stored, const char *password, int64_t now)
{
	unsigned char key[KEY_LEN];
	int i, found = 0;
	struct cache_entry *e;

	if (c->table == NULL ||
	    make_key(c, account, stored, password, key) == -1)
		return 0;
	e = set_of(c, key);
	for (i = 0; i < WAYS; i++)
		found |= e[i].until > now &&
		    mem_equal_secret(e[i].key, key, KEY_LEN);
	return found;
}

void
auth_cache_add(struct auth_cache *c, const char *account, const char *stored,
    const char *password, int64_t now)
{
	unsigned char key[KEY_LEN];
	struct cache_entry *e, *oldest;
	int i;

	if (c->table == NULL ||
	    make_key(c, account, stored, password, key) == -1)
		return;
	oldest = e = set_of(c, key);
	for (i = 0; i < WAYS; i++) {
		if (mem_equal_secret(e[i].key, key, KEY_LEN)) {
			oldest = &e[i];
			break;
		}
		if (e[i].until < oldest->until)
			oldest = &e[i];
	}
	memcpy(oldest->key, key, KEY_LEN);
	oldest->until = now + c->lifetime;
}

void
auth_cache_drop(struct auth_cache *c, const char *account, const char *stored,
    const char *password)
{
	unsigned char key[KEY_LEN];
	struct cache_entry *e;
	int i;

	if (c->table == NULL ||
	    make_key(c, account, stored, password, key) == -1)
		return;
	e = set_of(c, key);
	for (i = 0; i < WAYS; i++)
		if (mem_equal_secret(e[i].key, key, KEY_LEN))
			e[i].until = 0;
}
