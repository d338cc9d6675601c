#include "config.h"

#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/dns_record.h"
#include "ctl/dns_rr.h"
#include "lib/base/str.h"

/* "." of RFC 6186 3.4 is right for what is not offered. */
static int
is_right(const struct dns_check *c, enum service s, const struct dns_srv *r)
{
	struct host_addresses l;

	if (c->h->port[s] == 0 || r->target[0] == '\0')
		return c->h->port[s] == 0 && r->target[0] == '\0';
	if (r->port != c->h->port[s])
		return 0;
	if (str_casecmp(r->target, c->h->name) == 0)
		return 1;
	return dns_check_addresses(r->target, &l) == DNS_OK &&
	    dns_check_is_ours(c, r->target, &l);
}

static void
check_service(struct dns_check *c, const char *domain, enum service s)
{
	struct buf name = BUF_INIT(0), got = BUF_INIT(0), want = BUF_INIT(0);
	struct cursor cur = { .p = NULL };
	const struct dns_asked *a;
	const unsigned char *p;
	struct dns_srv r;
	size_t len;

	buf_printf(&name, "%s._tcp.%s", dns_service(s), domain);
	a = dns_question(DNS_SRV, buf_str(&name));
	/* Who has none loses nothing but comfort. */
	while (a->status == DNS_OK && dns_asked_next(a, &cur, &p, &len)) {
		if (dns_rr_srv(p, len, &r) == -1 || is_right(c, s, &r))
			continue;
		buf_set(&got, "%s:%u", r.target[0] != '\0' ? r.target : ".",
		    r.port);
		buf_set(&want, "%s:%u", c->h->port[s] != 0 ? c->h->name : ".",
		    c->h->port[s]);
		finding_add(c->l, FINDING_SRV_WRONG, domain, buf_str(&name),
		    buf_str(&got), buf_str(&want));
		break;
	}
	buf_clear(&name);
	buf_clear(&got);
	buf_clear(&want);
}

void
dns_check_srv(struct dns_check *c, const char *domain)
{
	unsigned s;

	for (s = 0; s < SERVICE_COUNT; s++)
		if (dns_service((enum service)s) != NULL)
			check_service(c, domain, (enum service)s);
}
