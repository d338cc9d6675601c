#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/dns_record.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

/* Implicit TLS comes first (RFC 8314 5.1): the lower priority. */
static const struct {
	const char *name;
	int	 priority;
} services[SERVICE_COUNT] = {
	[SERVICE_SUBMISSIONS] = { "_submissions", 0 },
	[SERVICE_SUBMISSION] = { "_submission", 10 },
	[SERVICE_IMAPS] = { "_imaps", 0 },
	[SERVICE_IMAP] = { "_imap", 10 },
	[SERVICE_POP3S] = { "_pop3s", 20 },
	[SERVICE_POP3] = { "_pop3", 30 },
};

const char *
dns_service(enum service s)
{
	return services[s].name;
}

/* Adds one; prefix is in front of name, "" for none. */
static struct dns_record *
add(struct dns_records *l, const char *type, const char *prefix,
    const char *name, const char *value)
{
	struct buf full = BUF_INIT(0);
	struct dns_record *r;

	l->r = mem_realloc(l->r, l->n + 1, sizeof(*l->r));
	r = &l->r[l->n++];
	memset(r, 0, sizeof(*r));
	buf_printf(&full, "%s%s", prefix, name);
	r->type = type;
	r->name = mem_strdup(buf_str(&full));
	r->value = value != NULL ? mem_strdup(value) : NULL;
	r->priority = r->weight = r->port = -1;
	buf_clear(&full);
	return r;
}

static void
add_mx(struct dns_records *l, const struct dns_host *h, const char *domain)
{
	struct dns_record *r;

	if (h->profile == DNS_COLLECTOR) {
		r = add(l, "MX", "", domain, NULL);
		r->note = _("mail comes by way of your provider: its MX "
		    "records stay as they are");
		return;
	}
	r = add(l, "MX", "", domain, h->name);
	r->priority = 10;
	r->is_name = 1;
	r->needed = 1;
}

/* The addresses of the host, and what leads back from them to its name. */
static void
add_host(struct dns_records *l, const struct dns_host *h)
{
	struct buf name = BUF_INIT(0);
	struct dns_record *r;
	size_t i;

	if (!dns_host_has(h, AF_INET)) {
		r = add(l, "A", "", h->name, NULL);
		r->needed = h->outside.n == 0 && h->profile != DNS_COLLECTOR;
		r->note = _("the public IPv4 address of this server is not "
		    "known: name it by --address, or by public_address in "
		    "rohrpost.conf");
	}
	for (i = 0; i < h->outside.n; i++) {
		r = add(l, h->outside.a[i].family == AF_INET ? "A" : "AAAA",
		    "", h->name, h->outside.a[i].text);
		r->needed = h->profile != DNS_COLLECTOR;
	}
	for (i = 0; i < h->outside.n && h->profile == DNS_DIRECT; i++) {
		buf_reset(&name);
		host_address_reverse(&h->outside.a[i], &name);
		r = add(l, "PTR", "", buf_str(&name), h->name);
		r->is_name = 1;
		r->needed = 1;
		r->note = _("whoever gives you the address enters this, often "
		    "under \"reverse DNS\"");
	}
	buf_clear(&name);
}

static void
add_spf(struct dns_records *l, const struct dns_host *h, const char *domain)
{
	struct dns_record *r;

	if (h->profile == DNS_DIRECT) {
		r = add(l, "TXT", "", domain, "v=spf1 mx -all");
		r->needed = 1;
		if (str_casecmp(domain, h->name) != 0) {
			r = add(l, "TXT", "", h->name, "v=spf1 a -all");
			r->note = _("for error messages, which have no "
			    "sender");
		}
		return;
	}
	r = add(l, "TXT", "", domain, NULL);
	r->needed = 1;
	r->note = h->profile == DNS_RELAY ?
	    _("SPF: \"v=spf1 include:NAME ~all\"; your provider tells the "
	    "NAME of its own record") :
	    _("SPF: your provider tells the record, if it has not entered it "
	    "already");
}

static void
add_dkim(struct dns_records *l, const char *domain,
    const struct dns_keys *keys)
{
	struct buf prefix = BUF_INIT(0);
	size_t i;

	for (i = 0; i < keys->n; i++) {
		buf_reset(&prefix);
		buf_printf(&prefix, "%s._domainkey.", keys->k[i].selector);
		add(l, "TXT", buf_str(&prefix), domain,
		    keys->k[i].record)->needed = 1;
	}
	buf_clear(&prefix);
}

