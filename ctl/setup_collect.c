#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/setup_collect.h"
#include "ctl/table_collect.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

static const char name[] = "home";	/* of the account, in the table */

static const struct talk_question host = {
	"collect_host", N_("Your provider's server for incoming mail, or none"),
	N_("What comes in at your provider is fetched from there; nothing is "
	"deleted there."),
	N_("Your provider's pages on setting up a mail program name it: the "
	"IMAP server. Write \"pop3 NAME\" for one that has POP3 alone. With "
	"none nothing is fetched until \"rohrpost collect add\" names an "
	"account; more accounts come by it, too, and \"keep=\" in the file "
	"collect says when mail is deleted there."), judge_collect
}, login = {
	"collect_login", N_("Login at the server for incoming mail"),
	N_("The login is what your provider calls user name; often the whole "
	"address."), N_("It is tried with its password."), judge_collect_login
};

/* A protocol may stand before the name. */
static const char *
split(const char *answer, enum find_protocol *p_r)
{
	static const struct {
		const char *word;
		enum find_protocol protocol;
	} words[] = { { "imap ", FIND_IMAP }, { "pop3 ", FIND_POP3 } };
	size_t i, n;

	*p_r = FIND_SMTP;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i].word);
		if (str_ncasecmp(answer, words[i].word, n) == 0) {
			*p_r = words[i].protocol;
			return answer + n + strspn(answer + n, " ");
		}
	}
	return answer;
}

/* As relay's, but for the authorities. */
static enum find_trial
call(const struct facts *f, const char *user, const char *password,
    struct buf *words)
{
	struct find_ask ask = f->ask;
	enum find_trial r;

	ask.ca_file = f->collect_ca_file;
	buf_reset(words);
	r = find_login(&ask, &f->incoming, user, password, words);
	out_clean(words);	/* the server's own are among them */
	return r;
}

enum judged
judge_collect(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf full = BUF_INIT(DOMAIN_MAX);
	enum find_protocol protocol;
	struct facts *f = a->facts;
	enum judged j = JUDGED_GOOD;
	const char *p = split(answer, &protocol);

	if (strcmp(answer, "none") == 0)
		return j;
	if (name_domain(p, strlen(p), &full, why) == -1) {
		buf_puts(why, _(": write its name, like imap.provider.example, "
		    "or none"));
		j = JUDGED_BAD;
	} else if (f != NULL) {
		facts_collect(f, buf_str(&full), protocol);
		if (find_server_wants_oauth(&f->incoming)) {
			buf_set(why, _("%s takes logins by OAuth alone, and no "
			    "password: nothing can be fetched from there yet"),
			    buf_str(&full));
			j = JUDGED_DOUBT;
		} else {
			fprintf(stderr, _("  Connecting to %s, port %u ...\n"),
			    f->incoming.host, f->incoming.port);
			if (call(f, "", "", why) != FIND_TRIAL_GOOD)
				j = JUDGED_DOUBT;
			else
				fprintf(stderr, "  %s\n", buf_str(why));
		}
	}
	buf_clear(&full);
	return j;
}

/* It is a word of the table's line. */
enum judged
judge_collect_login(const struct asked *a, const char *answer,
    struct buf *why)
{
	if (strlen(answer) <= ADDRESS_MAX && strpbrk(answer, " \t") == NULL &&
	    str_is_text(answer, strlen(answer)))
		return JUDGED_GOOD;
	buf_set(why, _("a login has at most %d octets of text, without blanks"),
	    ADDRESS_MAX);
	return JUDGED_BAD;
}

/* The server that is proposed: what is known, or the outgoing one with another
   first label. */
static void
propose(const struct talk *t, const char *user, struct buf *out)
{
	struct find_provider *p = mem_zalloc(1, sizeof(*p));
	const struct find_server *s = facts_incoming(t->facts, user, p);
	const char *relay = answers_get(t->as, "relay_host");

	if (s != NULL && !find_server_is_own(s))
		buf_printf(out, "%s%s", s->protocol == FIND_POP3 ? "pop3 " :
		    "", s->host);
	else if (relay == NULL || relay[0] == '[')
		buf_puts(out, "none");
	else if (str_ncasecmp(relay, "smtp.", 5) == 0)
		buf_printf(out, "imap%s", relay + 4);
	else
		buf_puts(out, relay);
	free(p);
}

