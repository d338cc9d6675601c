/*
 * The conversation: at most ten questions with the one whether to save, for
 * the profiles relay and collector; what is not asked there is proposed and
 * shown before it is saved.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_ask.h"
#include "ctl/setup_ask.h"
#include "ctl/setup_collect.h"
#include "ctl/setup_kept.h"
#include "ctl/setup_now.h"
#include "ctl/setup_provider.h"
#include "ctl/setup_talk.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

static const struct talk_question domain = {
	"domain", N_("Domain to take mail for"),
	N_("A domain is what stands behind the @ of your addresses."),
	N_("You need a domain of your own, bought from a provider or a "
	"registrar for some euros a year: an address at a provider's own domain "
	"stays the provider's. What is to be entered in its DNS is told at the "
	"end."), judge_own_domain
}, profile = {
	"profile", N_("How does your mail leave? 1 directly (fixed address, "
	"port 25 open), 2 through your provider, 3 through your provider, where "
	"what comes in is fetched too"), NULL,
	N_("1 (direct): this machine has a fixed public address with a name in "
	"reverse DNS; mail comes and goes without anybody in between. 2 (relay): "
	"mail comes here, but leaves through a provider whom other servers "
	"trust. 3 (collector): nobody has to reach this machine; a provider "
	"takes your mail."), judge_profile
}, user = {
	"user", N_("Address of the first user"),
	N_("The first user is an account with a mailbox; more are made later "
	"with rohrpost user add."),
	N_("Name the address of whoever reads mail here first, as NAME@DOMAIN. "
	"It is also the login of the mail program."), judge_user
}, phones = {
	"phones", N_("Do phones read mail on the road?"),
	N_("For phones on the road the ports 993 and 465 must be reachable "
	"from the Internet."),
	N_("With yes your router has to forward two ports to this machine, "
	"which the end tells. With no mail is read at home or in the office "
	"alone, and nobody outside has to reach those ports."), judge_yes
}, hostname = {
	"hostname", N_("Name of this server on the Internet"),
	N_("Other servers and mail programs know this machine by that name."),
	N_("A full name in your domain, which leads to the public address of "
	"this machine in the DNS; mail.DOMAIN is what most people take."),
	judge_hostname
}, postmaster = {
	"postmaster", N_("Who gets complaints and error messages"),
	N_("Every mail server must have an address for people who run others: "
	"postmaster."),
	N_("Mail to postmaster and abuse goes there, and what this machine "
	"itself has to say to root."), judge_postmaster
}, certificate = {
	"certificate", N_("Certificate: a PEM file, or self-signed"),
	N_("Mail programs trust one of an authority; a self-signed one has to "
	"be accepted by hand in each of them."),
	N_("Of Let's Encrypt it is /etc/letsencrypt/live/NAME/fullchain.pem. "
	"You can begin with self-signed and name another one later."),
	judge_certificate
}, key = {
	"key", N_("File of the private key (privkey.pem)"),
	N_("The key lies beside the certificate, and none but root may read it."),
	N_("Of Let's Encrypt it is /etc/letsencrypt/live/NAME/privkey.pem."),
	judge_key
}, test_address = {
	"test_address", N_("An address of yours elsewhere for a test mail, or "
	"none"),
	N_("Whether mail leaves shows when some arrives there."),
	N_("One mail is sent there at the end, if the settings are saved; with "
	"none the test mail stays here."), judge_test_address
};

/* The value of the answer; it stays until it is set anew. */
static const char *
answer(const struct talk *t, const char *k)
{
	return answers_get(t->as, k);
}

static int
ask_domain(struct talk *t)
{
	const char *dot = strchr(t->facts->net.name, '.');

	if (talk_ask(t, &domain, dot != NULL && strchr(dot + 1, '.') != NULL ?
	    dot + 1 : "") == -1)
		return -1;
	t->before.domain = answer(t, "domain");
	fprintf(stderr, _("  Looking at the network, and what the DNS says of "
	    "%s ...\n"), t->before.domain);
	facts_look(t->facts, t->before.domain, answers_get(&t->now,
	    "hostname"));
	return 0;
}

static int
ask_profile(struct talk *t)
{
	static const char *const numbers[] = { "1", "2", "3" };
	const char *name;

	if (talk_kept(t, "profile") == NULL)
		fprintf(stderr, _("\n%s Proposed: %s.\n"),
		    buf_str(&t->facts->reason), numbers[t->facts->profile]);
	if (talk_ask(t, &profile, numbers[t->facts->profile]) == -1)
		return -1;
	name = profile_name(answer(t, "profile"));
	return talk_set(t, "profile", name);
}

