#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_out.h"
#include "ctl/setup_provider.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

static const struct talk_question host = {
	"relay_host", N_("Your provider's outgoing server, e.g. "
	"smtp.provider.example"),
	N_("Your provider's server takes your mail and brings it to its "
	"recipients."),
	N_("Your provider's pages on setting up a mail program name it: the "
	"SMTP server, or server for outgoing mail. It is tried at once."),
	judge_provider
}, login = {
	"relay_user", N_("Login there, or none"),
	N_("The login is what your provider calls user name; often the whole "
	"address."),
	N_("It is tried with its password. With none your provider must know "
	"this machine by its address."), judge_relay_user
};

/* The settings that the server needs, where they are not what stands. */
static int
set_server(struct talk *t)
{
	static const char *const modes[] = { [FIND_TLS] = "tls",
		[FIND_STARTTLS] = "starttls", [FIND_PLAIN] = "may" };
	const struct find_server *s = &t->facts->server;
	char port[12];

	snprintf(port, sizeof(port), "%u", s->port);
	if (conf_get(&t->conf, "relay_port") == NULL && s->port ==
	    SUBMISSION_PORT && s->tls == FIND_STARTTLS &&
	    conf_get(&t->conf, "relay_tls") == NULL)
		return 0;
	return talk_set(t, "relay_port", port) == -1 ? -1 :
	    talk_set(t, "relay_tls", modes[s->tls]);
}

/* The login that is proposed. */
static void
propose(const struct talk *t, char out[FIND_TEXT_MAX])
{
	find_login_name(t->facts->server.login, t->before.user, out);
	if (out[0] == '\0')
		(void)str_copy(out, FIND_TEXT_MAX, t->before.user);
}

/* 1: the password that is there stays, for nothing of it has changed. */
static int
stays(const struct talk *t, const char *user)
{
	const char *h = answers_get(&t->now, "relay_host"),
	    *u = answers_get(&t->now, "relay_user");

	return conf_get(&t->conf, "relay_password_file") != NULL &&
	    h != NULL && u != NULL && strcmp(u, user) == 0 &&
	    strcmp(h, answers_get(t->as, "relay_host")) == 0;
}

/* 1: it is to be asked again; words are said. */
static int
is_wrong(struct talk *t, const char *user, const char *password)
{
	struct buf words = BUF_INIT(1000);
	enum find_trial r;

	fprintf(stderr, _("  Logging in to %s ...\n"), t->facts->server.host);
	r = find_login(&t->facts->ask, &t->facts->server, user, password,
	    &words);
	out_clean(&words);	/* the server's own are among them */
	fprintf(stderr, "  %s\n", buf_str(&words));
	buf_clear(&words);
	return r == FIND_TRIAL_PASSWORD || r == FIND_TRIAL_NO_LOGIN;
}

/* 1: the login is good, or meant; 0: once more. -1 with why. */
static int
ask_password(struct talk *t, const char *user, struct buf *last)
{
	struct buf password = BUF_INIT(PASSWORD_MAX);
	int r, wrong = 0;

	r = talk_password(t, _("The password of that login; it is not shown, "
	    "and kept in a file that root alone can read."), user, 0,
	    &password);
	if (r == 0)
		r = talk_set(t, "relay_password", buf_str(&password));
	if (r == 0)
		wrong = is_wrong(t, user, buf_str(&password)) &&
		    strcmp(buf_str(last), buf_str(&password)) != 0;
	buf_wipe(last);
	buf_puts(last, buf_str(&password));
	buf_wipe(&password);
	if (wrong)
		fputs(_("  Type both once more; the same password keeps "
		    "them.\n"), stderr);
	return r == -1 ? -1 : !wrong;
}

