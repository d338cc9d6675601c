#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_ask.h"
#include "ctl/dns_rr.h"
#include "ctl/find_srv.h"
#include "lib/base/str.h"

enum { RECORDS_MAX = 60, EACH_MAX = 20 };

static const struct kind {
	const char *label;
	enum find_protocol protocol;
	enum find_tls tls;
} kinds[] = {
	{ "_submissions", FIND_SMTP, FIND_TLS },
	{ "_submission", FIND_SMTP, FIND_STARTTLS },
	{ "_imaps", FIND_IMAP, FIND_TLS },
	{ "_imap", FIND_IMAP, FIND_STARTTLS },
	{ "_pop3s", FIND_POP3, FIND_TLS },
	{ "_pop3", FIND_POP3, FIND_STARTTLS },
};

struct record {
	const struct kind *kind;
	struct dns_srv srv;
};

static const struct dns_asked *
ask(const struct kind *k, const char *domain, int ahead)
{
	struct buf name = BUF_INIT(0);
	const struct dns_asked *a = NULL;

	buf_printf(&name, "%s._tcp.%s", k->label, domain);
	if (ahead)
		dns_ask_ahead(DNS_SRV, buf_str(&name));
	else
		a = dns_question(DNS_SRV, buf_str(&name));
	buf_clear(&name);
	return a;
}

void
find_srv_ahead(const char *domain)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		(void)ask(&kinds[i], domain, 1);
}

static int
by_rank(const void *va, const void *vb)
{
	const struct record *a = va, *b = vb;

	if (a->kind->protocol != b->kind->protocol)
		return (int)a->kind->protocol - (int)b->kind->protocol;
	if (a->srv.priority != b->srv.priority)
		return (int)a->srv.priority - (int)b->srv.priority;
	if (a->kind->tls != b->kind->tls)
		return (int)a->kind->tls - (int)b->kind->tls;
	if (a->srv.weight != b->srv.weight)
		return (int)b->srv.weight - (int)a->srv.weight;
	return strcmp(a->srv.target, b->srv.target);
}

static size_t
take(const struct kind *k, const struct dns_asked *a, struct record *r,
    size_t max, unsigned *dots)
{
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	size_t n = 0, len;

	while (a->status == DNS_OK && n < max &&
	    dns_asked_next(a, &cur, &p, &len)) {
		r[n].kind = k;
		if (dns_rr_srv(p, len, &r[n].srv) == -1)
			continue;
		/* RFC 6186 3.4: "." says that it is not offered. */
		if (r[n].srv.target[0] == '\0')
			*dots |= 1u << k->protocol;
		else if (r[n].srv.port != 0)
			n++;
	}
	return n;
}

void
find_srv(const char *domain, struct find_servers *l, unsigned *none_r)
{
	struct record *r = calloc(RECORDS_MAX, sizeof(*r));
	struct find_server *s;
	size_t n = 0, i, max;

	l->n = 0;
	*none_r = 0;
	if (r == NULL)
		return;
	find_srv_ahead(domain);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		max = RECORDS_MAX - n < EACH_MAX ? RECORDS_MAX - n : EACH_MAX;
		n += take(&kinds[i], ask(&kinds[i], domain, 0), &r[n], max,
		    none_r);
	}
	qsort(r, n, sizeof(*r), by_rank);
	for (i = 0; i < n && l->n < FIND_SERVERS_MAX; i++) {
		s = &l->s[l->n++];
		memset(s, 0, sizeof(*s));
		s->source = FIND_SRV;
		s->protocol = r[i].kind->protocol;
		s->tls = r[i].kind->tls;
		s->port = r[i].srv.port;
		(void)str_copy(s->host, sizeof(s->host), r[i].srv.target);
		*none_r &= ~(1u << s->protocol);
	}
	free(r);
}
