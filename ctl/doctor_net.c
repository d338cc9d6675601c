/*
 * What doctor looks at in the network.
 */
#include "config.h"

#include <arpa/inet.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/dns_contact.h"
#include "ctl/dns_rr.h"
#include "ctl/doctor.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"

enum { ROUTES_MAX = 1 << 20, LISTS_MAX = 20 };

/* The columns: interface, destination, gateway, flags ... in hexadecimal. */
int
doctor_router(const char *text, char ip[INET_ADDRSTRLEN])
{
	unsigned to, gateway, flags;
	struct in_addr in;
	const char *line;
	char copy[256];
	size_t len;

	while ((line = str_line(&text, &len)) != NULL) {
		if (len >= sizeof(copy))
			continue;
		memcpy(copy, line, len);
		copy[len] = '\0';
		if (sscanf(copy, "%*s %8x %8x %x", &to, &gateway,
		    &flags) != 3 || to != 0 || gateway == 0)
			continue;
		/* As the machine's words lie in memory. */
		memcpy(&in, &gateway, sizeof(in));
		return inet_ntop(AF_INET, &in, ip, INET_ADDRSTRLEN) != NULL;
	}
	return 0;
}

static void
check_router(const struct dns_host *h, struct findings *l)
{
	struct buf text = BUF_INIT(ROUTES_MAX);
	int fd = open("/proc/net/route", O_RDONLY | O_CLOEXEC);
	char ip[INET_ADDRSTRLEN];

	if (fd == -1)
		return;
	if (fd_slurp(fd, &text) == 0 && doctor_router(buf_str(&text), ip))
		finding_add(l, FINDING_ROUTER, h->name, ip, NULL, NULL);
	else
		finding_add(l, FINDING_NO_ROUTER, h->name, NULL, NULL, NULL);
	close(fd);
	buf_clear(&text);
}

/* The first of that family and kind; temporary: of those. */
static const struct host_address *
first_of(const struct host_addresses *l, int family, enum address_kind kind,
    int temporary)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->a[i].family == family && l->a[i].kind == kind &&
		    l->a[i].temporary == temporary)
			return &l->a[i];
	return NULL;
}

/* "25, 465, 587": what a router must forward. */
static void
put_ports(const struct dns_host *h, struct buf *out)
{
	unsigned s;

	for (s = 0; s < SERVICE_COUNT; s++)
		if (h->port[s] != 0)
			buf_printf(out, "%s%u", out->len > 0 ? ", " : "",
			    h->port[s]);
}

static void
check_ipv6(const struct dns_host *h, struct findings *l)
{
	const struct host_address *a;

	if ((a = first_of(&h->local, AF_INET6, ADDRESS_PUBLIC, 0)) != NULL)
		finding_add(l, a->leased ? FINDING_IPV6_LEASED : FINDING_IPV6,
		    h->name, a->text, NULL, NULL);
	else if (first_of(&h->local, AF_INET6, ADDRESS_PUBLIC, 1) != NULL)
		finding_add(l, FINDING_IPV6_TEMPORARY, h->name, NULL, NULL,
		    NULL);
	else
		finding_add(l, FINDING_NO_IPV6, h->name, NULL, NULL, NULL);
}

int
doctor_addresses(const struct dns_host *h, struct findings *l)
{
	const struct host_addresses *o = &h->local;
	const struct host_address *a;
	struct buf ports = BUF_INIT(0);
	int walled = 0;

	check_router(h, l);
	if ((a = first_of(o, AF_INET, ADDRESS_PUBLIC, 0)) != NULL)
		finding_add(l, FINDING_PUBLIC, h->name, a->text, NULL, NULL);
	else if ((a = first_of(o, AF_INET, ADDRESS_SHARED, 0)) != NULL) {
		finding_add(l, FINDING_PROVIDER_NAT, h->name, a->text, NULL,
		    NULL);
		walled = 1;
	} else if ((a = first_of(o, AF_INET, ADDRESS_DS_LITE, 0)) != NULL) {
		finding_add(l, FINDING_DS_LITE, h->name, a->text, NULL, NULL);
		walled = 1;
	} else if ((a = first_of(o, AF_INET, ADDRESS_PRIVATE, 0)) != NULL) {
		put_ports(h, &ports);
		finding_add(l, FINDING_NAT, h->name, a->text, buf_str(&ports),
		    NULL);
	}
	check_ipv6(h, l);
	buf_clear(&ports);
	return walled;
}

/* A host's port 25; why where it is blocked. */
static enum doctor_port25
try_host(struct dns_check *k, const char *name, struct buf *why)
{
	struct host_addresses l;
	size_t i;

	if (dns_check_addresses(name, &l) != DNS_OK)
		return PORT25_UNKNOWN;
	for (i = 0; i < l.n && i < CHECK_ADDRESSES_MAX; i++)
		if (dns_contact(&l.a[i], k->smtp_port, k->h->name, why) == 0)
			return PORT25_GOOD;
	return PORT25_BLOCKED;
}

