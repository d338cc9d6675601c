#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/dns.h"
#include "relay/resolve_lookup.h"
#include "relay/resolve_probe.h"

enum { WORDS_MAX = 600, NO_HOST = MX_MAX };

/* The A or AAAA question for one host, or the probe's. */
struct resolve_question {
	struct lookup *lookup;
	struct dns_query *query;
	enum dns_type type;
	unsigned host;
};

struct lookup {
	struct ev_loop *loop;
	struct ev_timer deadline;
	const struct self *self;
	lookup_callback *done;
	void	*arg;
	enum n_type type;
	char	 name[DOMAIN_MAX + 1];
	struct dns_query *mx;
	struct resolve_question asks[2 * MAIL_HOSTS_MAX + 2];
	unsigned n_asks, pending;
	struct hosts hosts;
	int	 secure, gone;		/* gone: NXDOMAIN for the name itself */
	int	 hasty;			/* LOOKUP_GRACE runs */
	struct buf words;
};

static void
lookup_free(struct lookup *l)
{
	unsigned i;

	ev_timer_stop(l->loop, &l->deadline);
	dns_cancel(&l->mx);
	for (i = 0; i < l->n_asks; i++)
		dns_cancel(&l->asks[i].query);
	hosts_clear(&l->hosts);
	buf_clear(&l->words);
	free(l);
}

void
lookup_cancel(struct lookup **l)
{
	if (*l != NULL)
		lookup_free(*l);
	*l = NULL;
}

static void
lookup_end(struct lookup *l, enum n_status status)
{
	struct lookup_answer a = { .status = status, .hosts = &l->hosts };

	a.words = buf_str(&l->words);
	a.secure = status == N_OK && l->secure;
	l->done(l->arg, &a);
	lookup_free(l);
}

static void
lookup_temp(struct lookup *l, const char *why)
{
	if (l->words.len == 0)
		buf_set(&l->words, "4.4.3 look-up of %s: %s", l->name, why);
	lookup_end(l, N_TEMP);
}

/* Addresses of hosts that may not exist: doubt means later. */
static void
lookup_doubt(struct lookup *l)
{
	char text[INET6_ADDRSTRLEN];
	unsigned i;

	for (i = 0; i < l->hosts.n; i++) {
		if (probe_drop(&l->hosts.host[i], text) == 0)
			continue;
		l->hosts.host[i].temp = 1;
		buf_set(&l->words, "4.4.3 look-up of %s: the name server "
		    "says %s, as for any name that does not exist",
		    l->hosts.host[i].name, text);
	}
}

/* All addresses are here, or time is up. */
static void
lookup_finish(struct lookup *l)
{
	unsigned before = l->hosts.n, loops = 0;
	int temp;

	lookup_doubt(l);
	/* A smarthost may be a filter or tunnel of this host, as it was set. */
	if (l->type == N_MX)
		loops = hosts_drop_self(&l->hosts, l->self);
	temp = hosts_drop_bare(&l->hosts);
	if (l->hosts.n > 0) {
		lookup_end(l, N_OK);
	} else if (temp) {
		lookup_temp(l, "the addresses of its hosts are unknown");
	} else if (loops > 0) {
		buf_set(&l->words, "5.4.6 mail for %s loops back to this host",
		    l->name);
		lookup_end(l, N_NO_ADDRESS);
	} else if (l->gone && before <= 1) {
		buf_set(&l->words, "5.1.2 %s does not exist", l->name);
		lookup_end(l, N_NO_DOMAIN);
	} else {
		buf_set(&l->words, "5.4.4 no mail host of %s has an address",
		    l->name);
		lookup_end(l, N_NO_ADDRESS);
	}
}

static void
lookup_late(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct lookup *l = w->data;
	unsigned i;

	for (i = 0; i < l->n_asks; i++)
		if (l->asks[i].query != NULL && l->asks[i].host != NO_HOST)
			l->hosts.host[l->asks[i].host].temp = 1;
	if (l->n_asks > 0)
		lookup_finish(l);
	else
		lookup_temp(l, "no answer in time");
}

static void
lookup_wait(struct lookup *l, int seconds)
{
	ev_timer_stop(l->loop, &l->deadline);
	ev_timer_init(&l->deadline, lookup_late, seconds, 0);
	ev_timer_start(l->loop, &l->deadline);
}

