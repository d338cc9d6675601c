/*
 * What doctor looks at in the network.
 */
#include "config.h"

#include <arpa/inet.h>

#include <string.h>

#include "ctl/doctor.h"

enum { LISTS_MAX = 20 };

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
add_ipv6(const struct dns_host *h, const struct find_network *n,
    struct findings *l)
{
	static const enum finding_code codes[] = {
		[FIND_IPV6_NONE] = FINDING_NO_IPV6,
		[FIND_IPV6_LASTING] = FINDING_IPV6,
		[FIND_IPV6_LEASED] = FINDING_IPV6_LEASED,
		[FIND_IPV6_CHANGES] = FINDING_IPV6_CHANGES,
		[FIND_IPV6_TEMPORARY] = FINDING_IPV6_TEMPORARY,
		[FIND_IPV6_PRIVATE] = FINDING_NO_IPV6,
	};

	finding_add(l, codes[n->ipv6], h->name, n->ipv6_address, NULL, NULL);
}

int
doctor_addresses(const struct dns_host *h, const struct find_network *n,
    struct findings *l)
{
	static const enum finding_code codes[] = {
		[FIND_OUTER_PUBLIC] = FINDING_PUBLIC,
		[FIND_OUTER_NAT] = FINDING_NAT,
		[FIND_OUTER_PROVIDER_NAT] = FINDING_PROVIDER_NAT,
		[FIND_OUTER_DS_LITE] = FINDING_DS_LITE,
	};
	struct buf ports = BUF_INIT(0);

	finding_add(l, n->router[0] != '\0' ? FINDING_ROUTER :
	    FINDING_NO_ROUTER, h->name, n->router, NULL, NULL);
	put_ports(h, &ports);
	if (n->outer != FIND_OUTER_NONE)
		finding_add(l, codes[n->outer], h->name, n->address,
		    buf_str(&ports), NULL);
	add_ipv6(h, n, l);
	buf_clear(&ports);
	return n->outer == FIND_OUTER_PROVIDER_NAT ||
	    n->outer == FIND_OUTER_DS_LITE;
}

enum doctor_port25
doctor_port25(struct dns_check *k, const struct dns_domains *d,
    const char *reach)
{
	static const enum finding_code codes[] = {
		[PORT25_UNKNOWN] = FINDING_PORT25_UNKNOWN,
		[PORT25_BLOCKED] = FINDING_PORT25_BLOCKED,
		[PORT25_REFUSED] = FINDING_PORT25_REFUSED,
		[PORT25_GOOD] = FINDING_PORT25_GOOD,
	};
	struct buf why = BUF_INIT(300);
	char name[DOMAIN_MAX + 1];
	enum doctor_port25 r = doctor_try_port25(k, d, reach, name, &why);

	finding_add(k->l, codes[r], k->h->name, name, buf_str(&why), NULL);
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
	return f->port25 == PORT25_BLOCKED || f->port25 == PORT25_REFUSED ||
	    f->distrusted ? VERDICT_RELAY : VERDICT_DIRECT;
}