/* Whoever called sudo, or anna. */
static int
ask_user(struct talk *t)
{
	struct buf text = BUF_INIT(0), password = BUF_INIT(PASSWORD_MAX);
	const char *sudo = getenv("SUDO_USER"), *who;
	int r;

	who = answers_get(&t->now, "user");
	if (who != NULL) {
		t->before.user = who;
		return 0;	/* there are accounts already */
	}
	buf_printf(&text, "%s@%s", sudo != NULL && *sudo != '\0' &&
	    strspn(sudo, "abcdefghijklmnopqrstuvwxyz0123456789-_") ==
	    strlen(sudo) ? sudo : "anna", t->before.domain);
	r = talk_ask(t, &user, buf_str(&text));
	if (r == 0)
		r = talk_password(t, _("The password of that mailbox, for mail "
		    "programs; it is not shown."), answer(t, "user"), 1,
		    &password);
	if (r == 0) {
		buf_reset(&text);
		buf_printf(&text, "%s %s", answer(t, "user"),
		    buf_str(&password));
		free(t->user);
		t->user = mem_strdup(answer(t, "user"));
		t->before.user = t->user;
		r = talk_set(t, "user", buf_str(&text));
	}
	buf_wipe(&text);
	buf_wipe(&password);
	return r;
}

static int
is_collector(const struct talk *t)
{
	return strcmp(answer(t, "profile"), "collector") == 0;
}

static int
ask_hostname(struct talk *t)
{
	const char *name = t->facts->name;
	int r = 0;

	/* Nobody else looks for one that nobody reaches; where phones do it
	   is shown, and told, at the end. */
	if (!is_collector(t))
		r = talk_ask(t, &hostname, name);
	else if (answers_get(&t->now, "hostname") == NULL)
		r = talk_set(t, "hostname", name);
	t->before.hostname = answer(t, "hostname");
	return r;
}

static int
ask_phones(struct talk *t)
{
	const enum find_outer o = t->facts->net.outer;

	/* Where nobody can come in nobody reads from outside. */
	if (talk_ask(t, &phones, o == FIND_OUTER_PUBLIC || o == FIND_OUTER_NAT ?
	    _("yes") : _("no")) == -1)
		return -1;
	return talk_set(t, "phones", ctl_is_yes(answer(t, "phones")) ? "yes" :
	    "no");
}

/* "/etc/letsencrypt/live/NAME/FILE", where it can be read; else def. */
static const char *
found(const struct talk *t, const char *file, const char *def,
    struct buf *path)
{
	buf_reset(path);
	buf_printf(path, "/etc/letsencrypt/live/%s/%s", t->before.hostname,
	    file);
	return access(buf_str(path), R_OK) == 0 ? buf_str(path) : def;
}

static int
ask_certificate(struct talk *t)
{
	struct buf path = BUF_INIT(0);
	int r;

	r = talk_ask(t, &certificate, found(t, "fullchain.pem", "self-signed",
	    &path));
	t->before.certificate = answer(t, "certificate");
	if (r == 0 && strcmp(t->before.certificate, "self-signed") != 0)
		r = talk_ask(t, &key, found(t, "privkey.pem", "", &path));
	buf_clear(&path);
	return r;
}

/* Of profile direct; the others have one who reads it, and a certificate of
   our own. */
static int
ask_rest(struct talk *t)
{
	if (answers_get(&t->now, "postmaster") == NULL &&
	    talk_ask(t, &postmaster, t->before.user) == -1)
		return -1;
	if (ask_certificate(t) == -1 || talk_ask(t, &test_address, "none") ==
	    -1)
		return -1;
	if (strcmp(answer(t, "test_address"), "none") == 0)
		answers_drop(t->as, "test_address");
	return 0;
}

static int
converse(struct talk *t)
{
	int direct;

	if (ask_domain(t) == -1 || ask_profile(t) == -1 || ask_user(t) == -1)
		return -1;
	direct = strcmp(answer(t, "profile"), "direct") == 0;
	if (!direct && ask_provider(t) == -1)
		return -1;
	if (is_collector(t) && ask_collect(t) == -1)
		return -1;
	if (ask_phones(t) == -1 || ask_hostname(t) == -1)
		return -1;
	return direct ? ask_rest(t) : 0;
}

int
setup_ask(struct answers *as, const char *dir, struct buf *why)
{
	struct talk t = { .as = as, .before.dir = dir, .why = why };
	int r;

	fprintf(stderr, _("Setting up Rohrpost in %s. An empty answer takes "
	    "what stands in [brackets], ? tells more.\n"), dir);
	answers_init(&t.kept, KEPT_FILE);
	if (kept_load(&t.kept, dir, &t.all_kept) && !t.all_kept)
		fprintf(stderr, _("It was broken off: what was answered then "
		    "stands. To begin anew remove %s/%s.\n"), dir, KEPT_FILE);
	r = now_load(&t.now, &t.conf, dir, why);
	ctl_catch(1);
	if (r == 0) {
		t.facts = t.before.facts = facts_new(&t.conf);
		r = converse(&t);
		if (r == 0) {
			/* What they came to is "collect". */
			answers_drop(as, "collect_host");
			answers_drop(as, "collect_login");
		}
		if (r == -1 && as->n > 0)
			fprintf(stderr, _("\nBroken off. The answers so far, "
			    "but no password, are in %s/%s; \"rohrpost "
			    "setup\" goes on from there.\n"), dir, KEPT_FILE);
		facts_free(&t.facts);
	}
	ctl_catch(0);
	answers_clear(&t.kept);
	answers_clear(&t.now);
	conf_clear(&t.conf);
	free(t.user);
	return r;
}
