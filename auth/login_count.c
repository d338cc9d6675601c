#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auth/login_count.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum { SLOTS = 4096 };

struct login_count {
	struct login_count *next;
	uint32_t hash;
	unsigned n;
	size_t	 len;
	unsigned char key[];
};

struct login_counts {
	uint64_t secret;
	struct login_count *slot[SLOTS];
};

struct login_counts *
login_counts_new(void)
{
	struct login_counts *c = mem_zalloc(1, sizeof(*c));

	if (getrandom(&c->secret, sizeof(c->secret), 0) != sizeof(c->secret))
		log_fatal("no random octets");
	return c;
}

void
login_counts_free(struct login_counts **cp)
{
	struct login_counts *c = *cp;
	struct login_count *n;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < SLOTS; i++)
		while ((n = c->slot[i]) != NULL) {
			c->slot[i] = n->next;
			free(n);
		}
	free(c);
	*cp = NULL;
}

static uint32_t
hash_of(const struct login_counts *c, const unsigned char *key, size_t len)
{
	uint64_t h = c->secret;
	size_t i;

	for (i = 0; i < len; i++) {
		h = (h ^ key[i]) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 33;
	}
	return (uint32_t)h;
}

struct login_count *
login_count_take(struct login_counts *c, const void *key, size_t len,
    unsigned max)
{
	uint32_t h = hash_of(c, key, len);
	struct login_count *n;

	for (n = c->slot[h % SLOTS]; n != NULL; n = n->next)
		if (n->hash == h && n->len == len &&
		    memcmp(n->key, key, len) == 0)
			break;
	if (n != NULL)
		return n->n < max ? (n->n++, n) : NULL;
	if (max == 0)
		return NULL;
	n = mem_alloc(sizeof(*n) + len);
	n->hash = h;
	n->n = 1;
	n->len = len;
	memcpy(n->key, key, len);
	n->next = c->slot[h % SLOTS];
	c->slot[h % SLOTS] = n;
	return n;
}

void
login_count_drop(struct login_counts *c, struct login_count **np)
{
	struct login_count *n = *np, **at;

	*np = NULL;
	if (n == NULL || --n->n > 0)
		return;
	for (at = &c->slot[n->hash % SLOTS]; *at != n; at = &(*at)->next)
		;
	*at = n->next;
	free(n);
}