/* An MX of the domain that is another host, on the Internet. 1, or 0. */
static int
foreign_mx(const struct dns_check *k, const char *domain,
    char name[DOMAIN_MAX + 1])
{
	const struct dns_asked *a = dns_question(DNS_MX, domain);
	struct cursor cur = { .p = NULL };
	struct host_addresses l;
	const unsigned char *p;
	unsigned pref, n;
	size_t len;

	for (n = 0; a->status == DNS_OK && n < CHECK_MX_MAX &&
	    dns_asked_next(a, &cur, &p, &len); n++)
		if (dns_rr_mx(p, len, &pref, name) == 0 && name[0] != '\0' &&
		    dns_check_addresses(name, &l) == DNS_OK &&
		    !dns_check_is_ours(k, name, &l) &&
		    dns_check_reachable(k, &l.a[0]))
			return 1;
	return 0;
}

/* Of the operator's domains: one dead host proves nothing. */
static enum doctor_port25
try_domains(struct dns_check *k, const struct dns_domains *d,
    char name[DOMAIN_MAX + 1], struct buf *why)
{
	enum doctor_port25 r = PORT25_UNKNOWN;
	unsigned tries = 0;
	size_t i;

	for (i = 0; i < d->n && tries < DOCTOR_TRIES && r != PORT25_GOOD; i++)
		if (foreign_mx(k, d->d[i].domain, name)) {
			r = try_host(k, name, why);
			tries++;
		}
	return r;
}

enum doctor_port25
doctor_port25(struct dns_check *k, const struct dns_domains *d,
    const char *reach)
{
	struct buf why = BUF_INIT(300);
	char name[DOMAIN_MAX + 1] = "";
	enum doctor_port25 r;

	if (reach != NULL) {
		(void)str_copy(name, sizeof(name), reach);
		r = try_host(k, name, &why);
	} else
		r = try_domains(k, d, name, &why);
	finding_add(k->l, r == PORT25_GOOD ? FINDING_PORT25_GOOD :
	    r == PORT25_BLOCKED ? FINDING_PORT25_BLOCKED :
	    FINDING_PORT25_UNKNOWN, k->h->name, name, buf_str(&why), NULL);
	buf_clear(&why);
	return r;
}

/* What an answer of a list means (RFC 5782 2.1): 1: the address is on it. */
static int
judge_listing(struct dns_check *k, const char *ip, const char *list,
    const struct dns_asked *a)
{
	char text[INET_ADDRSTRLEN] = "?";
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	size_t len;

	if (a->status == DNS_NXDOMAIN || a->status == DNS_NODATA) {
		finding_add(k->l, FINDING_NOT_LISTED, k->h->name, ip, list,
		    NULL);
		return 0;
	}
	if (a->status == DNS_TEMP) {
		finding_add(k->l, FINDING_LIST_ERROR, k->h->name, ip, list,
		    a->why);
		return 0;
	}
	if (dns_asked_next(a, &cur, &p, &len) && len == 4) {
		(void)inet_ntop(AF_INET, p, text, sizeof(text));
		/* 127.255.255.0/24: an error; not of 127.0.0.0/8: a name
		   server that answers for names that do not exist. */
		if (p[0] == 127 && (p[1] != 255 || p[2] != 255)) {
			finding_add(k->l, FINDING_LISTED, k->h->name, ip,
			    list, text);
			return 1;
		}
	}
	finding_add(k->l, FINDING_LIST_ERROR, k->h->name, ip, list, text);
	return 0;
}

static unsigned
ask_list(struct dns_check *k, const char *list)
{
	struct buf name = BUF_INIT(0);
	const struct host_address *a;
	unsigned listed = 0;
	size_t i;

	for (i = 0; i < k->h->outside.n; i++) {
		a = &k->h->outside.a[i];
		buf_reset(&name);
		host_address_reverse(a, &name);
		buf_truncate(&name, name.len - strlen(a->family == AF_INET ?
		    "in-addr.arpa" : "ip6.arpa"));
		buf_puts(&name, list);
		listed += (unsigned)judge_listing(k, a->text, list,
		    dns_question(DNS_A, buf_str(&name)));
	}
	buf_clear(&name);
	return listed;
}

unsigned
doctor_lists(struct dns_check *k)
{
	const char *p = dns_host_value(k->h, "doctor_dnsbl");
	unsigned listed = 0, n;
	struct buf list = BUF_INIT(DOMAIN_MAX);
	size_t len;

	for (n = 0; n < LISTS_MAX; n++, p += len) {
		p += strspn(p, " \t,");
		len = strcspn(p, " \t,");
		if (len == 0)
			break;
		buf_set(&list, "%.*s", (int)len, p);
		listed += ask_list(k, buf_str(&list));
	}
	buf_clear(&list);
	return listed;
}

enum doctor_verdict
doctor_verdict(const struct doctor_facts *f)
{
	if (!f->outside)
		return f->walled ? VERDICT_COLLECTOR : VERDICT_UNKNOWN;
	return f->port25 == PORT25_BLOCKED || f->distrusted ? VERDICT_RELAY :
	    VERDICT_DIRECT;
}
