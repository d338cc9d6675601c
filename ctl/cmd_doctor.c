/*
 * doctor: one verdict, what stands in its way, what was looked at. What needs
 * files or sockets of the suite comes first; then root is given up, and what
 * comes from the network is looked at.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/doctor.h"

/* Does one of the codes stand in the list? */
static int
found(const struct findings *l, const char *domain, enum finding_code first,
    enum finding_code last)
{
	unsigned code;

	for (code = first; code <= (unsigned)last; code++)
		if (findings_count(l, 0, domain, (enum finding_code)code) > 0)
			return 1;
	return 0;
}

/* The sentence of the verdict, and whether the configuration fits it. */
static void
tell_verdict(const struct dns_host *h, struct findings *l,
    enum doctor_verdict v)
{
	static const enum finding_code codes[] = {
		[VERDICT_DIRECT] = FINDING_VERDICT_DIRECT,
		[VERDICT_RELAY] = FINDING_VERDICT_RELAY,
		[VERDICT_COLLECTOR] = FINDING_VERDICT_COLLECTOR,
		[VERDICT_UNKNOWN] = FINDING_VERDICT_UNKNOWN,
	};
	static const char *const names[] = { "direct", "relay", "collector" };

	finding_add(l, codes[v], h->name, NULL, NULL, NULL);
	if (v != VERDICT_UNKNOWN && (unsigned)h->profile < (unsigned)v)
		finding_add(l, FINDING_PROFILE_UNFIT, h->name,
		    names[h->profile], names[v], NULL);
}

static void
network(struct ctl *c, const struct dns_host *h, const struct dns_domains *d,
    struct findings *l, int running)
{
	struct doctor_facts f = { .outside = dns_host_has(h, AF_INET) };
	struct host_addresses of_name;
	struct find_network n;
	struct dns_check k;
	size_t i;

	find_network(&n);
	dns_check_init(&k, h, l);
	if (running)
		doctor_ports(h, l);
	f.walled = doctor_addresses(h, &n, l);
	dns_check_host(&k);
	if (dns_check_addresses(h->name, &of_name) == DNS_OK)
		doctor_inside(h, &of_name, running, l);
	if (running)
		doctor_probe(h, c->opt[OPT_DOCTOR_PROBE], l);
	f.port25 = doctor_port25(&k, d, c->opt[OPT_DOCTOR_REACH]);
	f.distrusted = doctor_lists(&k) > 0 || found(l, h->name,
	    FINDING_PTR_MISSING, FINDING_PTR_UNCONFIRMED);
	for (i = 0; i < d->n; i++)
		dns_check_domain(&k, d->d[i].domain, d->d[i].alias_of,
		    &d->d[i].keys);
	tell_verdict(h, l, doctor_verdict(&f));
}

/* The verdict, then faults, then facts. */
static int
order(const struct finding *f)
{
	return f->code >= FINDING_VERDICT_DIRECT ? 0 :
	    f->consequence != NULL ? 1 : 2;
}

static void
json(struct out *o, const struct finding *f)
{
	out_text(o, f->domain);
	out_text(o, finding_name(f->code));
	out_text(o, f->code == FINDING_DNS_LATER ? "later" :
	    f->consequence != NULL ? "fault" : "fact");
	out_text(o, f->finding);
	if (f->consequence != NULL) {
		out_text(o, f->consequence);
		out_text(o, f->remedy);
	} else {
		out_null(o);
		out_null(o);
	}
}

static int
told(struct ctl *c, const struct findings *l)
{
	static const char *const names[] = { "subject", "code", "state",
		"finding", "consequence", "remedy" };
	struct out o;
	size_t i;
	int turn;

	if (c->json)
		out_init(&o, stdout, 1);
	for (i = 0; c->json && i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	for (turn = 0; turn < 3; turn++)
		for (i = 0; i < l->n; i++) {
			if (order(&l->f[i]) != turn)
				continue;
			if (c->json)
				json(&o, &l->f[i]);
			else
				finding_print(&l->f[i], stdout);
		}
	return c->json ? out_end(&o) : fflush(stdout);
}

int
cmd_doctor(struct ctl *c)
{
	struct dns_host h = { .keys = { .k = NULL } };
	struct dns_domains d = { .n = 0 };
	struct findings l = { .n = 0 };
	int running, r = CTL_REFUSED;

	if (dns_host_load(&h, c, c->opt[OPT_DOCTOR_ADDRESS]) == 0 &&
	    dns_domains_read(&d, c, NULL) == 0) {
		doctor_host(c, &h, &l, &running);
		r = CTL_LATER;
		if (dns_ask_open(&h) == 0) {
			network(c, &h, &d, &l, running);
			dns_ask_close();
			r = told(c, &l) == 0 ? (int)findings_exit(&l) :
			    CTL_LATER;
		}
	}
	findings_clear(&l);
	dns_domains_clear(&d);
	dns_host_clear(&h);
	return r;
}
