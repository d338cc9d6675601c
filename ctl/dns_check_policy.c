/*
 * What a domain says of its mail: SPF, DKIM keys, DMARC.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/dns_dmarc.h"
#include "ctl/dns_rr.h"

enum { WALK_MAX = 8 };		/* names up the tree (RFC 9989 4.10) */

static void
spf_fault(struct dns_check *c, const char *domain,
    const struct spf_outcome *o)
{
	const char *at = buf_str(&o->at), *what = buf_str(&o->what);
	char number[20];

	switch (o->fault) {
	case SPF_FAULT_DNS:
		finding_add(c->l, FINDING_DNS_LATER, domain, what,
		    dns_ask_why(what), NULL);
		break;
	case SPF_FAULT_DOUBLE:
		finding_add(c->l, FINDING_SPF_DOUBLE, domain, at, NULL, NULL);
		break;
	case SPF_FAULT_LOOKUPS:
		snprintf(number, sizeof(number), "%u", o->lookups);
		finding_add(c->l, FINDING_SPF_LOOKUPS, domain, number, NULL,
		    NULL);
		break;
	case SPF_FAULT_VOIDS:
		snprintf(number, sizeof(number), "%u", o->voids);
		finding_add(c->l, FINDING_SPF_VOIDS, domain, number, what,
		    NULL);
		break;
	case SPF_FAULT_ABSENT:
		finding_add(c->l, FINDING_SPF_INCLUDE, domain, at, what,
		    NULL);
		break;
	default:
		finding_add(c->l, FINDING_SPF_WRONG, domain, at, what, NULL);
		break;
	}
}

/* What others will say of mail that leaves by our addresses. */
static void
spf_covers(struct dns_check *c, const char *domain)
{
	struct spf_outcome o = SPF_OUTCOME_INIT;
	struct buf sender = BUF_INIT(0);
	struct spf_query q = { .helo = c->h->name, .ask = dns_ask_spf };
	size_t i;

	buf_printf(&sender, "postmaster@%s", domain);
	q.sender = buf_str(&sender);
	for (i = 0; i < c->h->outside.n; i++) {
		const struct host_address *a = &c->h->outside.a[i];

		q.v6 = a->family == AF_INET6;
		memcpy(q.ip, a->ip, sizeof(q.ip));
		spf_check(&q, &o);
		if (o.result == SPF_PASS)
			continue;
		if (o.fault != SPF_FAULT_NONE)
			spf_fault(c, domain, &o);
		else
			finding_add(c->l, FINDING_SPF_NOT_OURS, domain,
			    a->text, spf_result_name(o.result), NULL);
	}
	spf_outcome_clear(&o);
	buf_clear(&sender);
}

void
dns_check_spf(struct dns_check *c, const char *domain)
{
	struct spf_outcome o = SPF_OUTCOME_INIT;
	struct spf_query q = { .ask = dns_ask_spf };

	spf_count(&q, domain, &o);
	if (o.result == SPF_NONE)
		finding_add(c->l, FINDING_SPF_MISSING, domain, NULL, NULL,
		    NULL);
	else if (o.fault != SPF_FAULT_NONE)
		spf_fault(c, domain, &o);
	else if (c->h->profile == DNS_DIRECT)
		spf_covers(c, domain);
	spf_outcome_clear(&o);
}

/* The value of the tag p of a key record, without blanks. */
static void
key_of(const char *p, size_t len, struct buf *out)
{
	const char *end = p + len, *semi;

	buf_reset(out);
	for (; p < end; p = semi + 1) {
		semi = memchr(p, ';', (size_t)(end - p));
		if (semi == NULL)
			semi = end;
		while (p < semi && (*p == ' ' || *p == '\t'))
			p++;
		if (semi - p > 2 && p[0] == 'p' && p[1] == '=')
			for (p += 2; p < semi; p++)
				if (*p != ' ' && *p != '\t')
					buf_putc(out, *p);
	}
}

static void
check_key(struct dns_check *c, const char *domain, const char *name,
    const struct dns_key *k)
{
	struct buf ours = BUF_INIT(SPF_ANSWER_MAX), text = ours, theirs = ours;
	const struct dns_asked *a = dns_question(DNS_TXT, name);
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	int same = 0;
	size_t len;

	key_of(k->record, strlen(k->record), &ours);
	while (a->status == DNS_OK && dns_asked_next(a, &cur, &p, &len)) {
		buf_reset(&text);
		if (dns_rr_txt(p, len, &text) == -1)
			continue;
		key_of(buf_str(&text), text.len, &theirs);
		same |= strcmp(buf_str(&ours), buf_str(&theirs)) == 0;
	}
	if (a->status == DNS_TEMP)
		dns_check_later(c, domain, name, a);
	else if (a->status != DNS_OK)
		finding_add(c->l, FINDING_DKIM_MISSING, domain, name, NULL,
		    NULL);
	else if (!same)
		finding_add(c->l, FINDING_DKIM_OTHER, domain, name, NULL,
		    NULL);
	buf_clear(&ours);
	buf_clear(&text);
	buf_clear(&theirs);
}

void
dns_check_dkim(struct dns_check *c, const char *domain,
    const struct dns_keys *keys)
{
	struct buf name = BUF_INIT(0);
	size_t i;

	for (i = 0; i < keys->n; i++) {
		buf_set(&name, "%s._domainkey.%s", keys->k[i].selector,
		    domain);
		check_key(c, domain, buf_str(&name), &keys->k[i]);
	}
	buf_clear(&name);
}

/* How many records _dmarc.domain has; the last wrong one's tag in where. */
static unsigned
count_dmarc(const char *domain, struct buf *where,
    const struct dns_asked **a_r)
{
	struct buf name = BUF_INIT(0), text = BUF_INIT(SPF_ANSWER_MAX);
	struct cursor cur = { .p = NULL };
	const unsigned char *p;
	unsigned n = 0;
	size_t len;

	buf_printf(&name, "_dmarc.%s", domain);
	*a_r = dns_question(DNS_TXT, buf_str(&name));
	while ((*a_r)->status == DNS_OK &&
	    dns_asked_next(*a_r, &cur, &p, &len)) {
		buf_reset(&text);
		if (dns_rr_txt(p, len, &text) == 0 &&
		    dmarc_judge(buf_str(&text), text.len, where) !=
		    DMARC_NONE)
			n++;
	}
	buf_clear(&name);
	buf_clear(&text);
	return n;
}

void
dns_check_dmarc(struct dns_check *c, const char *domain)
{
	struct buf where = BUF_INIT(200);
	const struct dns_asked *a, *own;
	const char *up = domain;
	unsigned n = count_dmarc(domain, &where, &own), i;

	if (n > 1)
		finding_add(c->l, FINDING_DMARC_DOUBLE, domain, NULL, NULL,
		    NULL);
	else if (n == 1 && where.len > 0)
		finding_add(c->l, FINDING_DMARC_WRONG, domain,
		    buf_str(&where), NULL, NULL);
	else if (own->status == DNS_TEMP)
		dns_check_later(c, domain, domain, own);
	/* That of the domain above counts for it, too. */
	for (i = 0; n == 0 && i < WALK_MAX; i++) {
		up = strchr(up, '.');
		if (up == NULL || strchr(++up, '.') == NULL)
			break;
		n = count_dmarc(up, &where, &a);
	}
	if (n == 0 && own->status != DNS_TEMP)
		finding_add(c->l, FINDING_DMARC_MISSING, domain, NULL, NULL,
		    NULL);
	buf_clear(&where);
}
