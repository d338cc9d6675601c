#include "config.h"

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
	f->consequence = fill(_(rows[code].consequence), names);
	f->remedy = fill(_(rows[code].remedy), names);
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
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->f[i].code != FINDING_DNS_LATER)
			return CTL_REFUSED;
	return l->n > 0 ? CTL_LATER : CTL_DONE;
}

void
findings_print(const struct findings *l, FILE *f)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		fprintf(f, "%s%s: %s\n    %s\n    %s\n", i > 0 ? "\n" : "",
		    l->f[i].domain, l->f[i].finding, l->f[i].consequence,
		    l->f[i].remedy);
}

int
findings_json(const struct findings *l, FILE *f)
{
	static const char *const names[] = { "domain", "code", "finding",
		"consequence", "remedy" };
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
	}
	return out_end(&o);
}
