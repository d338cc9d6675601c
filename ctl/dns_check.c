#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/dns_record.h"
#include "ctl/dns_rr.h"
#include "lib/base/str.h"

enum dns_ptr
dns_check_ptr(const char *hostname, const struct host_address *a,
    const struct host_addresses *of_host, char other[DOMAIN_MAX + 1])
{
	struct buf reverse = BUF_INIT(DOMAIN_MAX);
	struct cursor cur = { .p = NULL };
	char name[DOMAIN_MAX + 1];
	const struct dns_asked *asked;
	const unsigned char *p;
	int ours = 0;
	size_t len;

	host_address_reverse(a, &reverse);
	asked = dns_question(DNS_PTR, buf_str(&reverse));
	buf_clear(&reverse);
	other[0] = '\0';
	while (asked->status == DNS_OK &&
	    dns_asked_next(asked, &cur, &p, &len)) {
		if (dns_rr_name(p, len, name) == -1)
			continue;
		if (str_casecmp(name, hostname) == 0)
			ours = 1;
		else
			(void)str_copy(other, DOMAIN_MAX + 1, name);
	}
	if (asked->status == DNS_TEMP)
		return DNS_PTR_LATER;
	if (!ours)
		return other[0] != '\0' ? DNS_PTR_OTHER : DNS_PTR_MISSING;
	return host_addresses_have(of_host, a) ? DNS_PTR_GOOD :
	    DNS_PTR_UNCONFIRMED;
}

/* PTR of an address: the host's name, confirmed by the name's addresses. */
static void
check_ptr(struct dns_check *c, const struct host_address *a,
    const struct host_addresses *of_host)
{
	struct buf reverse = BUF_INIT(DOMAIN_MAX);
	char other[DOMAIN_MAX + 1];

	switch (dns_check_ptr(c->h->name, a, of_host, other)) {
	case DNS_PTR_LATER:
		host_address_reverse(a, &reverse);
		dns_check_later(c, c->h->name, buf_str(&reverse),
		    dns_question(DNS_PTR, buf_str(&reverse)));
		break;
	case DNS_PTR_OTHER:
		finding_add(c->l, FINDING_PTR_OTHER, c->h->name, a->text,
		    other, NULL);
		break;
	case DNS_PTR_MISSING:
		finding_add(c->l, FINDING_PTR_MISSING, c->h->name, a->text,
		    NULL, NULL);
		break;
	case DNS_PTR_UNCONFIRMED:
		finding_add(c->l, FINDING_PTR_UNCONFIRMED, c->h->name,
		    a->text, c->h->name, NULL);
		break;
	case DNS_PTR_GOOD:
		break;
	}
	buf_clear(&reverse);
}

void
dns_check_host(struct dns_check *c)
{
	const struct dns_host *h = c->h;
	struct host_addresses l;
	enum dns_status st;
	size_t i;

	if (h->profile == DNS_COLLECTOR)
		return;
	if (h->outside.n == 0)
		finding_add(c->l, FINDING_ADDRESS_UNKNOWN, h->name, NULL,
		    NULL, NULL);
	st = dns_check_addresses(h->name, &l);
	if (st == DNS_TEMP)
		dns_check_later(c, h->name, h->name,
		    dns_question(DNS_A, h->name));
	else if (st != DNS_OK)
		finding_add(c->l, FINDING_HOST_NOWHERE, h->name, NULL, NULL,
		    NULL);
	for (i = 0; i < l.n && h->outside.n > 0; i++)
		/* An address of the inside is the network's own matter. */
		if (!host_addresses_have(&h->outside, &l.a[i]) &&
		    !host_addresses_have(&h->local, &l.a[i]))
			finding_add(c->l, FINDING_HOST_ELSEWHERE, h->name,
			    l.a[i].text, h->outside.a[0].text, NULL);
	for (i = 0; i < h->outside.n && h->profile == DNS_DIRECT; i++)
		check_ptr(c, &h->outside.a[i], &l);
}

/* All that will be asked is under way while the first answer is waited for. */
static void
ask_ahead(const struct dns_check *c, const char *domain)
{
	struct buf name = BUF_INIT(0);
	unsigned s;

	dns_ask_ahead(DNS_MX, domain);
	dns_ask_ahead(DNS_TXT, domain);
	buf_printf(&name, "_dmarc.%s", domain);
	dns_ask_ahead(DNS_TXT, buf_str(&name));
	for (s = 0; s < SERVICE_COUNT; s++) {
		if (dns_service((enum service)s) == NULL)
			continue;
		buf_reset(&name);
		buf_printf(&name, "%s._tcp.%s", dns_service((enum service)s),
		    domain);
		dns_ask_ahead(DNS_SRV, buf_str(&name));
	}
	buf_clear(&name);
}

void
dns_check_domain(struct dns_check *c, const char *domain,
    const char *alias_of, const struct dns_keys *keys)
{
	static const enum finding_code lost[] = { FINDING_NO_DELEGATION,
		FINDING_NO_MX, FINDING_MX_NULL, FINDING_MX_ELSEWHERE };
	size_t from = c->l->n, i, n = 0;
	int r;

	ask_ahead(c, domain);
	r = dns_check_mx(c, domain);
	for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		n += findings_count(c->l, from, domain, lost[i]);
	if (alias_of != NULL && n > 0)
		finding_add(c->l, FINDING_ALIAS_LEFT_OUT, domain, alias_of,
		    NULL, NULL);
	if (r == -1)
		return;
	dns_check_spf(c, domain);
	dns_check_dkim(c, domain, keys);
	dns_check_dmarc(c, domain);
	dns_check_srv(c, domain);
}
