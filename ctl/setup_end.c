#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_dns.h"
#include "ctl/cmd_profile.h"
#include "ctl/commands.h"
#include "ctl/ctl_cert.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_host.h"
#include "ctl/setup_end.h"
#include "ctl/setup_mail.h"
#include "ctl/setup_run.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

enum { ACCOUNTS_TOLD = 20 };

/* What a router is to forward, and what a mail program may use. */
static const struct {
	enum service service;
	unsigned port;		/* as others know it */
	int	 road;		/* for phones on the road */
	const char *use;
} ports[] = {
	{ SERVICE_SMTP, 25, 0, N_("mail from other servers") },
	{ SERVICE_SUBMISSIONS, 465, 1, N_("phones send mail") },
	{ SERVICE_IMAPS, 993, 1, N_("phones read mail") },
};

static const struct {
	enum service service;
	const char *name, *tls;
} programs[] = {
	{ SERVICE_IMAPS, "IMAP", "SSL/TLS" },
	{ SERVICE_POP3S, "POP3", "SSL/TLS" },
	{ SERVICE_SUBMISSIONS, "SMTP", "SSL/TLS" },
	{ SERVICE_SUBMISSION, "SMTP", "STARTTLS" },
};

static const struct host_address *
inner(const struct dns_host *h)
{
	size_t i;

	for (i = 0; i < h->local.n; i++)
		if (h->local.a[i].family == AF_INET &&
		    h->local.a[i].kind == ADDRESS_PRIVATE)
			return &h->local.a[i];
	return NULL;
}

/* Without a private address nothing is forwarded, but a firewall may stand. */
static void
tell_ports(const struct dns_host *h, int phones)
{
	const struct host_address *a = inner(h);
	size_t i, n = 0;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (h->port[ports[i].service] == 0 ||
		    (ports[i].road && !phones))
			continue;
		if (n++ == 0)
			puts(a != NULL ? _("\nPorts that your router forwards "
			    "(outside -> inside):") : _("\nPorts that a "
			    "firewall lets through (outside -> inside):"));
		printf("  %-4u -> %s:%-5u %s\n", ports[i].port, a != NULL ?
		    a->text : h->name, h->port[ports[i].service],
		    _(ports[i].use));
	}
	if (n == 0)
		puts(_("\nNo port has to be reachable from the Internet."));
}

static void
tell_programs(const struct dns_host *h, int phones)
{
	const struct host_address *a = inner(h);
	size_t i;

	puts(_("\nWhat each mail program is told (the login is the whole "
	    "address):"));
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (h->port[programs[i].service] != 0)
			printf(_("  %s: server %s, port %u, %s\n"),
			    programs[i].name, h->name,
			    h->port[programs[i].service],
			    programs[i].tls);
	if (!phones && a != NULL)
		printf(_("  Inside your network the server is %s where the "
		    "name does not lead there.\n"), a->text);
}

static void
tell_accounts(struct setup *s)
{
	const struct row *r;
	size_t i = 0, n = 0;

	puts(_("\nAccounts:"));
	while ((r = text_next(&s->set.t[TEXT_USERS], &i)) != NULL &&
	    n++ < ACCOUNTS_TOLD)
		printf("  %s\n", r->key);
	if (r != NULL)
		puts(_("  ... (rohrpost user list)"));
}

static void
tell_certificate(const struct dns_host *h)
{
	const char *path = dns_host_value(h, "tls_certificate");

	printf(_("\nCertificate: %s\n"), path);
	if (cert_is_ours(path))
		puts(_("  It is signed by itself: each mail program asks once "
		    "whether to trust it."));
}

static int
tell_dns(struct setup *s)
{
	const struct row *r;
	size_t i = 0;
	int ok = 0;

	puts(_("\nWhat the DNS of each domain is to say (rohrpost dns show "
	    "DOMAIN has it as the fields of a form, too):"));
	while (ok == 0 && (r = text_next(&s->set.t[TEXT_DOMAINS], &i)) != NULL)
		ok = dns_show_zone(s->ctl, r->key);
	return ok;
}

void
setup_tell_dkim(const struct setup *s)
{
	if (s->set.t[TEXT_DKIM].dirty)
		printf(_("mail is signed once you have published what "
		    "\"rohrpost dkim show\" says, and said \"rohrpost dkim "
		    "activate DOMAIN\"\n"));
}

int
setup_tell(struct setup *s)
{
	const char *phones = answers_get(&s->answers, "phones");
	struct dns_host h = { .keys = { .k = NULL } };
	int r = dns_host_load(&h, s->ctl, NULL), road;

	if (r == 0) {
		road = phones == NULL || strcmp(phones, "no") != 0;
		tell_accounts(s);
		tell_certificate(&h);
		tell_ports(&h, road);
		tell_programs(&h, road);
		r = tell_dns(s);
		setup_tell_dkim(s);
		profile_warn(s->ctl);
	}
	dns_host_clear(&h);
	return r;
}

/* Where a mail to elsewhere goes: NULL: there is no such address. */
static const char *
elsewhere(struct setup *s)
{
	const char *to = answers_get(&s->answers, "test_address"),
	    *user = answers_get(&s->answers, "relay_user");
	const char *at = user == NULL ? NULL : strchr(user, '@');

	if (to != NULL)
		return to;
	return at != NULL && text_find(&s->set.t[TEXT_DOMAINS], at + 1) ==
	    NULL ? user : NULL;
}

static int
try_mails(struct setup *s, struct mail_trial *m)
{
	struct buf words = BUF_INIT(1000);
	const char *to = elsewhere(s);
	int r;

	printf(_("\nA test mail from %s to itself ...\n"), m->user);
	fflush(stdout);
	r = mail_back(m, &words);
	if (r == 0)
		printf(_("  it was sent by submission and arrived in INBOX: "
		    "mail works here.\n"));
	else
		printf(_("  it did not arrive: %s\n"), buf_str(&words));
	if (r == 0 && to != NULL) {
		printf(_("A test mail to %s ...\n"), to);
		fflush(stdout);
		buf_reset(&words);
		r = mail_out(m, to, &words);
		printf(r == 0 ? _("  the next server has taken it: %s\n") :
		    strncmp(buf_str(&words), "refused ", 8) == 0 ?
		    _("  it was refused: %s\n") :
		    _("  it has not left yet: %s\n"), buf_str(&words));
	}
	buf_clear(&words);
	return r == 0 ? CTL_DONE : CTL_REFUSED;
}

int
setup_try(struct setup *s)
{
	struct dns_host h = { .keys = { .k = NULL } };
	struct mail_trial m = { .host = &h };
	const struct setup_answer *a;
	size_t i = 0, n = 0;
	char *user = NULL;
	int r = CTL_REFUSED;

	/* They are setup's, not those of start. */
	memset(s->ctl->opt, 0, sizeof(s->ctl->opt));
	if (dns_host_load(&h, s->ctl, NULL) == 0)
		r = setup_runs(s->ctl) ? CTL_DONE : cmd_start(s->ctl);
	a = answers_next(&s->answers, "user", &i);
	if (a != NULL)
		n = strcspn(a->value, " \t");
	if (r == CTL_DONE && a != NULL && a->value[n] != '\0') {
		user = mem_strndup(a->value, n);
		m.user = user;
		m.password = a->value + n + strspn(a->value + n, " \t");
		m.state_dir = s->ctl->state_dir;
		r = try_mails(s, &m);
	} else if (r == CTL_DONE)
		puts(_("\nNo test mail: no user was answered with a "
		    "password."));
	free(user);
	dns_host_clear(&h);
	return r;
}
