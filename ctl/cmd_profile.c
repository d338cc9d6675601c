/*
 * profile show, profile set. A profile is a set of defaults, and the settings
 * alone tell which it is (dns_host.h): show says what follows from them, set
 * changes them by the way of setup.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_profile.h"
#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_conf.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_host.h"
#include "ctl/setup_run.h"
#include "ctl/table_dkim.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

static const char *const names[] = { "direct", "relay", "collector" };

/* A row: what it is, on or off, with which value, why. */
static void
put(struct out *o, const char *name, int on, const char *value,
    const char *reason)
{
	out_text(o, name);
	out_text(o, on ? "on" : "off");
	if (*value != '\0')
		out_text(o, value);
	else
		out_null(o);
	out_text(o, reason);
}

static void
put_profile(struct out *o, const struct dns_host *h)
{
	static const char *const reasons[] = {
		N_("mail comes by port 25 and goes to the servers of its "
		    "recipients: relay_host is empty"),
		N_("mail comes by port 25 and leaves through a provider: "
		    "relay_host is set"),
		N_("mail leaves through a provider, and nobody connects to "
		    "port 25: relay_host is set, listen_smtp is empty"),
	};

	put(o, "profile", 1, names[h->profile], _(reasons[h->profile]));
}

/* Why nobody reaches it; h->port is 0. */
static const char *
why_closed(const struct dns_host *h, enum service s, const char *listen)
{
	if (s == SERVICE_SMTP && h->profile == DNS_COLLECTOR)
		return _("profile collector: mail is fetched from a provider");
	if (*listen == '\0')
		return _("its listen_* in rohrpost.conf is empty");
	return _("its listen_* in rohrpost.conf has loopback addresses "
	    "alone");
}

static void
put_services(struct out *o, const struct dns_host *h)
{
	char key[40], port[12];
	unsigned s;

	for (s = SERVICE_NONE + 1; s < SERVICE_COUNT; s++) {
		if (s == SERVICE_LOCAL || s == SERVICE_CONTROL ||
		    s == SERVICE_PROBE)
			continue;
		snprintf(key, sizeof(key), "listen_%s",
		    service_name((enum service)s));
		snprintf(port, sizeof(port), "%u", h->port[s]);
		if (h->port[s] != 0)
			put(o, service_name((enum service)s), 1, port,
			    s == SERVICE_SMTP ?
			    _("other servers bring mail here") :
			    _("mail programs connect here"));
		else
			put(o, service_name((enum service)s), 0, "",
			    why_closed(h, (enum service)s,
			    dns_host_value(h, key)));
	}
}

static void
put_ways_out(struct out *o, const struct dns_host *h)
{
	const char *host = dns_host_value(h, "relay_host");
	const char *user = dns_host_value(h, "relay_user");
	int relay = h->profile != DNS_DIRECT;

	put(o, "mx", !relay, "", relay ?
	    _("all mail to elsewhere goes through relay_host") :
	    _("mail to elsewhere goes to the servers that DNS names"));
	put(o, "relay", relay, host, relay ?
	    _("your provider takes all mail to elsewhere") :
	    _("relay_host is empty"));
	if (relay)
		put(o, "relay-login", *user != '\0', user, *user != '\0' ?
		    _("the login at the provider") :
		    _("relay_user is empty: the provider must know this "
		    "server by its address"));
}

static size_t
count_accounts(const struct set *s)
{
	size_t i = 0, n = 0;

	while (text_next(&s->t[TEXT_COLLECT], &i) != NULL)
		n++;
	return n;
}

/* Are there accounts at providers? */
static void
put_collect(struct out *o, const struct dns_host *h, const struct set *s)
{
	int on = count_accounts(s) > 0;

	put(o, "collect", on, "", on ?
	    _("mail of accounts at providers is fetched: rohrpost collect "
	    "list") : h->profile == DNS_COLLECTOR ?
	    _("there is no account to collect from") :
	    _("mail comes by port 25, nothing has to be fetched"));
}

/* Does a key sign? */
static void
put_dkim(struct out *o, const struct set *s)
{
	const struct row *r;
	size_t i = 0, keys = 0, active = 0;

	while ((r = text_next(&s->t[TEXT_DKIM], &i)) != NULL) {
		keys++;
		active += r->flags == DKIM_ACTIVE;
	}
	put(o, "dkim", active > 0, "", active > 0 ?
	    _("keys sign the mail of domains: rohrpost dkim show") :
	    keys > 0 ? _("no key is active: publish what \"rohrpost dkim "
	    "show\" says, then \"rohrpost dkim activate DOMAIN\"") :
	    _("there is no key: rohrpost dkim new DOMAIN"));
}

