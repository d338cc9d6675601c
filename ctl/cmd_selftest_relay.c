/*
 * selftest relay: does a stranger get mail through this server? The tricks
 * are those of lib/mail/trick.h; they are tried from here, or by another
 * Rohrpost.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_ask.h"
#include "ctl/dns_domains.h"
#include "ctl/probe_ask.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

struct relay_trial {
	struct dns_host host;
	char	 domain[DOMAIN_MAX + 1];
	unsigned port;		/* of SMTP, here */
	struct probe_tricks a;
	unsigned works, unclear, unknown;
};

/* Where the domain takes every name, a name in it was taken as such. */
static int
is_unclear(const struct relay_trial *r, size_t i)
{
	return tricks[i].ours && r->a.t[i].verdict == TRICK_WORKS &&
	    r->a.t[TRICK_NOBODY].verdict == TRICK_WORKS;
}

/* One after the other, over one connection each. */
static void
try_all(struct relay_trial *r, const struct trick_server *s)
{
	int64_t end = clock_mono_ms() + TRICK_ALL_MS;
	struct buf said = BUF_INIT(TRICK_REPLY_MAX);
	struct probe_trick *t;
	size_t i;

	for (i = 0; tricks[i].name != NULL; i++) {
		t = &r->a.t[i];
		t->verdict = trick_try(&tricks[i], s, end - clock_mono_ms(),
		    &said);
		(void)str_copy(t->said, sizeof(t->said), buf_str(&said));
		if (i == TRICK_POSTMASTER && t->verdict != TRICK_WORKS)
			break;
	}
	buf_clear(&said);
}

/* The server that is named, or this host by its own address: a connection to
   that one comes from it, too, and not from loopback. */
static int
reach(struct relay_trial *r, const char *where, struct addr *to,
    struct buf *why)
{
	const struct host_addresses *l = &r->host.local;
	char host[DOMAIN_MAX + 1];
	unsigned port;
	int fd = -1;
	size_t i;

	if (where != NULL) {
		if (probe_where(where, host, &port, why) == 0)
			fd = probe_reach(host, port, to, why);
	} else {
		buf_set(why, "%s", _("this machine has no address but "
		    "loopback"));
		for (i = 0; i < l->n && fd == -1; i++)
			if (l->a[i].kind != ADDRESS_LOOPBACK &&
			    l->a[i].kind != ADDRESS_LINK)
				fd = probe_reach(l->a[i].text, r->port, to,
				    why);
	}
	return fd;
}

static int
try_from_here(struct relay_trial *r, const char *where, struct buf *why)
{
	struct trick_server s = { .domain = r->domain, .host = r->host.name };
	char ip[ADDR_TEXT_MAX];
	int fd = reach(r, where, &s.at, why);

	if (fd == -1)
		return -1;
	fd_close(&fd);
	addr_print_ip((const struct sockaddr *)&s.at.ss, ip, sizeof(ip));
	if (host_address_parse(&r->a.at, ip, strlen(ip)) == -1) {
		buf_set(why, "%s", strerror(EINVAL));
		return -1;
	}
	try_all(r, &s);
	return 0;
}

static void
print_row(const struct relay_trial *r, struct out *o, size_t i)
{
	const struct trick_server s = { .domain = r->domain,
		.host = r->host.name };
	struct buf b = BUF_INIT(2000);

	out_text(o, tricks[i].name);
	trick_text(&b, tricks[i].sender, &s, "", r->a.at.text);
	out_text(o, buf_str(&b));
	buf_reset(&b);
	trick_text(&b, tricks[i].recipient, &s, "", r->a.at.text);
	out_text(o, buf_str(&b));
	out_text(o, is_unclear(r, i) ? "unclear" :
	    trick_verdict_name(r->a.t[i].verdict));
	out_text(o, r->a.t[i].said);
	buf_clear(&b);
}

/* People see what was not refused. */
static int
print(const struct ctl *c, struct relay_trial *r)
{
	static const char *const names[] = { "trick", "sender", "recipient",
		"verdict", "reply" };
	enum trick_verdict v;
	struct out o;
	size_t i;

	out_init(&o, stdout, c->json);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	for (i = TRICK_FIRST; tricks[i].name != NULL; i++) {
		v = r->a.t[i].verdict;
		if (is_unclear(r, i))
			r->unclear++;
		else if (v == TRICK_WORKS)
			r->works++;
		else if (v != TRICK_HELD)
			r->unknown++;
		if (c->json || v != TRICK_HELD)
			print_row(r, &o, i);
	}
	return out_end(&o);
}

