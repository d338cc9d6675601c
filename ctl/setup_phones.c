#include "config.h"

#include <string.h>

#include "ctl/setup_phones.h"
#include "ctl/setup_tables.h"
#include "lib/base/words.h"

static const struct { const char *key; unsigned port; int road; } services[] = {
	{ "listen_imap", 143, 0 }, { "listen_imaps", 993, 1 },
	{ "listen_pop3", 110, 0 }, { "listen_pop3s", 995, 0 },
	{ "listen_submission", 587, 0 }, { "listen_submissions", 465, 1 },
};

static int
has(const struct host_addresses *l, enum address_kind kind)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->a[i].family == AF_INET && l->a[i].kind == kind)
			return 1;
	return 0;
}

/* Those of loopback, and the private ones of IPv4, which stay. */
static void
put_inner(const struct host_addresses *l, unsigned port, struct buf *out)
{
	size_t i;

	buf_printf(out, "127.0.0.1:%u", port);
	for (i = 0; i < l->n; i++)
		if (l->a[i].family == AF_INET &&
		    l->a[i].kind == ADDRESS_PRIVATE)
			buf_printf(out, " %s:%u", l->a[i].text, port);
}

int
setup_phones(struct setup *s, const struct host_addresses *l,
    struct buf *why)
{
	const struct setup_answer *a;
	struct buf value = BUF_INIT(0);
	const char *old;
	size_t i = 0, k;
	int yes;

	a = answers_next(&s->answers, "phones", &i);
	if (a == NULL)
		return 0;
	yes = strcmp(a->value, "yes") == 0;
	if (!yes && strcmp(a->value, "no") != 0)
		return setup_refuse(s, a, why, _("%s: yes or no"), a->key);
	for (k = 0; k < sizeof(services) / sizeof(services[0]); k++) {
		old = conf_get(&s->conf, services[k].key);
		if (answers_get(&s->answers, services[k].key) != NULL)
			continue;
		if (yes && services[k].road && old != NULL && *old == '\0')
			conf_del(&s->conf, services[k].key);
		if (yes || old != NULL || !has(l, ADDRESS_PUBLIC) ||
		    !has(l, ADDRESS_PRIVATE))
			continue;
		buf_reset(&value);
		put_inner(l, services[k].port, &value);
		conf_set(&s->conf, services[k].key, buf_str(&value));
	}
	buf_clear(&value);
	return 0;
}