int
cmd_profile_show(struct ctl *c)
{
	static const char *const columns[] = { "name", "state", "value",
		"reason" };
	struct dns_host h = { .keys = { .k = NULL } };
	struct out o;
	struct set s;
	size_t i;
	int r = CTL_REFUSED;

	if (dns_host_load(&h, c, NULL) == 0 && table_open(c, &s, 0) == 0) {
		out_init(&o, stdout, c->json);
		for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			out_name(&o, columns[i], strlen(columns[i]));
		put_profile(&o, &h);
		put_services(&o, &h);
		put_ways_out(&o, &h);
		put_collect(&o, &h, &s);
		put_dkim(&o, &s);
		r = table_listed(&s, &o);
	}
	dns_host_clear(&h);
	if (r == CTL_DONE && !c->json)
		profile_warn(c);
	return r;
}

/* rohrpost.conf alone, without its defaults: no program has to be asked. */
static void
read_conf(const struct ctl *c, struct conf_file *f)
{
	struct buf path = BUF_INIT(0), text = BUF_INIT(1 << 20);
	int fd;

	memset(f, 0, sizeof(*f));
	buf_printf(&path, "%s/rohrpost.conf", c->dir);
	fd = fd_open_file(AT_FDCWD, buf_str(&path), 0);
	if (fd != -1 && fd_slurp(fd, &text) == 0)
		conf_read(f, buf_str(&text), text.len);
	fd_close(&fd);
	buf_clear(&text);
	buf_clear(&path);
}

/* A login is one provider's: another one is not to get it unnoticed. */
static void
warn_login(const struct ctl *c, const char *host)
{
	struct buf words = BUF_INIT(0);
	struct conf_file f;
	const char *old, *user;

	read_conf(c, &f);
	old = conf_get(&f, "relay_host");
	user = conf_get(&f, "relay_user");
	if (user != NULL && *user != '\0' && (old == NULL ||
	    strcmp(old, host) != 0)) {
		buf_set(&words, _("the login %s and its password stay, and go "
		    "to %s: \"rohrpost setup\" asks for others"), user, host);
		ctl_warn(&words);
	}
	conf_clear(&f);
	buf_clear(&words);
}

int
cmd_profile_set(struct ctl *c)
{
	struct setup s = { .ctl = c };
	struct buf why = BUF_INIT(0);
	const struct setup_way way = { .yes = c->opt[OPT_PROFILE_YES] != NULL };
	const char *host = c->opt[OPT_PROFILE_HOST];
	enum setup_end r = SETUP_REFUSED;
	int status = CTL_DONE;

	if (host != NULL && strcmp(c->args[0], "direct") == 0)
		return ctl_fail(CTL_USAGE, _("profile direct has no "
		    "--relay-host: mail goes to the servers of its recipients; "
		    "relay and collector send it through a provider"));
	answers_init(&s.answers, "");
	if (host != NULL)
		warn_login(c, host);
	if (ctl_load(c) == -1)
		status = CTL_REFUSED;
	else if (answers_add(&s.answers, "profile", c->args[0], 0, &why) == 0 &&
	    (host == NULL ||
	    answers_add(&s.answers, "relay_host", host, 0, &why) == 0))
		r = setup_run(&s, &way, &why);
	c->unchanged = r == SETUP_SAME;
	if (r == SETUP_SAME)
		printf(_("%s: nothing to change\n"), s.dir);
	else if (r == SETUP_WRITTEN)
		status = setup_reload(c);
	else
		status = ctl_say(CTL_REFUSED, &why);
	setup_finish(&s);
	buf_clear(&why);
	/* None of it runs: it comes with the next start. */
	return status == -1 ? CTL_DONE : status;
}

static int
is_collector(const struct ctl *c)
{
	struct conf_file f;
	const char *host, *listen;
	int r;

	read_conf(c, &f);
	host = conf_get(&f, "relay_host");
	listen = conf_get(&f, "listen_smtp");
	r = host != NULL && *host != '\0' && listen != NULL &&
	    *listen == '\0';
	conf_clear(&f);
	return r;
}

void
profile_warn(struct ctl *c)
{
	struct buf words = BUF_INIT(0);
	struct set s;
	size_t n = 0;

	if (!is_collector(c))
		return;
	if (table_open(c, &s, 0) == 0) {
		n = count_accounts(&s);
		set_close(&s);
	}
	if (n > 0)
		return;
	buf_set(&words, _("profile collector: no account to collect from, so "
	    "no mail comes in from elsewhere; \"rohrpost collect add\" names "
	    "one, \"rohrpost profile set relay\" opens port 25"));
	ctl_warn(&words);
	buf_clear(&words);
}