/*
 * Where nothing is signed a strict policy would have forwarded mail refused.
 */
static void
add_policies(struct dns_records *l, const struct dns_host *h,
    const char *domain, const struct dns_keys *keys)
{
	struct buf value = BUF_INIT(0);

	add(l, "TXT", "_dmarc.", domain, keys->n > 0 ?
	    "v=DMARC1; p=quarantine" : "v=DMARC1; p=none")->needed = 1;
	if (h->profile != DNS_COLLECTOR) {
		buf_printf(&value, "v=TLSRPTv1; rua=mailto:postmaster@%s",
		    domain);
		add(l, "TXT", "_smtp._tls.", domain, buf_str(&value))->note =
		    _("for reports of others about TLS (RFC 8460)");
	}
	buf_clear(&value);
}

static void
add_services(struct dns_records *l, const struct dns_host *h,
    const char *domain)
{
	struct buf prefix = BUF_INIT(0);
	struct dns_record *r;
	unsigned s;

	for (s = 0; s < SERVICE_COUNT; s++) {
		if (services[s].name == NULL || h->port[s] == 0)
			continue;
		buf_reset(&prefix);
		buf_printf(&prefix, "%s._tcp.", services[s].name);
		r = add(l, "SRV", buf_str(&prefix), domain, h->name);
		r->priority = services[s].priority;
		r->weight = 1;
		r->port = (int)h->port[s];
		r->is_name = 1;
		r->note = _("mail programs find their settings by it");
	}
	buf_clear(&prefix);
}

static void
add_autoconfig(struct dns_records *l, const struct dns_host *h,
    const char *domain)
{
	static const char *const prefix[] = { "autoconfig.", "autodiscover." };
	struct dns_record *r;
	size_t i;

	for (i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		r = add(l, "CNAME", prefix[i], domain, h->name);
		r->is_name = 1;
		r->note = _("only where a web server on that host tells mail "
		    "programs their settings");
	}
}

void
dns_records_make(struct dns_records *l, const struct dns_host *h,
    const char *domain, const struct dns_keys *keys)
{
	l->r = NULL;
	l->n = 0;
	add_mx(l, h, domain);
	add_host(l, h);
	add_spf(l, h, domain);
	add_dkim(l, domain, keys);
	add_policies(l, h, domain, keys);
	add_services(l, h, domain);
	add_autoconfig(l, h, domain);
}

void
dns_records_clear(struct dns_records *l)
{
	while (l->n > 0) {
		free(l->r[--l->n].name);
		free(l->r[l->n].value);
	}
	free(l->r);
	l->r = NULL;
}

/* A text as strings of at most DNS_STRING_MAX octets (RFC 1035 5.1). */
static void
put_text(const char *p, struct buf *out)
{
	size_t n = 0;

	buf_putc(out, '"');
	for (; *p != '\0'; p++) {
		if (n++ == DNS_STRING_MAX) {
			buf_puts(out, "\" \"");
			n = 1;
		}
		if (*p == '"' || *p == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_putc(out, '"');
}

void
dns_record_zone(const struct dns_record *r, struct buf *out)
{
	buf_printf(out, "%s%s. %d IN %s ", r->value == NULL ? "; " : "",
	    r->name, DNS_TTL, r->type);
	if (r->priority >= 0)
		buf_printf(out, "%d ", r->priority);
	if (r->weight >= 0)
		buf_printf(out, "%d %d ", r->weight, r->port);
	if (r->value == NULL)
		buf_puts(out, "...");
	else if (strcmp(r->type, "TXT") == 0)
		put_text(r->value, out);
	else
		buf_printf(out, "%s%s", r->value, r->is_name ? "." : "");
}

const char *
dns_record_host(const struct dns_record *r, const char *domain,
    struct buf *out)
{
	size_t n = strlen(r->name), d = strlen(domain);

	if (str_casecmp(r->name, domain) == 0)
		return "@";
	if (n <= d + 1 || r->name[n - d - 1] != '.' ||
	    str_casecmp(r->name + n - d, domain) != 0)
		return NULL;
	buf_reset(out);
	buf_append(out, r->name, n - d - 1);
	return buf_str(out);
}
