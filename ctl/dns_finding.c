#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_out.h"
#include "ctl/dns_finding.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum { SENTENCE_MAX = 2000 };

/* {1} is the domain, {2} to {4} what finding_add was told. */
static const struct row {
	const char *name, *finding, *consequence, *remedy;
} rows[] = {
	[FINDING_DNS_LATER] = { "dns-later",
	    N_("The name servers do not answer about {2}: {3}."),
	    N_("Whether the record is right cannot be told. Others may not "
	    "see it either."),
	    N_("Try again later. If it stays so, ask the provider of your "
	    "DNS.") },
	[FINDING_ADDRESS_UNKNOWN] = { "address-unknown",
	    N_("The public address of this server is not known: its "
	    "interfaces have private ones only."),
	    N_("Whether DNS leads to this server cannot be told."),
	    N_("Name it by --address, or by public_address in "
	    "rohrpost.conf. A router shows it as its Internet address.") },
	[FINDING_HOST_NOWHERE] = { "host-nowhere",
	    N_("The name of this server, {1}, has no address in DNS."),
	    N_("No mail and no mail program finds this server by its name."),
	    N_("Enter the A record that \"rohrpost dns show\" prints.") },
	[FINDING_HOST_ELSEWHERE] = { "host-elsewhere",
	    N_("The name of this server, {1}, leads to {2}, which is not an "
	    "address of this server."),
	    N_("Mail and mail programs end at another machine."),
	    N_("Enter {3} in its place. If {2} is the address by which others "
	    "reach this server, name it as public_address in "
	    "rohrpost.conf.") },
	[FINDING_PTR_MISSING] = { "ptr-missing",
	    N_("The address {2} of this server has no name (no PTR record)."),
	    N_("Many servers refuse mail that comes from it."),
	    N_("Have whoever gave you the address set its reverse DNS to {1}. "
	    "Where that cannot be, send through a provider "
	    "(relay_host).") },
	[FINDING_PTR_OTHER] = { "ptr-other",
	    N_("The address {2} of this server has the name {3}, but the "
	    "server calls itself {1}."),
	    N_("Some servers refuse mail, or take it for spam, where the two "
	    "are not the same."),
	    N_("Have whoever gave you the address set its reverse DNS to {1}. "
	    "Where that cannot be, send through a provider "
	    "(relay_host).") },
	[FINDING_PTR_UNCONFIRMED] = { "ptr-unconfirmed",
	    N_("The name {3} of the address {2} does not lead back to that "
	    "address."),
	    N_("A name that is not confirmed counts as none: many servers "
	    "refuse mail that comes from there."),
	    N_("Enter {2} as an A or AAAA record of {3}.") },
	[FINDING_NO_DELEGATION] = { "no-delegation",
	    N_("The domain {1} does not exist in DNS."),
	    N_("Nobody can send mail to it, and mail from it is refused."),
	    N_("Register it, or have its provider name servers for it. What "
	    "is new may take a day to be seen.") },
	[FINDING_NO_MX] = { "no-mx",
	    N_("{1} has no MX record."),
	    N_("Other servers are not told where mail to it goes, and most "
	    "of it comes back to its senders."),
	    N_("Enter the MX record that \"rohrpost dns show {1}\" "
	    "prints.") },
	[FINDING_MX_NULL] = { "mx-null",
	    N_("The MX record of {1} says that the domain takes no mail "
	    "(\"0 .\")."),
	    N_("All mail to it comes back to its senders at once."),
	    N_("Replace it by the MX record that \"rohrpost dns show {1}\" "
	    "prints.") },
	[FINDING_MX_LITERAL] = { "mx-literal",
	    N_("The MX record of {1} has the address {2} where the name of a "
	    "host must stand."),
	    N_("Other servers cannot send mail there."),
	    N_("Enter the name of the host in its place, and the address as "
	    "an A record of that name.") },
	[FINDING_MX_CNAME] = { "mx-cname",
	    N_("The MX {2} of {1} is only another name (CNAME) of a host."),
	    N_("That is not allowed, and some servers do not send mail "
	    "there."),
	    N_("Enter the name of the host itself, or give {2} A and AAAA "
	    "records in place of the CNAME.") },
	[FINDING_MX_NOWHERE] = { "mx-nowhere",
	    N_("The MX {2} of {1} has no address."),
	    N_("Mail that is to go there is late, or comes back."),
	    N_("Give {2} an A record, or take that MX record out.") },
	[FINDING_MX_PRIVATE] = { "mx-private",
	    N_("The MX {2} of {1} has the address {3}, which cannot be "
	    "reached from the Internet."),
	    N_("Mail that is to go there is late, or comes back."),
	    N_("Enter the public address in its place.") },
	[FINDING_MX_DEAD] = { "mx-dead",
	    N_("The MX {2} of {1} does not take mail: {3}."),
	    N_("Whoever sends to it waits. Where there is no other MX, mail "
	    "is late, or comes back."),
	    N_("Look whether that server runs and whether its port 25 can be "
	    "reached; else take that MX record out. If no MX at all answers, "
	    "port 25 may be blocked for this machine.") },
	[FINDING_MX_ELSEWHERE] = { "mx-elsewhere",
	    N_("Mail to {1} goes to {2}, not to this server."),
	    N_("The mailboxes here get no mail from outside."),
	    N_("Enter the MX record that \"rohrpost dns show {1}\" prints in "
	    "the place of the others.") },
	[FINDING_MX_HERE] = { "mx-here",
	    N_("The MX {2} of {1} leads to this server, which takes no mail "
	    "from other servers (listen_smtp is empty)."),
	    N_("Mail to it is late, or comes back."),
	    N_("Enter the MX records of your provider.") },
	[FINDING_ALIAS_LEFT_OUT] = { "alias-left-out",
	    N_("{1} stands for {2} here, but in DNS it was left out."),
	    N_("Mail to addresses at {1} does not arrive."),
	    N_("Enter the records that \"rohrpost dns show {1}\" prints, or "
	    "give the domain up: rohrpost domain del {1}.") },
	[FINDING_SPF_MISSING] = { "spf-missing",
	    N_("{1} has no SPF record."),
	    N_("Others cannot tell your mail from forged mail: large "
	    "providers refuse it or take it for spam."),
	    N_("Enter the SPF record that \"rohrpost dns show {1}\" "
	    "prints.") },
	[FINDING_SPF_DOUBLE] = { "spf-double",
	    N_("{2} has more than one SPF record."),
	    N_("Then none of them counts, and mail from {1} may be refused."),
	    N_("Make one record of them: all that the others have between "
	    "\"v=spf1\" and \"all\" goes into the first.") },
	[FINDING_SPF_WRONG] = { "spf-wrong",
	    N_("The SPF record of {2} is wrong at {3}."),
	    N_("Then all of it does not count, and mail from {1} may be "
	    "refused."),
	    N_("Correct it there; \"rohrpost dns show {1}\" prints one that "
	    "is right.") },
	[FINDING_SPF_LOOKUPS] = { "spf-lookups",
	    N_("The SPF record of {1} needs {2} look-ups in DNS, with all "
	    "that it includes; 10 are allowed."),
	    N_("Others stop there, and mail from {1} may be refused."),
	    N_("Take out what you do not send through, and name addresses "
	    "(ip4:, ip6:) in place of a, mx and ptr.") },
	[FINDING_SPF_VOIDS] = { "spf-voids",
	    N_("The SPF record of {1} asks for {2} names that have no "
	    "records; 2 are allowed."),
	    N_("Others stop there, and mail from {1} may be refused."),
	    N_("Take out what does not exist any more, as {3}.") },
	[FINDING_SPF_INCLUDE] = { "spf-include",
	    N_("The SPF record of {2} includes that of {3}, which has "
	    "none."),
	    N_("Then all of it does not count, and mail from {1} may be "
	    "refused."),
	    N_("Take \"{3}\" out, or correct the name.") },
	[FINDING_SPF_NOT_OURS] = { "spf-not-ours",
	    N_("The SPF record of {1} does not name the address {2} of this "
	    "server: its answer is \"{3}\"."),
	    N_("Mail that this server sends looks forged, and is refused or "
	    "taken for spam."),
	    N_("Enter the SPF record that \"rohrpost dns show {1}\" prints, "
	    "or add {2} to yours.") },
	[FINDING_DKIM_MISSING] = { "dkim-missing",
	    N_("The DKIM key {2} is not in DNS."),
	    N_("Nobody can check the signature of your mail, so it counts "
	    "as not signed."),
	    N_("Enter the record that \"rohrpost dns show {1}\" "
	    "prints.") },
	[FINDING_DKIM_OTHER] = { "dkim-other",
	    N_("In DNS the DKIM key {2} is another than the one that this "
	    "server signs with."),
	    N_("The signature of your mail counts as wrong, which is worse "
	    "than none."),
	    N_("Replace it by the record that \"rohrpost dns show {1}\" "
	    "prints, whole and in one text.") },
	[FINDING_DMARC_MISSING] = { "dmarc-missing",
	    N_("{1} has no DMARC record."),
	    N_("Large providers want one, and refuse mail or take it for "
	    "spam without it."),
	    N_("Enter the record of _dmarc.{1} that \"rohrpost dns show "
	    "{1}\" prints.") },
	[FINDING_DMARC_DOUBLE] = { "dmarc-double",
	    N_("{1} has more than one DMARC record."),
	    N_("Then none of them counts."),
	    N_("Take all but one of the records of _dmarc.{1} out.") },
	[FINDING_DMARC_WRONG] = { "dmarc-wrong",
	    N_("The DMARC record of {1} is wrong at \"{2}\"."),
	    N_("It does not count, or not as it was meant."),
	    N_("Correct the record of _dmarc.{1}; \"rohrpost dns show {1}\" "
	    "prints one that is right.") },
	[FINDING_SRV_WRONG] = { "srv-wrong",
	    N_("The SRV record {2} leads to {3}, not to {4}."),
	    N_("Mail programs that set themselves up get wrong settings."),
	    N_("Replace it by the record that \"rohrpost dns show {1}\" "
	    "prints, or take it out.") },
	[FINDING_STOPPED] = { "stopped",
	    N_("The server does not run."),
	    N_("No mail is taken or served. Its ports and its queue could not "
	    "be looked at."),
	    N_("Start it: rohrpost start.") },
	[FINDING_PORT_GOOD] = { "port-good",
	    N_("Port {2} ({3}) answers on this machine."), NULL, NULL },
	[FINDING_PORT_DEAD] = { "port-dead",
	    N_("Port {2} ({3}) does not answer on this machine: {4}."),
	    N_("Who needs it gets no connection."),
	    N_("\"rohrpost status\" and the log tell which program does not "
	    "run.") },
	[FINDING_CERTIFICATE] = { "certificate",
	    N_("The certificate is not good: {2}."),
	    N_("Mail programs warn of it, or do not connect."),
	    N_("Name one for {1} as tls_certificate, its key as tls_key, then: "
	    "rohrpost reload.") },
	[FINDING_CERTIFICATE_OWN] = { "certificate-own",
	    N_("The certificate is signed by this server itself."),
	    N_("Mail programs ask each user whether to trust it, and some do "
	    "not connect."),
	    N_("Have an authority make one for {1}; name it as "
	    "tls_certificate, its key as tls_key, then: rohrpost reload.") },
	[FINDING_CERTIFICATE_GOOD] = { "certificate-good",
	    N_("The certificate is good for {1}."), NULL, NULL },
	[FINDING_CLOCK] = { "clock",
	    N_("Nothing keeps the clock of this machine right."),
	    N_("A clock that goes wrong makes certificates, signatures and "
	    "the dates of mail wrong."),
	    N_("Install a time service, as systemd-timesyncd or chrony.") },
	[FINDING_DISK] = { "disk",
	    N_("The disk of {2} has {3} MiB left."),
	    N_("When it is full no mail is taken."),
	    N_("Make room there.") },
	[FINDING_DISK_GOOD] = { "disk-good",
	    N_("The disk of {2} has {3} MiB left."), NULL, NULL },
	[FINDING_INODES] = { "inodes",
	    N_("The disk of {2} has room for {3} more files."),
	    N_("When there is none left no mail is taken."),
	    N_("Remove files there that nobody needs.") },
	[FINDING_QUEUE_OLD] = { "queue-old",
	    N_("The message {2} waits in the queue for {3} hours."),
	    N_("It has not reached its recipient, and others for the same "
	    "place may wait too."),
	    N_("\"rohrpost queue list\" tells why.") },
	[FINDING_QUEUE_GOOD] = { "queue-good",
	    N_("Messages in the queue: {3}. None of them is old."),
	    NULL, NULL },
	[FINDING_ROUTER] = { "router",
	    N_("The default router is {2}."), NULL, NULL },
	[FINDING_NO_ROUTER] = { "no-router",
	    N_("This machine has no default router of IPv4."),
	    N_("It reaches nothing outside its own network."),
	    N_("Look at the network settings of the machine.") },
	[FINDING_PUBLIC] = { "address-public",
	    N_("{2} is a public address of this machine."), NULL, NULL },
	[FINDING_NAT] = { "nat",
	    N_("This machine has the private address {2}: a router must "
	    "forward these ports to it: {3}."), NULL, NULL },
	[FINDING_PROVIDER_NAT] = { "provider-nat",
	    N_("{2} is an address of the provider's own network "
	    "(100.64.0.0/10)."),
	    N_("Nobody on the Internet reaches this server by IPv4; no router "
	    "of yours can forward a port to it."),
	    N_("Ask your provider for a public IPv4 address, or let mail come "
	    "by way of a provider (profile collector).") },
	[FINDING_DS_LITE] = { "ds-lite",
	    N_("{2} is an address of DS-Lite: the provider gives IPv4 only by "
	    "way of its own network."),
	    N_("Nobody on the Internet reaches this server by IPv4; no router "
	    "of yours can forward a port to it."),
	    N_("Ask your provider for a public IPv4 address, or let mail come "
	    "by way of a provider (profile collector).") },
	[FINDING_IPV6] = { "ipv6",
	    N_("{2} is a public IPv6 address of this machine."), NULL, NULL },
	[FINDING_IPV6_LEASED] = { "ipv6-leased",
	    N_("{2} is a public IPv6 address that the router gave for a time: "
	    "it may change."), NULL, NULL },
	[FINDING_IPV6_CHANGES] = { "ipv6-changes",
	    N_("{2} is a public IPv6 address whose prefix is new: an address "
	    "of an older prefix is there still."),
	    N_("A record in DNS with this address is wrong as soon as the "
	    "prefix changes again."),
	    N_("Leave AAAA records out of DNS, or ask your provider for a "
	    "prefix that stays.") },
	[FINDING_IPV6_TEMPORARY] = { "ipv6-temporary",
	    N_("All public IPv6 addresses of this machine are temporary: DNS "
	    "cannot name them."), NULL, NULL },
	[FINDING_NO_IPV6] = { "no-ipv6",
	    N_("This machine has no public IPv6 address."), NULL, NULL },
	[FINDING_NAME_INSIDE] = { "name-inside",
	    N_("In this network {1} leads to {2}, an address of this machine: "
	    "mail programs here reach it without a way outside."), NULL,
	    NULL },
	[FINDING_NAME_OTHER_INSIDE] = { "name-other-inside",
	    N_("In this network {1} leads to {2}, a private address that this "
	    "machine does not have."),
	    N_("Mail programs here do not reach this server by its name."),
	    N_("Correct the address of {1} in the router, or in the name "
	    "server of this network.") },
	[FINDING_HAIRPIN_GOOD] = { "hairpin-good",
	    N_("The public address {2} leads back in from here (port {3})."),
	    NULL, NULL },
	[FINDING_HAIRPIN] = { "hairpin-missing",
	    N_("From here the public address {2} does not lead to this server "
	    "(port {3}: {4})."),
	    N_("Mail programs in this network do not reach it by its name, "
	    "though those outside may."),
	    N_("Forward the port in the router, and turn NAT loopback on "
	    "there (\"hairpin NAT\"); or have the router answer the name with "
	    "the address of this machine.") },
	[FINDING_OUTSIDE_GOOD] = { "outside-good",
	    N_("Port {2} answers from outside ({3})."), NULL, NULL },
	[FINDING_OUTSIDE_REFUSED] = { "outside-refused",
	    N_("Port {2} is refused from outside ({3})."),
	    N_("What comes from the Internet to this port does not arrive."),
	    N_("Something on the way refuses it: forward the port in the "
	    "router to this machine.") },
	[FINDING_OUTSIDE_SILENT] = { "outside-silent",
	    N_("Port {2} does not answer from outside ({3})."),
	    N_("What comes from the Internet to this port does not arrive."),
	    N_("A firewall, the router or the provider drops it: forward the "
	    "port, and ask your provider whether he blocks it.") },
	[FINDING_PROBE_FAILED] = { "probe-failed",
	    N_("{2} could not be asked for the ports from outside: {3}."),
	    N_("Whether the ports answer from outside is not known."),
	    N_("Name another Rohrpost whose listen_probe is set, by probe or "
	    "--probe.") },
	[FINDING_PORT25_GOOD] = { "port25-good",
	    N_("Port 25 goes out: {2} answers."), NULL, NULL },
	[FINDING_PORT25_BLOCKED] = { "port25-blocked",
	    N_("Port 25 does not go out: {2} does not answer ({3})."),
	    N_("This server cannot send mail directly."),
	    N_("Send through a provider (relay_host), or have your provider "
	    "open port 25.") },
	[FINDING_PORT25_REFUSED] = { "port25-refused",
	    N_("Port 25 goes out, but {2} refuses this machine ({3})."),
	    N_("Other servers may refuse its mail, too."),
	    N_("Send through a provider (relay_host); or, if the reply names "
	    "a list that your address is on, have it taken off there.") },
	[FINDING_PORT25_UNKNOWN] = { "port25-unknown",
	    N_("Whether port 25 goes out was not tried: name a mail server by "
	    "--reach."), NULL, NULL },
	[FINDING_LISTED] = { "listed",
	    N_("The address {2} is on the list {3} ({4})."),
	    N_("Servers that ask that list refuse mail from it."),
	    N_("The web page of the list tells why, and how it comes off.") },
	[FINDING_NOT_LISTED] = { "not-listed",
	    N_("The address {2} is not on the list {3}."), NULL, NULL },
	[FINDING_LIST_ERROR] = { "list-error",
	    N_("The list {3} does not answer questions of this machine "
	    "({4})."),
	    N_("Whether {2} is on it cannot be told."),
	    N_("Many lists answer none that come by a large public resolver: "
	    "ask by one of your own, or take it out of doctor_dnsbl.") },
	[FINDING_VERDICT_DIRECT] = { "verdict-direct",
	    N_("Verdict: mail can come in and go out directly (profile "
	    "direct)."), NULL, NULL },
	[FINDING_VERDICT_RELAY] = { "verdict-relay",
	    N_("Verdict: mail can come in directly, and has to go out through "
	    "a provider (profile relay)."), NULL, NULL },
	[FINDING_VERDICT_COLLECTOR] = { "verdict-collector",
	    N_("Verdict: mail has to come in and go out by way of a provider "
	    "(profile collector)."), NULL, NULL },
	[FINDING_VERDICT_UNKNOWN] = { "verdict-unknown",
	    N_("Verdict: which profile works here cannot be told before the "
	    "public address is known."), NULL, NULL },
	[FINDING_PROFILE_UNFIT] = { "profile-unfit",
	    N_("This server is set up for the profile {2}, but {3} is what "
	    "works here."),
	    N_("Mail does not arrive, or others refuse it."),
	    N_("Mend what stands below, or set it up for {3} (rohrpost "
	    "setup).") },
};

