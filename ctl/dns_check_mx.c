#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/dns_contact.h"
#include "ctl/dns_rr.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

struct mx {
	char	 name[DOMAIN_MAX + 1];
	unsigned pref;
};

/* What contacts said, so that hosts of many domains are asked once. */
static struct contact {
	struct host_address a;
	int	 alive;
	char	 why[300];
} contacts[CHECK_CONTACTS_MAX];
static size_t n_contacts;

/* A name that DNS has, but that is an address: its last label is a number. */
static int
is_literal(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot != NULL ? dot + 1 : name;

	return last[0] != '\0' && last[strspn(last, "0123456789")] == '\0';
}

/* NULL: not asked, there were too many. */
static const struct contact *
contact(struct dns_check *c, const struct host_address *a)
{
	struct buf why = BUF_INIT(sizeof(contacts[0].why) - 1);
	int64_t start = clock_mono_ms();
	struct contact *k;
	size_t i;

	for (i = 0; i < n_contacts; i++)
		if (host_address_same(&contacts[i].a, a))
			return &contacts[i];
	if (n_contacts == CHECK_CONTACTS_MAX ||
	    c->contact_ms >= CHECK_CONTACT_MS)
		return NULL;
	k = &contacts[n_contacts++];
	k->a = *a;
	k->alive = dns_contact(a, c->smtp_port, c->h->name, &why) ==
	    CONTACT_GOOD;
	(void)str_copy(k->why, sizeof(k->why), buf_str(&why));
	c->contact_ms += clock_mono_ms() - start;
	buf_clear(&why);
	return k;
}

/*
 * Does one of its addresses answer? An address of ours that no interface has
 * lies in front of a router, which may not lead back in from here.
 */
static void
check_alive(struct dns_check *c, const char *domain, const char *name,
    const struct host_addresses *l)
{
	const struct contact *k, *dead = NULL;
	size_t i;

	for (i = 0; i < l->n && i < CHECK_ADDRESSES_MAX; i++) {
		if (!dns_check_reachable(c, &l->a[i])) {
			finding_add(c->l, FINDING_MX_PRIVATE, domain, name,
			    l->a[i].text, NULL);
			return;
		}
		if (host_addresses_have(&c->h->outside, &l->a[i]) &&
		    !host_addresses_have(&c->h->local, &l->a[i]))
			return;
		k = contact(c, &l->a[i]);
		if (k == NULL || k->alive)
			return;
		dead = k;
	}
	if (dead != NULL)
		finding_add(c->l, FINDING_MX_DEAD, domain, name, dead->why,
		    NULL);
}

/* One MX. 1 if it leads here. */
static int
check_one(struct dns_check *c, const char *domain, const char *name)
{
	struct host_addresses l;
	enum dns_status st;
	int ours;

	if (is_literal(name)) {
		finding_add(c->l, FINDING_MX_LITERAL, domain, name, NULL,
		    NULL);
		return 0;
	}
	if (dns_question(DNS_CNAME, name)->status == DNS_OK)
		finding_add(c->l, FINDING_MX_CNAME, domain, name, NULL, NULL);
	st = dns_check_addresses(name, &l);
	ours = dns_check_is_ours(c, name, &l);
	if (st == DNS_TEMP)
		dns_check_later(c, domain, name, dns_question(DNS_A, name));
	else if (st != DNS_OK)
		finding_add(c->l, FINDING_MX_NOWHERE, domain, name, NULL,
		    NULL);
	else if (ours && c->h->profile == DNS_COLLECTOR)
		finding_add(c->l, FINDING_MX_HERE, domain, name, NULL, NULL);
	else
		check_alive(c, domain, name, &l);
	return ours;
}

static int
by_preference(const void *a, const void *b)
{
	const struct mx *x = a, *y = b;

	return x->pref < y->pref ? -1 : x->pref > y->pref ? 1 :
	    strcmp(x->name, y->name);
}

/* The records, the best first; their names are asked for ahead. */
static size_t
read_mx(const struct dns_asked *a, struct mx list[CHECK_MX_MAX])
{
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	size_t n = 0, len;

	while (n < CHECK_MX_MAX && dns_asked_next(a, &cur, &p, &len)) {
		if (dns_rr_mx(p, len, &list[n].pref, list[n].name) == -1)
			continue;
		if (list[n].name[0] != '\0' && !is_literal(list[n].name)) {
			dns_ask_ahead(DNS_CNAME, list[n].name);
			dns_ask_ahead(DNS_A, list[n].name);
			dns_ask_ahead(DNS_AAAA, list[n].name);
		}
		n++;
	}
	qsort(list, n, sizeof(*list), by_preference);
	return n;
}

int
dns_check_mx(struct dns_check *c, const char *domain)
{
	const struct dns_asked *a = dns_question(DNS_MX, domain);
	struct mx list[CHECK_MX_MAX];
	const char *elsewhere = NULL;
	size_t n = 0, i;
	int here = 0;

	if (a->status == DNS_TEMP) {
		dns_check_later(c, domain, domain, a);
		return -1;
	}
	if (a->status == DNS_NXDOMAIN) {
		finding_add(c->l, FINDING_NO_DELEGATION, domain, NULL, NULL,
		    NULL);
		return -1;
	}
	if (a->status == DNS_OK)
		n = read_mx(a, list);
	if (n == 0)
		finding_add(c->l, FINDING_NO_MX, domain, NULL, NULL, NULL);
	for (i = 0; i < n; i++) {
		if (list[i].name[0] == '\0')
			finding_add(c->l, FINDING_MX_NULL, domain, NULL, NULL,
			    NULL);
		else if (check_one(c, domain, list[i].name))
			here = 1;
		else if (elsewhere == NULL && !is_literal(list[i].name))
			elsewhere = list[i].name;
	}
	if (!here && elsewhere != NULL && c->h->profile != DNS_COLLECTOR &&
	    c->h->outside.n > 0)
		finding_add(c->l, FINDING_MX_ELSEWHERE, domain, elsewhere,
		    NULL, NULL);
	return 0;
}