static int
ask_login(struct talk *t)
{
	struct buf last = BUF_INIT(PASSWORD_MAX);
	char def[FIND_TEXT_MAX];
	const char *user;
	int r;

	propose(t, def);
	if (t->facts->server.auth & FIND_AUTH_OAUTH2 &&
	    talk_kept(t, login.key) == NULL)
		fprintf(stderr, find_server_wants_oauth(&t->facts->server) ?
		    _("\n%s will refuse a password: it wants OAuth.\n") :
		    _("\n%s wants an app password: make one in the settings of "
		    "the account there, for the account's own password is "
		    "often refused.\n"), t->facts->server.host);
	for (;;) {
		r = talk_ask(t, &login, def);
		user = answers_get(t->as, "relay_user");
		if (r == -1 || strcmp(user, "none") == 0 || stays(t, user))
			break;
		r = ask_password(t, user, &last);
		if (r != 0)
			break;
		(void)str_copy(def, sizeof(def), user);
		answers_drop(&t->kept, "relay_user");
	}
	buf_wipe(&last);
	return r == -1 ? -1 : 0;
}

/* The host; of a customer's own its first label is enough. */
static int
ask_host(struct talk *t)
{
	const struct find_server *s = facts_relay(t->facts);
	char full[DOMAIN_MAX + 1];
	int own = s != NULL && find_server_is_own(s);

	if (own && talk_kept(t, host.key) == NULL)
		fprintf(stderr, _("\n%s has a server for each customer, with a "
		    "name like %s: the pages for customers there say which one "
		    "is yours.\n"), t->facts->provider.name,
		    t->facts->provider.example);
	if (talk_ask(t, &host, s != NULL && !own ? s->host : "") == -1)
		return -1;
	facts_full(t->facts, answers_get(t->as, host.key), full);
	return talk_set(t, host.key, full);
}

int
ask_provider(struct talk *t)
{
	if (ask_host(t) == -1 || set_server(t) == -1 || ask_login(t) == -1)
		return -1;
	if (strcmp(answers_get(t->as, "relay_user"), "none") != 0)
		return 0;
	if (conf_get(&t->conf, "relay_user") != NULL)
		return talk_set(t, "relay_user", "");
	answers_drop(t->as, "relay_user");
	return 0;
}

enum judged
judge_own_domain(const struct asked *a, const char *answer, struct buf *why)
{
	enum judged j = judge_domain(a, answer, why);
	struct find_provider *p;
	const char *owner;

	if (j != JUDGED_GOOD || a->facts == NULL)
		return j;
	p = mem_zalloc(1, sizeof(*p));
	owner = facts_owner(answer, p);
	if (owner != NULL) {
		buf_set(why, _("%s belongs to the provider %s: a server needs "
		    "a domain of its own"), answer, owner);
		j = JUDGED_BAD;
	}
	free(p);
	return j;
}

static enum find_trial
call_up(struct facts *f, struct buf *words)
{
	enum find_trial r;

	fprintf(stderr, _("  Connecting to %s, port %u ...\n"), f->server.host,
	    f->server.port);
	buf_reset(words);
	r = find_login(&f->ask, &f->server, "", "", words);
	out_clean(words);
	return r;
}

enum judged
judge_provider(const struct asked *a, const char *answer, struct buf *why)
{
	struct facts *f = a->facts;
	char full[DOMAIN_MAX + 1] = "";
	enum find_trial r;
	enum judged j;
	int known;

	if (f != NULL)
		facts_full(f, answer, full);
	j = judge_relay_host(a, full[0] != '\0' ? full : answer, why);
	if (j != JUDGED_GOOD || f == NULL)
		return j;
	known = facts_server(f, full);
	if (find_server_wants_oauth(&f->server)) {
		buf_set(why, _("%s takes logins by OAuth alone, for which "
		    "\"rohrpost oauth\" is still to come, and no password: "
		    "until then mail leaves through another provider"), full);
		return JUDGED_DOUBT;
	}
	r = call_up(f, why);
	if (!known && (r == FIND_TRIAL_NO_ANSWER || r == FIND_TRIAL_NO_TLS)) {
		facts_guess(f, full, SUBMISSIONS_PORT);
		if (call_up(f, why) == FIND_TRIAL_GOOD)
			r = FIND_TRIAL_GOOD;
		else
			facts_guess(f, full, SUBMISSION_PORT);
	}
	if (r == FIND_TRIAL_GOOD)
		fprintf(stderr, "  %s\n", buf_str(why));
	return r == FIND_TRIAL_GOOD ? JUDGED_GOOD : JUDGED_DOUBT;
}
