#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_rr.h"
#include "ctl/doctor.h"
#include "ctl/find_srv.h"
#include "ctl/scout.h"
#include "lib/base/str.h"

enum { MX_READ_MAX = 60 };

struct mx {
	unsigned pref;
	char	 name[DOMAIN_MAX + 1];
};

static int
by_preference(const void *va, const void *vb)
{
	const struct mx *a = va, *b = vb;

	return a->pref != b->pref ? (a->pref < b->pref ? -1 : 1) :
	    strcmp(a->name, b->name);
}

static void
find_mx(struct dns_check *k, const char *name, struct find_domain *d)
{
	const struct dns_asked *a = dns_question(DNS_MX, name);
	struct mx *mx = calloc(MX_READ_MAX, sizeof(*mx));
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	size_t len, n = 0, i;

	d->exists = a->status == DNS_NXDOMAIN ? FIND_NO :
	    a->status == DNS_TEMP ? FIND_UNKNOWN : FIND_YES;
	d->mx_known = a->status == DNS_TEMP ? FIND_UNKNOWN : FIND_NO;
	while (mx != NULL && a->status == DNS_OK && n < MX_READ_MAX &&
	    dns_asked_next(a, &cur, &p, &len))
		if (dns_rr_mx(p, len, &mx[n].pref, mx[n].name) == 0 &&
		    mx[n].name[0] != '\0')
			n++;
	if (n > 0) {
		qsort(mx, n, sizeof(*mx), by_preference);
		d->mx_known = FIND_YES;
	}
	for (i = 0; i < n && d->n_mx < FIND_MX_MAX; i++)
		(void)str_copy(d->mx[d->n_mx++], DOMAIN_MAX + 1, mx[i].name);
	free(mx);
}

static void
find_mx_here(struct dns_check *k, struct find_domain *d)
{
	struct host_addresses l;
	size_t i;

	d->mx_here = d->mx_known == FIND_NO ? FIND_NO : FIND_UNKNOWN;
	for (i = 0; i < d->n_mx && d->mx_here != FIND_YES; i++)
		switch (dns_check_addresses(d->mx[i], &l)) {
		case DNS_TEMP:
			break;
		default:
			d->mx_here = dns_check_is_ours(k, d->mx[i], &l) ?
			    FIND_YES : FIND_NO;
		}
}

/* Is there a TXT record of that name that begins so? */
static enum find_known
find_txt(const char *name, const char *begins)
{
	const struct dns_asked *a = dns_question(DNS_TXT, name);
	struct buf text = BUF_INIT(64 * 1024);
	struct cursor cur = { .p = NULL };
	enum find_known r = a->status == DNS_TEMP ? FIND_UNKNOWN : FIND_NO;
	const unsigned char *p;
	size_t len;

	while (a->status == DNS_OK && dns_asked_next(a, &cur, &p, &len)) {
		buf_reset(&text);
		if (dns_rr_txt(p, len, &text) == 0 && text.len >=
		    strlen(begins) && strncasecmp(buf_str(&text), begins,
		    strlen(begins)) == 0)
			r = FIND_YES;
	}
	buf_clear(&text);
	return r;
}

static void
find_policies(const char *domain, struct find_domain *d)
{
	struct buf name = BUF_INIT(0);

	d->spf = find_txt(domain, "v=spf1");
	buf_printf(&name, "_dmarc.%s", domain);
	d->dmarc = find_txt(buf_str(&name), "v=DMARC1");
	buf_clear(&name);
}

/* The name of this server, and of the first address that leads to it. */
static void
find_name(const struct dns_host *h, struct find_domain *d)
{
	struct host_addresses l;
	enum dns_status st;
	size_t i;

	if (h->name[0] == '\0')
		return;
	st = dns_check_addresses(h->name, &l);
	d->host = st == DNS_OK ? FIND_YES : st == DNS_TEMP ? FIND_UNKNOWN :
	    FIND_NO;
	if (h->outside.n == 0)
		return;
	d->host_here = d->host == FIND_NO ? FIND_NO : FIND_UNKNOWN;
	if (d->host == FIND_YES)
		d->host_here = FIND_NO;
	for (i = 0; i < l.n; i++)
		if (host_addresses_have(&h->outside, &l.a[i]))
			d->host_here = FIND_YES;
	switch (dns_check_ptr(h->name, &h->outside.a[0], &l, d->ptr_name)) {
	case DNS_PTR_GOOD:
		d->ptr = FIND_YES;
		break;
	case DNS_PTR_LATER:
		break;
	/* Who sets up his server today has not told DNS its name yet. */
	case DNS_PTR_UNCONFIRMED:
	case DNS_PTR_MISSING:
	case DNS_PTR_OTHER:
		d->ptr = FIND_NO;
	}
}

static void
find_port25(struct dns_check *k, const struct find_ask *a,
    const char *domain, struct find_domain *d)
{
	struct dns_domain one = { .domain = (char *)(uintptr_t)domain };
	struct dns_domains all = { .d = &one, .n = 1 };
	struct buf why = BUF_INIT(FIND_TEXT_MAX - 1);
	enum doctor_port25 r = doctor_try_port25(k, &all, a->reach,
	    d->port25_host, &why);

	switch (r) {
	case PORT25_GOOD:
		d->port25 = FIND_YES;
		break;
	case PORT25_BLOCKED:
	case PORT25_REFUSED:
		d->port25 = r == PORT25_BLOCKED ? FIND_NO : FIND_YES;
		(void)str_copy(d->port25_why, sizeof(d->port25_why),
		    buf_str(&why));
		break;
	case PORT25_UNKNOWN:
		break;
	}
	buf_clear(&why);
}

static void
host_of(const struct find_ask *a, struct dns_host *h)
{
	struct buf why = BUF_INIT(300);
	size_t i;

	if (a->hostname != NULL)
		(void)str_copy(h->name, sizeof(h->name), a->hostname);
	str_tolower(h->name, strlen(h->name));
	host_addresses_read(&h->local);
	if (a->address != NULL) {
		if (host_addresses_parse(&h->outside, a->address, &why) == -1)
			h->outside.n = 0;
	} else
		for (i = 0; i < h->local.n; i++)
			if (h->local.a[i].kind == ADDRESS_PUBLIC &&
			    !h->local.a[i].temporary)
				h->outside.a[h->outside.n++] = h->local.a[i];
	buf_clear(&why);
}

void
scout_domain(const struct find_ask *a, const char *domain,
    struct find_domain *d, void (*tell)(const struct find_domain *))
{
	static struct dns_host h;
	struct findings none = { .n = 0 };
	struct dns_check k;

	memset(d, 0, sizeof(*d));
	host_of(a, &h);
	dns_check_init(&k, &h, &none);
	k.loopback_ok = a->loopback_ok;
	k.addresses = 1;
	if (a->smtp_port != 0)
		k.smtp_port = a->smtp_port;
	find_srv_ahead(domain);
	find_mx(&k, domain, d);
	find_srv(domain, &d->srv, &d->srv_none);
	tell(d);
	find_mx_here(&k, d);
	find_policies(domain, d);
	find_name(&h, d);
	tell(d);
	if (d->exists == FIND_YES)
		scout_web(a, domain, &d->autoconfig);
	tell(d);
	if (d->exists == FIND_YES || a->reach != NULL)
		find_port25(&k, a, domain, d);
	tell(d);
	findings_clear(&none);
}
