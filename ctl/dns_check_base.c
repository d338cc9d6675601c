#include "config.h"

#include <string.h>

#include "ctl/dns_check.h"
#include "lib/base/str.h"

void
dns_check_init(struct dns_check *c, const struct dns_host *h,
    struct findings *l)
{
	uint64_t port = 25;
	const char *p = dns_host_value(h, "relay_mx_port");

	memset(c, 0, sizeof(*c));
	c->h = h;
	c->l = l;
	if (str_number(p, strlen(p), 65535, &port) == -1)
		port = 25;
	c->smtp_port = (unsigned)port;
	c->addresses = CHECK_ADDRESSES_MAX;
	c->loopback_ok = str_casecmp(dns_host_value(h,
	    "relay_allow_loopback"), "yes") == 0;
}

void
dns_check_later(struct dns_check *c, const char *domain, const char *what,
    const struct dns_asked *a)
{
	finding_add(c->l, FINDING_DNS_LATER, domain, what, a->why, NULL);
}

static void
take_addresses(const struct dns_asked *a, int family,
    struct host_addresses *l)
{
	size_t len, size = family == AF_INET ? 4 : 16;
	struct cursor cur = { .p = NULL };
	struct host_address *h;
	const unsigned char *p;

	while (l->n < HOST_ADDRESSES_MAX &&
	    dns_asked_next(a, &cur, &p, &len)) {
		if (len != size)
			continue;
		h = &l->a[l->n++];
		memset(h, 0, sizeof(*h));
		h->family = family;
		memcpy(h->ip, p, size);
		host_address_judge(h);
	}
}

enum dns_status
dns_check_addresses(const char *name, struct host_addresses *l)
{
	const struct dns_asked *a, *aaaa;

	l->n = 0;
	dns_ask_ahead(DNS_AAAA, name);
	a = dns_question(DNS_A, name);
	aaaa = dns_question(DNS_AAAA, name);
	if (a->status == DNS_OK)
		take_addresses(a, AF_INET, l);
	if (aaaa->status == DNS_OK)
		take_addresses(aaaa, AF_INET6, l);
	if (l->n > 0)
		return DNS_OK;
	return a->status == DNS_TEMP || aaaa->status == DNS_TEMP ? DNS_TEMP :
	    DNS_NODATA;
}

int
dns_check_is_ours(const struct dns_check *c, const char *name,
    const struct host_addresses *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (host_addresses_have(&c->h->outside, &l->a[i]))
			return 1;
	return c->h->outside.n == 0 && str_casecmp(name, c->h->name) == 0;
}

int
dns_check_reachable(const struct dns_check *c, const struct host_address *a)
{
	/* What the operator names as ours is public by his word. */
	return a->kind == ADDRESS_PUBLIC || (c->loopback_ok &&
	    a->kind == ADDRESS_LOOPBACK) ||
	    host_addresses_have(&c->h->outside, a);
}