static int
judge(const struct ctl *c, const struct relay_trial *r, unsigned n)
{
	if (r->works > 0)
		return ctl_fail(CTL_REFUSED, ngettext("selftest relay: %u "
		    "trick works: strangers can send through this server",
		    "selftest relay: %u tricks work: strangers can send "
		    "through this server", r->works), r->works);
	if (r->unknown > 0)
		return ctl_fail(CTL_LATER, ngettext("selftest relay: of %u "
		    "trick nothing is known", "selftest relay: of %u tricks "
		    "nothing is known", r->unknown), r->unknown);
	if (r->a.at.kind == ADDRESS_LOOPBACK)
		return ctl_fail(CTL_LATER, _("selftest relay: loopback does "
		    "not count: what comes from this machine is not what "
		    "comes from a stranger; use --probe, or --at on another "
		    "machine"));
	if (!c->json)
		printf(_("%u tricks at %s: none works\n"), n, r->a.at.text);
	if (!c->json && r->unclear > 0)
		printf(_("%u of them say nothing: %s takes mail for every "
		    "name\n"), r->unclear, r->domain);
	return CTL_DONE;
}

static int
told(const struct ctl *c, struct relay_trial *r)
{
	const struct probe_trick *p = &r->a.t[TRICK_POSTMASTER];
	unsigned n = 0;
	size_t i;

	if (p->verdict != TRICK_WORKS) {
		struct buf said = BUF_INIT(0);
		int e;

		buf_puts(&said, p->said);
		out_clean(&said);
		e = ctl_fail(CTL_LATER, _("selftest relay: nothing can be "
		    "learned at %s: it does not even take mail for "
		    "postmaster@%s (%s); --domain names a domain of that "
		    "server"), r->a.at.text, r->domain, buf_str(&said));
		buf_clear(&said);
		return e;
	}
	if (print(c, r) == -1)
		return CTL_LATER;
	for (i = TRICK_FIRST; tricks[i].name != NULL; i++)
		n++;
	return judge(c, r, n);
}

/* What is read of files, while we are root. */
static int
load(struct ctl *c, struct relay_trial *r)
{
	const char *named = c->opt[OPT_RELAY_DOMAIN];
	struct dns_domains l = { .n = 0 };
	struct buf why = BUF_INIT(300), name = BUF_INIT(DOMAIN_MAX);
	int e = -1;

	if (dns_host_load(&r->host, c, NULL) == -1)
		return -1;
	if (named != NULL) {
		if (name_domain(named, strlen(named), &name, &why) == 0)
			e = str_copy(r->domain, sizeof(r->domain),
			    buf_str(&name));
		else
			ctl_fail(-1, "--domain: %s", buf_str(&why));
	} else if (dns_domains_read(&l, c, NULL) == 0) {
		if (l.n == 0)
			ctl_fail(-1, _("there is no domain yet (rohrpost "
			    "domain add)"));
		else
			e = str_copy(r->domain, sizeof(r->domain),
			    l.d[0].domain);
	}
	dns_domains_clear(&l);
	buf_clear(&name);
	buf_clear(&why);
	return e;
}

static int
run(struct ctl *c, struct relay_trial *r)
{
	const char *at = c->opt[OPT_RELAY_AT], *probe = c->opt[OPT_RELAY_PROBE];
	struct buf why = BUF_INIT(600);
	int e;

	if (probe == NULL && at == NULL &&
	    dns_host_value(&r->host, "probe")[0] != '\0')
		probe = dns_host_value(&r->host, "probe");
	e = probe != NULL ? probe_ask_tricks(probe, r->port, r->domain,
	    r->host.name, &r->a, &why) : try_from_here(r, at, &why);
	e = e == 0 ? told(c, r) : ctl_fail(CTL_LATER, "%s: %s", probe != NULL ?
	    probe : at != NULL ? at : r->host.name, buf_str(&why));
	buf_clear(&why);
	return e;
}

int
cmd_selftest_relay(struct ctl *c)
{
	struct relay_trial *r = mem_zalloc(1, sizeof(*r));
	int e = CTL_REFUSED;
	size_t i;

	for (i = 0; i < TRICKS_MAX; i++)
		r->a.t[i].verdict = TRICK_UNTRIED;
	if (c->opt[OPT_RELAY_AT] != NULL && c->opt[OPT_RELAY_PROBE] != NULL)
		e = ctl_fail(CTL_USAGE, _("selftest relay: either --at or "
		    "--probe"));
	else if (load(c, r) == 0) {
		r->port = r->host.port[SERVICE_SMTP];
		if (r->port == 0 && c->opt[OPT_RELAY_AT] == NULL)
			e = ctl_fail(CTL_REFUSED, _("selftest relay: port 25 "
			    "is open to nobody else here (listen_smtp): "
			    "there is nothing to try"));
		else if (dns_ask_open(&r->host) == 0) {
			e = run(c, r);
			dns_ask_close();
		}
	}
	dns_host_clear(&r->host);
	free(r);
	return e;
}
