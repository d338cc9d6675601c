#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_out.h"
#include "ctl/setup_facts.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct facts *
facts_new(const struct conf_file *conf)
{
	struct facts *f = mem_zalloc(1, sizeof(*f));
	const char *loopback = conf_get(conf, "relay_allow_loopback");

	f->ask.resolver = conf_get(conf, "resolver");
	f->ask.address = conf_get(conf, "public_address");
	f->ask.ca_file = conf_get(conf, "relay_ca_file");
	f->collect_ca_file = conf_get(conf, "collect_ca_file");
	f->ask.trust_anchor = conf_get(conf, "resolver_trust_anchor");
	f->ask.loopback_ok = loopback != NULL && strcmp(loopback, "yes") == 0;
	find_network(&f->net);
	f->profile = find_profile(&f->net, NULL, &f->reason);
	return f;
}

/* Is it a name below the domain? */
static int
lies_in(const char *name, const char *domain)
{
	size_t n = strlen(name), m = strlen(domain);

	return n > m && name[n - m - 1] == '.' &&
	    str_casecmp(name + n - m, domain) == 0;
}

/* The full name that this server may have in the domain. */
static void
propose_name(struct facts *f, const char *domain)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);

	buf_printf(&name, "mail.%s", domain);
	if (lies_in(f->net.name, domain))
		(void)str_copy(f->name, sizeof(f->name), f->net.name);
	else
		(void)str_copy(f->name, sizeof(f->name), buf_str(&name));
	buf_clear(&name);
}

void
facts_judge(struct facts *f, const char *domain)
{
	struct find_domain *d = &f->domain;

	/* A name in the domain that reverse DNS has for this address is the
	   server's: the one that was asked for was a guess. */
	if (f->known && d->ptr == FIND_NO && f->ask.hostname == f->name &&
	    lies_in(d->ptr_name, domain)) {
		(void)str_copy(f->name, sizeof(f->name), d->ptr_name);
		d->ptr = FIND_UNKNOWN;
	}
	buf_reset(&f->reason);
	f->profile = find_profile(&f->net, f->known ? d : NULL, &f->reason);
	out_clean(&f->reason);	/* names of DNS, and a server's words */
}

void
facts_look(struct facts *f, const char *domain, const char *hostname)
{
	struct buf why = BUF_INIT(FIND_TEXT_MAX);

	propose_name(f, domain);
	f->ask.hostname = hostname != NULL ? hostname : f->name;
	f->known = find_domain(&f->ask, domain, &f->domain, &why) == 0;
	f->has_provider = find_provider(NULL, domain, f->known ? &f->domain :
	    NULL, &f->provider, &why) == 1;
	facts_judge(f, domain);
	buf_clear(&why);
}

void
facts_free(struct facts **f)
{
	buf_clear(&(*f)->reason);
	free(*f);
	*f = NULL;
}

const struct find_server *
facts_relay(const struct facts *f)
{
	const struct find_server *s = NULL;

	if (f->has_provider)
		s = find_server(&f->provider.servers, FIND_SMTP);
	if (s == NULL && f->known)
		s = find_server(&f->domain.srv, FIND_SMTP);
	if (s == NULL && f->known)
		s = find_server(&f->domain.autoconfig, FIND_SMTP);
	return s;
}

void
facts_full(const struct facts *f, const char *answer,
    char host[DOMAIN_MAX + 1])
{
	const struct find_server *s = facts_relay(f);
	struct buf name = BUF_INIT(DOMAIN_MAX);

	if (s == NULL || !find_server_is_own(s) || answer[strcspn(answer,
	    ".[:")] != '\0' || buf_printf(&name, "%s%s", answer, s->host +
	    sizeof(FIND_OWN) - 1) == -1)
		buf_set(&name, "%s", answer);
	if (str_copy(host, DOMAIN_MAX + 1, buf_str(&name)) == -1)
		host[0] = '\0';
	buf_clear(&name);
}

/* A row of the domain's provider, or what the domain says itself, or a row of
   any provider. 1, or 0. */
