#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_ask.h"
#include "ctl/setup_ask.h"
#include "ctl/setup_judge.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

enum { ASK_LINE = 1024 };

struct asking {
	struct answers *as;
	struct asked before;	/* its texts are allocated, but for dir */
	struct buf *why;
};

/* The answer, or the default for an empty one. 0, or -1 with why: no more. */
static int
ask(const char *question, const char *def, struct buf *out, struct buf *why)
{
	struct buf line = BUF_INIT(ASK_LINE);
	int r;

	do {
		fprintf(stderr, "%s%s%s%s: ", question, *def ? " [" : "",
		    def, *def ? "]" : "");
		r = ctl_line(&line);
		buf_truncate(&line, strcspn(buf_str(&line), "\r"));
		if (r == -1)
			fprintf(stderr, _("  an answer has at most %d "
			    "octets\n"), ASK_LINE);
	} while (r == -1 || (r == 1 && line.len == 0 && *def == '\0'));
	buf_reset(out);
	buf_puts(out, line.len > 0 ? buf_str(&line) : def);
	if (r == 0)
		buf_set(why, _("no answer"));
	buf_clear(&line);
	return r == 1 ? 0 : -1;
}

/* Again until the answer is good, or one that is in doubt was said twice. */
static int
ask_judged(struct asking *k, const char *question, const char *def,
    setup_judge *judge, struct buf *out)
{
	struct buf fault = BUF_INIT(0), last = BUF_INIT(0);
	enum judged j = JUDGED_BAD;
	int r;

	while ((r = ask(question, def, out, k->why)) == 0) {
		buf_reset(&fault);
		j = judge(&k->before, buf_str(out), &fault);
		if (j == JUDGED_GOOD || (j == JUDGED_DOUBT && last.len > 0 &&
		    strcmp(buf_str(&last), buf_str(out)) == 0))
			break;
		fprintf(stderr, j == JUDGED_DOUBT ? _("  %s (the same answer "
		    "once more keeps it)\n") : "  %s\n", buf_str(&fault));
		buf_set(&last, "%s", j == JUDGED_DOUBT ? buf_str(out) : "");
	}
	buf_clear(&fault);
	buf_clear(&last);
	return r;
}

/* The same, as an answer of that key. *kept_r is a copy; NULL: none. */
static int
ask_into(struct asking *k, const char *key, const char *question,
    const char *def, setup_judge *judge, const char **kept_r)
{
	struct buf value = BUF_INIT(0);
	int r = ask_judged(k, question, def, judge, &value);

	if (r == 0)
		r = answers_add(k->as, key, buf_str(&value), 0, k->why);
	if (r == 0 && kept_r != NULL)
		*kept_r = mem_strdup(buf_str(&value));
	buf_clear(&value);
	return r;
}

/* A password, typed twice. */
static int
ask_password(struct asking *k, const char *who, struct buf *out)
{
	struct buf fault = BUF_INIT(0);
	int r;

	for (;;) {
		buf_reset(&fault);
		buf_wipe(out);
		r = ctl_password(0, who, out, &fault);
		if (r == 0 && judge_password(&k->before, buf_str(out),
		    &fault) == JUDGED_GOOD)
			break;
		if (r == -1 && feof(stdin)) {
			buf_set(k->why, "%s", buf_str(&fault));
			break;
		}
		fprintf(stderr, _("  the password: %s\n"), buf_str(&fault));
	}
	buf_clear(&fault);
	return r;
}

static int
ask_user(struct asking *k)
{
	struct buf text = BUF_INIT(0), password = BUF_INIT(PASSWORD_MAX);
	struct buf address = BUF_INIT(0);
	int r;

	buf_printf(&text, "anna@%s", k->before.domain);
	r = ask_judged(k, _("Address of the first user"), buf_str(&text),
	    judge_user, &address);
	if (r == 0) {
		k->before.user = mem_strdup(buf_str(&address));
		r = ask_password(k, k->before.user, &password);
	}
	if (r == 0) {
		buf_reset(&text);
		buf_printf(&text, "%s %s", k->before.user, buf_str(&password));
		r = answers_add(k->as, "user", buf_str(&text), 0, k->why);
	}
	buf_wipe(&text);
	buf_wipe(&password);
	buf_clear(&address);
	return r;
}