const char *
finding_name(enum finding_code code)
{
	return rows[code].name;
}

/* A name, of whomever: what a terminal could obey becomes "?". */
static void
put_name(struct buf *b, const char *p)
{
	size_t n;

	for (; *p != '\0'; p += n) {
		n = str_utf8(p, strlen(p));
		if (n == 0 || (unsigned char)*p < 0x20 || *p == 0x7f ||
		    (n == 2 && (unsigned char)p[0] == 0xc2 &&
		    (unsigned char)p[1] < 0xa0)) {
			buf_putc(b, '?');
			n = n == 0 ? 1 : n;
		} else
			buf_append(b, p, n);
	}
}

/* The sentence with its names. */
static char *
fill(const char *text, const char *const names[4])
{
	struct buf b = BUF_INIT(SENTENCE_MAX);
	char *r;

	for (; *text != '\0'; text++) {
		if (text[0] == '{' && text[1] >= '1' && text[1] <= '4' &&
		    text[2] == '}') {
			put_name(&b, names[text[1] - '1']);
			text += 2;
		} else
			buf_putc(&b, *text);
	}
	r = mem_strdup(buf_str(&b));
	buf_clear(&b);
	return r;
}

void
finding_add(struct findings *l, enum finding_code code, const char *domain,
    const char *a, const char *b, const char *c)
{
	const char *const names[4] = { domain, a != NULL ? a : "",
		b != NULL ? b : "", c != NULL ? c : "" };
	struct finding *f;

	if (l->n == FINDINGS_MAX)
		return;
	l->f = mem_realloc(l->f, l->n + 1, sizeof(*l->f));
	f = &l->f[l->n++];
	f->code = code;
	f->domain = mem_strdup(domain);
	f->finding = fill(_(rows[code].finding), names);
	f->consequence = f->remedy = NULL;
	f->mx_ttl = -1;
	if (rows[code].consequence == NULL)
		return;
	f->consequence = fill(_(rows[code].consequence), names);
	f->remedy = fill(_(rows[code].remedy), names);
}

