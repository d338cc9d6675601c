#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_util.h"
#include "ctl/dns_host.h"
#include "lib/base/str.h"
#include "lib/net/addr.h"

const char *
dns_host_value(const struct dns_host *h, const char *key)
{
	const struct key *k = keys_find(&h->keys, key);

	return k == NULL ? "" : k->value != NULL ? k->value : k->def;
}

/* The first port of listen_NAME that is not of loopback alone. */
static unsigned
outer_port(const struct dns_host *h, enum service s)
{
	struct buf why = BUF_INIT(300);
	struct addr *list = NULL;
	char key[40];
	unsigned port = 0;
	size_t n = 0, i;

	snprintf(key, sizeof(key), "listen_%s", service_name(s));
	if (addr_parse_list(dns_host_value(h, key), 0, &list, &n, &why) == 0)
		for (i = 0; i < n && port == 0; i++) {
			const struct sockaddr *sa =
			    (const struct sockaddr *)&list[i].ss;
			char ip[ADDR_TEXT_MAX];

			addr_print_ip(sa, ip, sizeof(ip));
			if (!addr_is_local(sa) || strcmp(ip, "0.0.0.0") == 0 ||
			    strcmp(ip, "::") == 0)
				port = addr_port(sa);
		}
	free(list);
	buf_clear(&why);
	return port;
}

/* A profile is a set of defaults: these two tell which it is. */
static enum dns_profile
profile_of(const struct dns_host *h)
{
	if (dns_host_value(h, "relay_host")[0] == '\0')
		return DNS_DIRECT;
	return dns_host_value(h, "listen_smtp")[0] == '\0' ? DNS_COLLECTOR :
	    DNS_RELAY;
}

static int
find_addresses(struct dns_host *h, const char *given)
{
	const char *set = dns_host_value(h, "public_address");
	struct buf why = BUF_INIT(300);
	size_t i;
	int r = 0;

	host_addresses_read(&h->local);
	h->outside.n = 0;
	if (given != NULL || set[0] != '\0') {
		r = host_addresses_parse(&h->outside, given != NULL ? given :
		    set, &why);
		if (r == -1)
			ctl_fail(-1, "%s: %s", given != NULL ? "--address" :
			    "public_address", buf_str(&why));
		buf_clear(&why);
		return r;
	}
	for (i = 0; i < h->local.n; i++)
		if (h->local.a[i].kind == ADDRESS_PUBLIC &&
		    !h->local.a[i].temporary)
			h->outside.a[h->outside.n++] = h->local.a[i];
	return 0;
}

int
dns_host_load(struct dns_host *h, struct ctl *c, const char *address)
{
	struct buf words = BUF_INIT(4000);
	unsigned s;
	int r;

	memset(h, 0, sizeof(*h));
	if (ctl_load(c) == -1)
		return -1;
	r = keys_values(&h->keys, c->dir, &words);
	if (r == -1)
		ctl_say(-1, &words);
	buf_clear(&words);
	if (r == -1)
		return -1;
	(void)str_copy(h->name, sizeof(h->name), c->hostname);
	str_tolower(h->name, strlen(h->name));
	h->profile = profile_of(h);
	for (s = SERVICE_NONE + 1; s < SERVICE_COUNT; s++)
		if (s != SERVICE_LOCAL && s != SERVICE_CONTROL &&
		    s != SERVICE_PROBE)
			h->port[s] = outer_port(h, (enum service)s);
	return find_addresses(h, address);
}

void
dns_host_clear(struct dns_host *h)
{
	keys_clear(&h->keys);
}

int
dns_host_has(const struct dns_host *h, int family)
{
	size_t i;

	for (i = 0; i < h->outside.n; i++)
		if (h->outside.a[i].family == family)
			return 1;
	return 0;
}