static enum find_trial
try_login(const struct talk *t, const char *user, const char *password)
{
	struct buf words = BUF_INIT(1000);
	enum find_trial r;

	fprintf(stderr, _("  Logging in to %s ...\n"),
	    t->facts->incoming.host);
	r = call(t->facts, user, password, &words);
	fprintf(stderr, "  %s\n", buf_str(&words));
	buf_clear(&words);
	return r;
}

/* Until they work, or the same ones were said twice. */
static int
ask_login(struct talk *t, const char *def, struct buf *password)
{
	struct buf last = BUF_INIT(PASSWORD_MAX);
	const char *user;
	enum find_trial f;
	int r, done = 0;

	do {
		r = talk_ask(t, &login, def);
		if (r == -1)
			break;
		user = answers_get(t->as, login.key);
		buf_wipe(password);
		r = talk_password(t, _("The password of that login; it is not "
		    "shown, and kept in a file that root alone can read."),
		    user, 0, password);
		if (r == -1)
			break;
		f = try_login(t, user, buf_str(password));
		done = (f != FIND_TRIAL_PASSWORD && f != FIND_TRIAL_NO_LOGIN) ||
		    strcmp(buf_str(&last), buf_str(password)) == 0;
		buf_wipe(&last);
		buf_puts(&last, buf_str(password));
		answers_drop(&t->kept, login.key);
		if (!done)
			fputs(_("  Type both once more; the same password "
			    "keeps them.\n"), stderr);
	} while (!done);
	buf_wipe(&last);
	return r;
}

/* 1: login and password of the outgoing server work there as well. */
static int
same_works(struct talk *t, const char *user, const char *password)
{
	return *user != '\0' && password != NULL &&
	    strpbrk(user, " \t") == NULL && strlen(user) <= ADDRESS_MAX &&
	    try_login(t, user, password) == FIND_TRIAL_GOOD;
}

static int
put_account(struct talk *t, const char *user, const char *password)
{
	static const uint32_t security[] = { [FIND_TLS] = CL_TLS,
		[FIND_STARTTLS] = CL_STARTTLS, [FIND_PLAIN] = CL_PLAIN };
	const struct find_server *s = &t->facts->incoming;
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct buf line = BUF_INIT(0);
	int r;

	collect_init(a);
	a->kind = s->protocol == FIND_POP3 ? CL_POP3 : CL_IMAP;
	a->security = security[s->tls];
	a->port = s->port;
	if (s->poll > a->every)
		a->every = s->poll;
	if (str_copy(a->name, sizeof(a->name), name) == -1 ||
	    str_copy(a->host, sizeof(a->host), s->host) == -1 ||
	    str_copy(a->login, sizeof(a->login), user) == -1 ||
	    str_copy(a->password, sizeof(a->password), password) == -1 ||
	    str_copy(a->owner, sizeof(a->owner), t->before.user) == -1) {
		buf_set(t->why, "%s", _("an answer is too long"));
		r = -1;
	} else {
		collect_line(a, &line);
		r = talk_set(t, "collect", buf_str(&line));
	}
	buf_wipe(&line);
	mem_wipe(a, sizeof(*a));
	free(a);
	return r;
}

int
ask_collect(struct talk *t)
{
	const char *user = answers_get(t->as, "relay_user");
	const char *password = answers_get(t->as, "relay_password");
	struct buf def = BUF_INIT(DOMAIN_MAX + 8);
	struct buf word = BUF_INIT(PASSWORD_MAX);
	int r;

	if (answers_get(&t->now, "collect") != NULL)
		return 0;
	if (user == NULL)
		user = "";
	propose(t, user, &def);
	r = talk_ask(t, &host, buf_str(&def));
	if (r == 0 && strcmp(answers_get(t->as, host.key), "none") != 0) {
		if (talk_kept(t, login.key) == NULL &&
		    same_works(t, user, password))
			buf_puts(&word, password);
		else if ((r = ask_login(t, *user != '\0' ? user :
		    t->before.user, &word)) == 0)
			user = answers_get(t->as, login.key);
		if (r == 0)
			r = put_account(t, user, buf_str(&word));
	}
	buf_clear(&def);
	buf_wipe(&word);
	return r;
}
