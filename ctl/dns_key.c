#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_key.h"
#include "ctl/table_dkim.h"
#include "lib/base/mem.h"

void
dns_keys_add(struct dns_keys *k, const char *selector, const char *record)
{
	k->k = mem_realloc(k->k, k->n + 1, sizeof(*k->k));
	k->k[k->n].selector = mem_strdup(selector);
	k->k[k->n++].record = mem_strdup(record);
}

void
dns_keys_take(struct dns_keys *k, const struct set *s, const char *domain)
{
	struct buf record = BUF_INIT(0), name = BUF_INIT(0);
	const struct row *r;
	size_t i = 0;

	memset(k, 0, sizeof(*k));
	while ((r = text_next(&s->t[TEXT_DKIM], &i)) != NULL) {
		if (strcmp(r->domain, domain) != 0 || r->flags == DKIM_RETIRED)
			continue;
		buf_reset(&record);
		buf_set(&name, "%.*s", (int)strcspn(r->key, "."), r->key);
		if (dkim_record(r, &record) == 0)
			dns_keys_add(k, buf_str(&name), buf_str(&record));
	}
	buf_clear(&record);
	buf_clear(&name);
}

int
dns_keys_load(struct dns_keys *k, const struct ctl *c, const char *domain,
    struct buf *why)
{
	struct set s;

	memset(k, 0, sizeof(*k));
	if (set_open(&s, ctl_tables, c->dir, 0, why) == -1)
		return -1;
	dns_keys_take(k, &s, domain);
	set_close(&s);
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
