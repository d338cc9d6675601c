#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_key.h"
#include "lib/base/mem.h"

void
dns_keys_add(struct dns_keys *k, const char *selector, const char *record)
{
	k->k = mem_realloc(k->k, k->n + 1, sizeof(*k->k));
	k->k[k->n].selector = mem_strdup(selector);
	k->k[k->n++].record = mem_strdup(record);
}

/* Nothing signs yet, so no domain has a key. */
int
dns_keys_load(struct dns_keys *k, const struct ctl *c, const char *domain,
    struct buf *why)
{
	(void)c;
	(void)domain;
	(void)why;
	memset(k, 0, sizeof(*k));
	return 0;
}

void
dns_keys_clear(struct dns_keys *k)
{
	while (k->n > 0) {
		free(k->k[--k->n].selector);
		free(k->k[k->n].record);
	}
	free(k->k);
	k->k = NULL;
}
