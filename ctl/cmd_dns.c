/*
 * dns show, dns check.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/cmd_dns.h"
#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_check.h"
#include "ctl/dns_domains.h"
#include "ctl/dns_record.h"
#include "ctl/dns_rr.h"
#include "lib/base/words.h"

/* Those of the domain's zone, or of others. */
static void
show_lines(const struct dns_records *l, const char *domain, int apart)
{
	struct buf line = BUF_INIT(0);
	const char *note = NULL;
	size_t i;
	int n = 0;

	for (i = 0; i < l->n; i++) {
		if ((dns_record_host(&l->r[i], domain, &line) == NULL) != apart)
			continue;
		if (apart && n++ == 0)
			puts(_("\n; What belongs into another zone, which is "
			    "often somebody else's:"));
		if (l->r[i].note != NULL && l->r[i].note != note)
			printf("; %s\n", l->r[i].note);
		note = l->r[i].note;
		buf_reset(&line);
		dns_record_zone(&l->r[i], &line);
		printf("%s\n", buf_str(&line));
	}
	buf_clear(&line);
}

static void
show_zone(const struct dns_records *l, const char *domain)
{
	printf(_("; The records of %s, as lines of a zone:\n"), domain);
	show_lines(l, domain, 0);
	show_lines(l, domain, 1);
}

static void
show_field(const char *name, const char *value)
{
	printf("%-10s %s\n", name, value);
}

static void
show_number(const char *name, int value)
{
	char text[20];

	snprintf(text, sizeof(text), "%d", value);
	if (value >= 0)
		show_field(name, text);
}

/* As the fields of a provider's form. */
static void
show_form(const struct dns_records *l, const char *domain)
{
	struct buf host = BUF_INIT(0);
	const struct dns_record *r;
	const char *name;
	size_t i;

	printf(_("\n; The same for a form. Where it wants the whole name: %s "
	    "is \"@\", and stands behind the other names.\n"), domain);
	for (i = 0; i < l->n; i++) {
		r = &l->r[i];
		if (r->value == NULL)
			continue;
		name = dns_record_host(r, domain, &host);
		printf("\n");
		show_field(_("Name"), name != NULL ? name : r->name);
		if (name == NULL)
			show_field("", _("(this belongs into another zone than "
			    "that of the domain)"));
		show_field(_("Type"), r->type);
		show_number(_("TTL"), DNS_TTL);
		show_number(_("Priority"), r->priority);
		show_number(_("Weight"), r->weight);
		show_number(_("Port"), r->port);
		show_field(_("Value"), r->value);
	}
	buf_clear(&host);
}

static void
json_text(struct out *o, const char *s)
{
	if (s != NULL)
		out_text(o, s);
	else
		out_null(o);
}

static void
json_number(struct out *o, int v)
{
	if (v >= 0)
		out_number(o, (uint64_t)v);
	else
		out_null(o);
}