static void
address_done(void *arg, struct dns_query *q, const struct dns_answer *d)
{
	struct resolve_question *a = arg;
	struct lookup *l = a->lookup;
	unsigned i;

	a->query = NULL;
	l->pending--;
	if (d->status == DNS_TEMP) {
		l->hosts.host[a->host].temp = 1;
		if (l->words.len == 0)
			buf_set(&l->words, "4.4.3 look-up of %s: %s",
			    l->hosts.host[a->host].name, d->why);
	}
	if (d->status == DNS_NXDOMAIN &&
	    strcmp(l->hosts.host[a->host].name, l->name) == 0)
		l->gone = 1;
	for (i = 0; i < d->n; i++)
		hosts_add_address(&l->hosts, a->host, d->data[i],
		    (size_t)d->len[i]);
	if (d->status == DNS_OK && !d->secure)
		l->secure = 0;
	if (l->pending == 0)
		lookup_finish(l);
	else if (l->hosts.host[0].n > 0 && !l->hasty &&
	    ev_timer_remaining(l->loop, &l->deadline) > LOOKUP_GRACE) {
		l->hasty = 1;
		lookup_wait(l, LOOKUP_GRACE);
	}
}

static void
probe_done(void *arg, struct dns_query *q, const struct dns_answer *d)
{
	struct resolve_question *a = arg;
	struct lookup *l = a->lookup;

	a->query = NULL;
	probe_saw(a->type, d);
	if (--l->pending == 0)
		lookup_finish(l);
}

/* 0, or -1 where it could not be asked. */
static int
ask(struct lookup *l, const char *name, unsigned host, enum dns_type type,
    dns_callback *answered)
{
	struct resolve_question *a = &l->asks[l->n_asks];

	a->lookup = l;
	a->host = host;
	a->type = type;
	a->query = dns_ask(name, type, answered, a);
	if (a->query == NULL)
		return -1;
	l->n_asks++;
	l->pending++;
	return 0;
}

static void
ask_address(struct lookup *l, unsigned host, enum dns_type type)
{
	if (ask(l, l->hosts.host[host].name, host, type, address_done) == -1)
		l->hosts.host[host].temp = 1;
}

static void
ask_probe(struct lookup *l)
{
	const char *name = probe_due();

	if (name != NULL && l->pending > 0 &&
	    ask(l, name, NO_HOST, DNS_A, probe_done) == 0)
		(void)ask(l, name, NO_HOST, DNS_AAAA, probe_done);
}

static void
ask_addresses(struct lookup *l)
{
	unsigned i;

	hosts_order(&l->hosts);
	hosts_cut(&l->hosts);
	for (i = 0; i < l->hosts.n; i++) {
		ask_address(l, i, DNS_AAAA);
		ask_address(l, i, DNS_A);
	}
	ask_probe(l);
	if (l->pending == 0)
		lookup_finish(l);
}

/*
 * RFC 5321 5.1: without MX records the domain itself is the host. RFC 7505:
 * one MX "0 ." and nothing else says that the domain takes no mail.
 */
static void
mx_done(void *arg, struct dns_query *q, const struct dns_answer *d)
{
	struct lookup *l = arg;
	unsigned i;

	l->mx = NULL;
	l->secure = d->secure;
	if (d->status == DNS_TEMP) {
		lookup_temp(l, d->why);
		return;
	}
	if (d->status == DNS_NXDOMAIN) {
		buf_set(&l->words, "5.1.2 %s does not exist", l->name);
		lookup_end(l, N_NO_DOMAIN);
		return;
	}
	for (i = 0; i < d->n && i < MX_MAX; i++)
		hosts_add_mx(&l->hosts, d->data[i], (size_t)d->len[i]);
	if (l->hosts.null_mx && d->n == 1) {
		buf_set(&l->words, "5.1.10 %s takes no mail (null MX)",
		    l->name);
		lookup_end(l, N_NULL_MX);
		return;
	}
	if (d->status == DNS_NODATA)
		hosts_add(&l->hosts, 0, l->name);
	ask_addresses(l);
}

/* The first question goes out from the loop, so that no answer comes early. */
static void
lookup_begin(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct lookup *l = w->data;

	lookup_wait(l, LOOKUP_SECONDS);
	l->secure = 1;
	if (l->type == N_MX) {
		l->mx = dns_ask(l->name, DNS_MX, mx_done, l);
		if (l->mx == NULL)
			lookup_temp(l, "could not be asked");
		return;
	}
	hosts_add(&l->hosts, 0, l->name);
	ask_addresses(l);
}

static void
lookup_malformed(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct lookup *l = w->data;

	buf_set(&l->words, "5.1.2 the domain is not a name of the DNS");
	lookup_end(l, N_NO_DOMAIN);
}

struct lookup *
lookup_start(struct ev_loop *loop, enum n_type type, const char *name,
    const struct self *self, lookup_callback *done, void *arg)
{
	struct lookup *l = mem_zalloc(1, sizeof(*l));

	l->loop = loop;
	l->type = type;
	l->self = self;
	l->done = done;
	l->arg = arg;
	buf_init(&l->words, WORDS_MAX);
	ev_timer_init(&l->deadline, hosts_text(name, l->name) == -1 ?
	    lookup_malformed : lookup_begin, 0, 0);
	l->deadline.data = l;
	ev_timer_start(loop, &l->deadline);
	return l;
}
