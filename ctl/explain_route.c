/*
 * Ways to other servers, and what SPF says of the sender.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/dns_rr.h"
#include "ctl/explain.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

struct way {
	char	 name[DOMAIN_MAX + 1];
	unsigned pref;
};

void
explain_spf(struct explain *x)
{
	struct spf_outcome o = SPF_OUTCOME_INIT;
	struct spf_query q = { .v6 = x->client->family == AF_INET6,
		.sender = x->from.text, .helo = "", .ask = dns_ask_spf };

	if (x->from.len == 0 || x->from.at == x->from.len)
		return;
	memcpy(q.ip, x->client->ip, sizeof(q.ip));
	spf_check(&q, &o);
	explain_say(x, "spf", x->client->text, EXPLAIN_PASS, NULL,
	    _("the SPF record of %s says \"%s\" of this address; nothing is "
	    "refused for it"), x->from.text + x->from.at + 1,
	    spf_result_name(o.result));
	spf_outcome_clear(&o);
}

/* By the smarthost: where, how encrypted, as whom. */
static void
by_smarthost(struct explain *x, const char *address)
{
	const char *tls = dns_host_value(x->h, "relay_tls");
	const char *user = dns_host_value(x->h, "relay_user");

	explain_say(x, "route", address, EXPLAIN_PASS, NULL,
	    _("through relay_host %s, port %s"),
	    dns_host_value(x->h, "relay_host"),
	    dns_host_value(x->h, "relay_port"));
	if (strcmp(tls, "never") == 0)
		explain_say(x, "tls", address, EXPLAIN_PASS, NULL,
		    _("not encrypted (relay_tls = never)"));
	else
		explain_say(x, "tls", address, EXPLAIN_PASS, NULL,
		    strcmp(tls, "may") == 0 ?
		    _("encrypted where it can be (relay_tls = %s, "
		    "relay_tls_verify = %s)") :
		    _("encrypted, or it waits (relay_tls = %s, "
		    "relay_tls_verify = %s)"), tls,
		    dns_host_value(x->h, "relay_tls_verify"));
	if (user[0] != '\0')
		explain_say(x, "login", address, EXPLAIN_PASS, NULL,
		    _("as %s"), user);
}

static int
by_preference(const void *a, const void *b)
{
	const struct way *x = a, *y = b;

	return x->pref < y->pref ? -1 : x->pref > y->pref;
}

static size_t
read_ways(const struct dns_asked *a, struct way ways[CHECK_MX_MAX])
{
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	size_t n = 0, len;

	while (n < CHECK_MX_MAX && dns_asked_next(a, &cur, &p, &len))
		n += dns_rr_mx(p, len, &ways[n].pref, ways[n].name) == 0;
	qsort(ways, n, sizeof(*ways), by_preference);
	return n;
}

/* One host, and its addresses. 1 if mail can go there. */
static int
one_way(struct explain *x, const char *address, const struct way *w)
{
	struct buf text = BUF_INIT(1000);
	struct host_addresses l;
	enum dns_status st = dns_check_addresses(w->name, &l);
	size_t i;

	for (i = 0; i < l.n; i++)
		buf_printf(&text, "%s%s", i > 0 ? ", " : "", l.a[i].text);
	if (st == DNS_OK)
		explain_say(x, "host", address, EXPLAIN_PASS, NULL,
		    _("%s, preference %u, addresses %s"), w->name, w->pref,
		    buf_str(&text));
	else
		explain_say(x, "host", address, EXPLAIN_LATER, NULL,
		    st == DNS_TEMP ? _("%s: its address cannot be asked now") :
		    _("%s has no address"), w->name);
	buf_clear(&text);
	return st == DNS_OK;
}

static void
by_mx(struct explain *x, const char *address, const char *domain)
{
	const struct dns_asked *a = dns_question(DNS_MX, domain);
	struct way ways[CHECK_MX_MAX];
	size_t n = 0, i, good = 0;

	if (a->status == DNS_TEMP || a->status == DNS_NXDOMAIN) {
		explain_say(x, "route", address, a->status == DNS_TEMP ?
		    EXPLAIN_LATER : EXPLAIN_REFUSE, NULL, a->status ==
		    DNS_TEMP ? _("the name servers do not answer about %s: "
		    "it waits") : _("the domain %s does not exist"), domain);
		return;
	}
	if (a->status == DNS_OK)
		n = read_ways(a, ways);
	if (n == 1 && ways[0].name[0] == '\0') {
		explain_say(x, "route", address, EXPLAIN_REFUSE, NULL,
		    _("%s takes no mail (null MX)"), domain);
		return;
	}
	explain_say(x, "route", address, EXPLAIN_PASS, NULL, n > 0 ?
	    _("to the MX hosts of %s, in this order") :
	    _("%s has no MX: to its own address"), domain);
	if (n == 0) {
		(void)str_copy(ways[0].name, sizeof(ways[0].name), domain);
		ways[0].pref = 0;
		n = 1;
	}
	for (i = 0; i < n; i++)
		good += (size_t)one_way(x, address, &ways[i]);
	if (good > 0)
		explain_say(x, "tls", address, EXPLAIN_PASS, NULL,
		    _("encrypted where the host offers it; whose certificate "
		    "it is does not matter"));
}

void
explain_routes(struct explain *x)
{
	const char *address, *domain;
	size_t i;

	for (i = 0; i < x->n_elsewhere; i++) {
		address = x->elsewhere[i];
		domain = strrchr(address, '@');
		if (dns_host_value(x->h, "relay_host")[0] != '\0')
			by_smarthost(x, address);
		else if (domain != NULL)
			by_mx(x, address, domain + 1);
	}
}