static int
show_json(const struct dns_records *l, const char *domain)
{
	static const char *const names[] = { "name", "host", "type", "ttl",
		"priority", "weight", "port", "value", "zone", "needed",
		"note" };
	struct buf text = BUF_INIT(0);
	const struct dns_record *r;
	struct out o;
	size_t i;

	out_init(&o, stdout, 1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	for (i = 0; i < l->n; i++) {
		r = &l->r[i];
		out_text(&o, r->name);
		json_text(&o, dns_record_host(r, domain, &text));
		out_text(&o, r->type);
		out_number(&o, DNS_TTL);
		json_number(&o, r->priority);
		json_number(&o, r->weight);
		json_number(&o, r->port);
		json_text(&o, r->value);
		buf_reset(&text);
		dns_record_zone(r, &text);
		json_text(&o, r->value != NULL ? buf_str(&text) : NULL);
		out_bool(&o, r->needed);
		json_text(&o, r->note);
	}
	buf_clear(&text);
	return out_end(&o) == 0 ? CTL_DONE : CTL_REFUSED;
}

/* The domain of the argument, which must be one of ours. 0, or -1 (said). */
static int
our_domain(struct ctl *c, struct buf *domain)
{
	struct buf why = BUF_INIT(0);
	struct set s;
	int r = -1;

	if (name_domain(c->args[0], strlen(c->args[0]), domain, &why) == -1)
		ctl_say(-1, &why);
	else if (table_open(c, &s, 0) == 0) {
		r = text_find(&s.t[TEXT_DOMAINS], buf_str(domain)) != NULL ?
		    0 : -1;
		set_close(&s);
		if (r == -1)
			ctl_fail(-1, _("%s: not in domains (rohrpost domain "
			    "add %s)"), buf_str(domain), buf_str(domain));
	}
	buf_clear(&why);
	return r;
}

int
dns_show_zone(struct ctl *c, const char *domain)
{
	struct buf why = BUF_INIT(300);
	struct dns_host h = { .keys = { .k = NULL } };
	struct dns_records l;
	struct dns_keys keys = { .n = 0 };
	int r = dns_host_load(&h, c, NULL);

	if (r == 0) {
		r = dns_keys_load(&keys, c, domain, &why);
		if (r == -1)
			ctl_say(-1, &why);
	}
	if (r == 0) {
		dns_records_make(&l, &h, domain, &keys);
		show_zone(&l, domain);
		dns_records_clear(&l);
	}
	dns_keys_clear(&keys);
	dns_host_clear(&h);
	buf_clear(&why);
	return r;
}

static int
show(struct ctl *c, const struct dns_host *h, const char *domain)
{
	struct buf why = BUF_INIT(300);
	struct dns_records l;
	struct dns_keys keys;
	int r = CTL_DONE;

	if (dns_keys_load(&keys, c, domain, &why) == -1)
		r = ctl_say(CTL_REFUSED, &why);
	else {
		dns_records_make(&l, h, domain, &keys);
		if (c->json)
			r = show_json(&l, domain);
		else {
			show_zone(&l, domain);
			show_form(&l, domain);
		}
		dns_records_clear(&l);
	}
	dns_keys_clear(&keys);
	buf_clear(&why);
	return r;
}

int
cmd_dns_show(struct ctl *c)
{
	struct buf domain = BUF_INIT(DOMAIN_MAX);
	struct dns_host h = { .keys = { .k = NULL } };
	int r = CTL_REFUSED;

	if (our_domain(c, &domain) == 0 &&
	    dns_host_load(&h, c, c->opt[0]) == 0)
		r = show(c, &h, buf_str(&domain));
	dns_host_clear(&h);
	buf_clear(&domain);
	return r;
}

/* The MX records as DNS has them: what was changed is seen after that time. */
static void
print_mx(const char *domain)
{
	const struct dns_asked *a = dns_question(DNS_MX, domain);
	struct cursor cur = { .p = NULL };
	char name[DOMAIN_MAX + 1];
	const unsigned char *p;
	unsigned pref, n;
	size_t len;

	for (n = 0; a->status == DNS_OK && n < CHECK_MX_MAX &&
	    dns_asked_next(a, &cur, &p, &len); n++)
		if (dns_rr_mx(p, len, &pref, name) == 0)
			printf(_("%s: MX %u %s. (others may keep it for %u "
			    "seconds)\n"), domain, pref, name, a->ttl);
}

static int
told_json(const struct dns_domains *l, struct findings *f)
{
	const struct dns_asked *a;
	size_t i;

	for (i = 0; i < l->n; i++) {
		a = dns_question(DNS_MX, l->d[i].domain);
		if (a->status == DNS_OK && a->n > 0)
			findings_mx_ttl(f, l->d[i].domain, a->ttl);
	}
	return findings_json(f, stdout);
}

/* What was found, and which domains are good. */
static int
told(struct ctl *c, const struct dns_domains *l, struct findings *f)
{
	size_t i, k, bad;

	if (c->json)
		return told_json(l, f);
	for (i = 0; i < f->n; i++)
		finding_print(&f->f[i], stdout);
	for (i = 0; i < l->n; i++) {
		for (k = bad = 0; k < f->n; k++)
			bad += strcmp(f->f[k].domain, l->d[i].domain) == 0;
		if (bad == 0)
			printf(_("%s: good\n"), l->d[i].domain);
		print_mx(l->d[i].domain);
	}
	return 0;
}

static int
check(struct ctl *c, const struct dns_host *h, const struct dns_domains *l)
{
	struct findings f = { .n = 0 };
	struct dns_check k;
	int r;
	size_t i;

	if (dns_ask_open(h) == -1)
		return CTL_LATER;
	dns_check_init(&k, h, &f);
	dns_check_host(&k);
	for (i = 0; i < l->n; i++)
		dns_check_domain(&k, l->d[i].domain, l->d[i].alias_of,
		    &l->d[i].keys);
	r = told(c, l, &f) == 0 ? (int)findings_exit(&f) : CTL_LATER;
	dns_ask_close();
	findings_clear(&f);
	return r;
}

int
cmd_dns_check(struct ctl *c)
{
	struct buf domain = BUF_INIT(DOMAIN_MAX);
	struct dns_host h = { .keys = { .k = NULL } };
	struct dns_domains l = { .n = 0 };
	int r = CTL_REFUSED;

	if ((c->n_args == 0 || our_domain(c, &domain) == 0) &&
	    dns_host_load(&h, c, c->opt[0]) == 0 &&
	    dns_domains_read(&l, c, c->n_args > 0 ? buf_str(&domain) :
	    NULL) == 0)
		r = check(c, &h, &l);
	dns_domains_clear(&l);
	dns_host_clear(&h);
	buf_clear(&domain);
	return r;
}
