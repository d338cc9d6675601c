#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "smtpd/signer_key.h"

struct held_key {
	char	*name;
	struct dkim_key *key;	/* NULL: it cannot be read */
};

struct signer_keys {
	struct map *map;
	unsigned generation;
	struct held_key *held;
	unsigned n, max;
};

struct signer_keys *
signer_keys_new(struct map *map, unsigned max)
{
	struct signer_keys *k = mem_zalloc(1, sizeof(*k));

	k->map = map;
	k->max = max;
	k->held = mem_zalloc(max, sizeof(*k->held));
	k->generation = map_generation(map);
	return k;
}

static void
forget(struct signer_keys *k)
{
	while (k->n > 0) {
		free(k->held[--k->n].name);
		dkim_key_free(&k->held[k->n].key);
	}
}

void
signer_keys_free(struct signer_keys **kp)
{
	struct signer_keys *k = *kp;

	if (k == NULL)
		return;
	forget(k);
	map_free(&k->map);
	free(k->held);
	free(k);
	*kp = NULL;
}

/* Another file may have another key by that name. */
static void
refresh(struct signer_keys *k)
{
	(void)map_refresh(k->map);
	if (k->generation != map_generation(k->map))
		forget(k);
	k->generation = map_generation(k->map);
}

static const struct held_key *
hold(struct signer_keys *k, const char *name, const char *p, size_t len)
{
	struct held_key *h;

	if (k->n == k->max)
		forget(k);
	h = &k->held[k->n++];
	h->name = mem_strdup(name);
	h->key = dkim_key_read(p, len);
	if (h->key == NULL)
		log_warn("dkim.cdb: %s is no key that can be used", name);
	return h;
}

enum map_result
signer_keys_find(struct signer_keys *k, const char *name,
    const struct dkim_key **key_r)
{
	const struct held_key *h = NULL;
	enum map_result found;
	const char *p;
	unsigned i;
	size_t len;

	refresh(k);
	for (i = 0; i < k->n && h == NULL; i++)
		if (strcmp(k->held[i].name, name) == 0)
			h = &k->held[i];
	if (h == NULL) {
		found = map_find(k->map, name, strlen(name), &p, &len);
		if (found != MAP_FOUND)
			return found;
		h = hold(k, name, p, len);
	}
	*key_r = h->key;
	return h->key != NULL ? MAP_FOUND : MAP_ERROR;
}