void
finding_add_number(struct findings *l, enum finding_code code,
    const char *domain, const char *a, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	finding_add(l, code, domain, a, text, NULL);
}

void
findings_clear(struct findings *l)
{
	struct finding *f;

	while (l->n > 0) {
		f = &l->f[--l->n];
		free(f->domain);
		free(f->finding);
		free(f->consequence);
		free(f->remedy);
	}
	free(l->f);
	l->f = NULL;
}

size_t
findings_count(const struct findings *l, size_t from, const char *domain,
    enum finding_code code)
{
	size_t i, n = 0;

	for (i = from; i < l->n; i++)
		n += l->f[i].code == code &&
		    strcmp(l->f[i].domain, domain) == 0;
	return n;
}

enum ctl_exit
findings_exit(const struct findings *l)
{
	enum ctl_exit r = CTL_DONE;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->f[i].consequence == NULL)
			continue;
		if (l->f[i].code != FINDING_DNS_LATER)
			return CTL_REFUSED;
		r = CTL_LATER;
	}
	return r;
}

void
finding_print(const struct finding *f, FILE *out)
{
	fprintf(out, "%s: %s\n", f->domain, f->finding);
	if (f->consequence != NULL)
		fprintf(out, "    %s\n    %s\n", f->consequence, f->remedy);
}

void
findings_mx_ttl(struct findings *l, const char *domain, uint32_t ttl)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->f[i].domain, domain) == 0)
			l->f[i].mx_ttl = ttl;
}

int
findings_json(const struct findings *l, FILE *f)
{
	static const char *const names[] = { "domain", "code", "finding",
		"consequence", "remedy", "mx_ttl" };
	struct out o;
	size_t i;

	out_init(&o, f, 1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	for (i = 0; i < l->n; i++) {
		out_text(&o, l->f[i].domain);
		out_text(&o, finding_name(l->f[i].code));
		out_text(&o, l->f[i].finding);
		out_text(&o, l->f[i].consequence);
		out_text(&o, l->f[i].remedy);
		if (l->f[i].mx_ttl != -1)
			out_number(&o, (uint64_t)l->f[i].mx_ttl);
		else
			out_null(&o);
	}
	return out_end(&o);
}