static int
find_row(const struct facts *f, const char *host, struct find_server *s)
{
	struct buf why = BUF_INIT(FIND_TEXT_MAX);
	int r = f->has_provider && find_server_named(&f->provider.servers,
	    FIND_SMTP, host, s);

	if (!r && f->known)
		r = find_server_named(&f->domain.srv, FIND_SMTP, host, s) ||
		    find_server_named(&f->domain.autoconfig, FIND_SMTP, host,
		    s);
	if (!r)
		r = find_provider_of(NULL, FIND_SMTP, host, s, &why) == 1;
	buf_clear(&why);
	return r;
}

int
facts_server(struct facts *f, const char *host)
{
	struct find_server *s = &f->server;

	memset(s, 0, sizeof(*s));
	if (find_row(f, host, s) && s->port != 0)
		return 1;
	facts_guess(f, host, SUBMISSION_PORT);
	return 0;
}

void
facts_guess(struct facts *f, const char *host, unsigned port)
{
	struct find_server *s = &f->server;

	s->protocol = FIND_SMTP;
	s->tls = port == SUBMISSIONS_PORT ? FIND_TLS : FIND_STARTTLS;
	s->port = port;
	(void)str_copy(s->host, sizeof(s->host), host);
}

static const struct find_server *
box_of(const struct find_servers *l)
{
	const struct find_server *s = find_server(l, FIND_IMAP);

	return s != NULL ? s : find_server(l, FIND_POP3);
}

const struct find_server *
facts_incoming(const struct facts *f, const char *login,
    struct find_provider *p)
{
	struct buf why = BUF_INIT(FIND_TEXT_MAX);
	const char *at = strrchr(login, '@');
	const struct find_server *s = NULL;

	if (at != NULL && find_provider(NULL, at + 1, NULL, p, &why) == 1)
		s = box_of(&p->servers);
	if (s == NULL && f->has_provider)
		s = box_of(&f->provider.servers);
	if (s == NULL && f->known)
		s = box_of(&f->domain.srv);
	if (s == NULL && f->known)
		s = box_of(&f->domain.autoconfig);
	buf_clear(&why);
	return s;
}

/* The row of that host in what is known. 1, or 0. */
static int
box_named(const struct facts *f, enum find_protocol p, const char *host,
    struct find_server *s)
{
	struct buf why = BUF_INIT(FIND_TEXT_MAX);
	int r = f->has_provider && find_server_named(&f->provider.servers, p,
	    host, s);

	if (!r && f->known)
		r = find_server_named(&f->domain.srv, p, host, s) ||
		    find_server_named(&f->domain.autoconfig, p, host, s);
	if (!r)
		r = find_provider_of(NULL, p, host, s, &why) == 1;
	buf_clear(&why);
	return r && s->port != 0;
}

void
facts_collect(struct facts *f, const char *host, enum find_protocol protocol)
{
	struct find_server *s = &f->incoming;

	memset(s, 0, sizeof(*s));
	/* Whoever says so, no password goes there in the clear. */
	if (((protocol != FIND_POP3 && box_named(f, FIND_IMAP, host, s)) ||
	    (protocol != FIND_IMAP && box_named(f, FIND_POP3, host, s))) &&
	    s->tls != FIND_PLAIN)
		return;
	memset(s, 0, sizeof(*s));
	s->protocol = protocol == FIND_POP3 || (protocol == FIND_SMTP &&
	    str_ncasecmp(host, "pop", 3) == 0) ? FIND_POP3 : FIND_IMAP;
	s->tls = FIND_TLS;
	s->port = s->protocol == FIND_POP3 ? 995 : 993;
	(void)str_copy(s->host, sizeof(s->host), host);
}

const char *
facts_owner(const char *domain, struct find_provider *p)
{
	struct buf why = BUF_INIT(FIND_TEXT_MAX);
	int r = find_provider(NULL, domain, NULL, p, &why);

	buf_clear(&why);
	return r == 1 ? p->name : NULL;
}