static int
ask_relay_login(struct asking *k)
{
	struct buf value = BUF_INIT(0), password = BUF_INIT(PASSWORD_MAX);
	int r;

	r = ask_judged(k, _("Login there, or none"), "none", judge_relay_user,
	    &value);
	if (r == 0 && strcmp(buf_str(&value), "none") != 0) {
		r = answers_add(k->as, "relay_user", buf_str(&value), 0,
		    k->why);
		if (r == 0)
			r = ask_password(k, buf_str(&value), &password);
		if (r == 0)
			r = answers_add(k->as, "relay_password",
			    buf_str(&password), 0, k->why);
	}
	buf_wipe(&password);
	buf_clear(&value);
	return r;
}

static int
ask_relay(struct asking *k)
{
	struct buf answer = BUF_INIT(0);
	const char *profile = NULL;
	int r;

	r = ask_judged(k, _("How does your mail leave? 1 directly (fixed "
	    "address, port 25 open), 2 through your provider, 3 through your "
	    "provider, where what comes in is fetched too"), "1",
	    judge_profile, &answer);
	if (r == 0) {
		profile = profile_name(buf_str(&answer));
		r = answers_add(k->as, "profile", profile, 0, k->why);
	}
	if (r == 0 && strcmp(profile, "direct") != 0) {
		r = ask_into(k, "relay_host", _("Your provider's outgoing "
		    "server, e.g. smtp.provider.example"), "",
		    judge_relay_host, NULL);
		if (r == 0)
			r = ask_relay_login(k);
	}
	buf_clear(&answer);
	return r;
}

static int
ask_certificate(struct asking *k)
{
	if (ask_into(k, "certificate", _("Certificate: a PEM file, or "
	    "self-signed"), "self-signed", judge_certificate,
	    &k->before.certificate) == -1)
		return -1;
	if (strcmp(k->before.certificate, "self-signed") == 0)
		return 0;
	return ask_into(k, "key", _("File of the private key (privkey.pem)"),
	    "", judge_key, NULL);
}

static void
forget(struct asked *a)
{
	free((char *)(uintptr_t)a->hostname);
	free((char *)(uintptr_t)a->domain);
	free((char *)(uintptr_t)a->user);
	free((char *)(uintptr_t)a->certificate);
}

int
setup_ask(struct answers *as, const char *dir, struct buf *why)
{
	struct asking k = { .as = as, .before.dir = dir, .why = why };
	char host[HOST_NAME_MAX + 1] = "";
	const char *dot;
	int r;

	fprintf(stderr, _("Setting up Rohrpost in %s. An empty answer takes "
	    "what stands in [brackets].\n"), dir);
	if (gethostname(host, sizeof(host)) == -1 || strchr(host, '.') == NULL)
		host[0] = '\0';
	r = ask_into(&k, "hostname", _("Name of this server on the Internet"),
	    host, judge_hostname, &k.before.hostname);
	dot = r == 0 ? strchr(k.before.hostname, '.') : NULL;
	if (r == 0)
		r = ask_into(&k, "domain", _("Domain to take mail for"),
		    dot != NULL ? dot + 1 : "", judge_domain,
		    &k.before.domain);
	if (r == 0)
		r = ask_user(&k);
	if (r == 0)
		r = ask_into(&k, "postmaster", _("Who gets complaints and "
		    "error messages"), k.before.user, judge_postmaster, NULL);
	if (r == 0)
		r = ask_relay(&k);
	if (r == 0)
		r = ask_certificate(&k);
	forget(&k.before);
	return r;
}
