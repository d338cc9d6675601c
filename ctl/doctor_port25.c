/*
 * Does port 25 go out? Nobody is asked but who the operator names, or the mail
 * servers of his own domains.
 */
#include "config.h"

#include <string.h>

#include "ctl/dns_contact.h"
#include "ctl/dns_rr.h"
#include "ctl/doctor.h"
#include "lib/base/str.h"

/* A host's port 25; why where it is blocked or refused. Who says "later" is
   reached. */
static enum doctor_port25
try_host(struct dns_check *k, const char *name, struct buf *why)
{
	struct host_addresses l;
	size_t i;

	if (dns_check_addresses(name, &l) != DNS_OK)
		return PORT25_UNKNOWN;
	for (i = 0; i < l.n && i < k->addresses; i++)
		switch (dns_contact(&l.a[i], k->smtp_port, k->h->name, why)) {
		case CONTACT_GOOD:
		case CONTACT_LATER:
			return PORT25_GOOD;
		case CONTACT_REFUSED:
			return PORT25_REFUSED;
		case CONTACT_NONE:
			break;
		}
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

/* Of the operator's domains: one dead host, or one that refuses, proves
   nothing while another one answers. */
static enum doctor_port25
try_domains(struct dns_check *k, const struct dns_domains *d,
    char name_r[DOMAIN_MAX + 1], struct buf *why)
{
	enum doctor_port25 best = PORT25_UNKNOWN, r;
	struct buf said = BUF_INIT(300);
	char name[DOMAIN_MAX + 1];
	unsigned tries = 0;
	size_t i;

	for (i = 0; i < d->n && tries < DOCTOR_TRIES && best != PORT25_GOOD;
	    i++) {
		if (!foreign_mx(k, d->d[i].domain, name))
			continue;
		tries++;
		r = try_host(k, name, &said);
		if (r <= best)
			continue;
		best = r;
		(void)str_copy(name_r, DOMAIN_MAX + 1, name);
		buf_set(why, "%s", buf_str(&said));
	}
	buf_clear(&said);
	return best;
}

enum doctor_port25
doctor_try_port25(struct dns_check *k, const struct dns_domains *d,
    const char *reach, char name[DOMAIN_MAX + 1], struct buf *why)
{
	name[0] = '\0';
	if (reach == NULL)
		return try_domains(k, d, name, why);
	(void)str_copy(name, DOMAIN_MAX + 1, reach);
	return try_host(k, name, why);
}
