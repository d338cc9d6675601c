#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_table.h"
#include "ctl/dns_domains.h"
#include "lib/base/mem.h"

static void
add_domain(struct dns_domains *l, const struct set *s, const struct row *r)
{
	struct dns_domain *d;

	l->d = mem_realloc(l->d, l->n + 1, sizeof(*l->d));
	d = &l->d[l->n++];
	d->domain = mem_strdup(r->key);
	d->alias_of = r->value != NULL ? mem_strdup(r->value) : NULL;
	dns_keys_take(&d->keys, s, r->key);
}

int
dns_domains_read(struct dns_domains *l, struct ctl *c, const char *named)
{
	const struct row *r;
	struct set s;
	size_t i = 0;

	memset(l, 0, sizeof(*l));
	if (table_open(c, &s, 0) == -1)
		return -1;
	while ((r = text_next(&s.t[TEXT_DOMAINS], &i)) != NULL)
		if (named == NULL || strcmp(r->key, named) == 0 ||
		    (r->value != NULL && strcmp(r->value, named) == 0))
			add_domain(l, &s, r);
	set_close(&s);
	return 0;
}

void
dns_domains_clear(struct dns_domains *l)
{
	while (l->n > 0) {
		free(l->d[--l->n].domain);
		free(l->d[l->n].alias_of);
		dns_keys_clear(&l->d[l->n].keys);
	}
	free(l->d);
	l->d = NULL;
}
