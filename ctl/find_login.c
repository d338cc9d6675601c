/*
 * Does a login at the provider work? And if not: what is wrong, in words.
 */
#include "config.h"

#include <string.h>

#include "ctl/find.h"
#include "ctl/find_child.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/trial.h"

/* What is another sentence where mail comes in. 1; 0: it is not. */
static int
say_incoming(const struct find_server *s, const char *user, enum find_trial t,
    const char *said, struct buf *words)
{
	switch (t) {
	case FIND_TRIAL_NO_MAIL:
		buf_set(words, _("What answers on port %u of %s is no server "
		    "that mail can be collected from (%s)."), s->port, s->host,
		    said);
		break;
	case FIND_TRIAL_NO_TLS:
		buf_set(words, _("%s offers no encryption on port %u: the "
		    "password would be readable on the way."), s->host,
		    s->port);
		break;
	case FIND_TRIAL_TLS:
		buf_set(words, _("No encrypted connection comes about with %s "
		    "on port %u (%s)."), s->host, s->port, said);
		break;
	case FIND_TRIAL_PASSWORD:
		buf_set(words, _("%s does not take the login %s: name or "
		    "password are wrong, or the provider wants IMAP and POP3 "
		    "allowed first (%s)."), s->host, user, said);
		break;
	default:
		return 0;
	}
	return 1;
}

static void
say(const struct find_server *s, const char *user, enum find_trial t,
    const char *said, struct buf *words)
{
	if (s->protocol != FIND_SMTP && say_incoming(s, user, t, said, words))
		return;
	switch (t) {
	case FIND_TRIAL_GOOD:
		buf_set(words, user[0] != '\0' ? _("%s answers on port %u, and "
		    "the login works.") : _("%s answers on port %u."),
		    s->host, s->port);
		break;
	case FIND_TRIAL_NO_HOST:
		buf_set(words, _("DNS knows no server of the name %s: is there "
		    "a typing mistake in it?"), s->host);
		break;
	case FIND_TRIAL_NO_DNS:
		buf_set(words, _("The name servers do not answer about %s: is "
		    "this machine connected to the Internet?"), s->host);
		break;
	case FIND_TRIAL_NO_ANSWER:
		buf_set(words, _("%s does not answer on port %u (%s): the port "
		    "is another one, or a firewall is in between."), s->host,
		    s->port, said);
		break;
	case FIND_TRIAL_NO_MAIL:
		buf_set(words, _("What answers on port %u of %s is no mail "
		    "server that takes mail like this (%s)."), s->port,
		    s->host, said);
		break;
	case FIND_TRIAL_NO_TLS:
		buf_set(words, _("%s offers no encryption on port %u: the "
		    "password would be readable on the way. Port 465 with TLS "
		    "from the start is what most providers have."), s->host,
		    s->port);
		break;
	case FIND_TRIAL_TLS:
		buf_set(words, _("No encrypted connection comes about with %s "
		    "on port %u (%s): port 465 has TLS from the start, 587 has "
		    "STARTTLS."), s->host, s->port, said);
		break;
	case FIND_TRIAL_CERTIFICATE:
		buf_set(words, _("The certificate of %s cannot be trusted "
		    "(%s): is the name the one that the provider gives, and is "
		    "the clock right?"), s->host, said);
		break;
	case FIND_TRIAL_NO_LOGIN:
		buf_set(words, _("%s offers no way to log in with a password "
		    "on port %u."), s->host, s->port);
		break;
	case FIND_TRIAL_PASSWORD:
		buf_set(words, _("%s does not take the login %s: name or "
		    "password are wrong, or the provider wants sending by "
		    "programs allowed first (%s)."), s->host, user, said);
		break;
	case FIND_TRIAL_REFUSED:
		buf_set(words, _("%s refuses: %s"), s->host, said);
		break;
	case FIND_TRIAL_BROKEN:
		buf_set(words, _("Whether %s works could not be tried: %s"),
		    s->host, said);
		break;
	}
}

/* The addresses of the host: of DNS, unless it is one. FIND_TRIAL_GOOD: n of
   them are there. */
static enum find_trial
find_addresses(const struct find_ask *a, const char *host,
    struct trial_question *q, struct buf *why)
{
	struct host_addresses l = { .n = 0 };
	enum find_known known = FIND_YES;
	size_t len = strlen(host), i;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']' &&
	    host_address_parse(&l.a[0], host + 1, len - 2) == 0)
		l.n = 1;
	else if (host_address_parse(&l.a[0], host, len) == 0)
		l.n = 1;
	else if (find_host(a, host, &known, &l, why) == -1)
		return FIND_TRIAL_BROKEN;
	for (i = 0; i < l.n && q->n < TRIAL_ADDRESSES_MAX; i++)
		(void)str_copy(q->ip[q->n++], sizeof(q->ip[0]), l.a[i].text);
	if (q->n > 0)
		return FIND_TRIAL_GOOD;
	return known == FIND_NO ? FIND_TRIAL_NO_HOST : FIND_TRIAL_NO_DNS;
}

/* 0, or -1 with why: it does not fit. */
static int
fill(const struct find_ask *a, const struct find_server *s, const char *user,
    const char *password, struct trial_question *q, struct buf *why)
{
	static const enum trial_tls modes[] = {
		[FIND_TLS] = TRIAL_TLS_AT_ONCE,
		[FIND_STARTTLS] = TRIAL_TLS_STARTTLS,
		[FIND_PLAIN] = TRIAL_TLS_NONE,
	};
	static const enum trial_protocol protocols[] = {
		[FIND_SMTP] = TRIAL_SMTP,
		[FIND_IMAP] = TRIAL_IMAP,
		[FIND_POP3] = TRIAL_POP3,
	};
	size_t len = strlen(s->host);

	q->port = s->port;
	q->protocol = protocols[s->protocol];
	q->tls = modes[s->tls];
	if (str_copy(q->hostname, sizeof(q->hostname), a->hostname != NULL &&
	    a->hostname[0] != '\0' ? a->hostname : "localhost") == 0 &&
	    str_copy(q->host, sizeof(q->host), s->host) == 0 &&
	    str_copy(q->ca_file, sizeof(q->ca_file), a->ca_file != NULL ?
	    a->ca_file : "") == 0 &&
	    str_copy(q->user, sizeof(q->user), user) == 0 &&
	    str_copy(q->password, sizeof(q->password), password) == 0) {
		/* The certificate of an address has no brackets. */
		if (len > 2 && q->host[0] == '[') {
			memmove(q->host, q->host + 1, len - 2);
			q->host[len - 2] = '\0';
		}
		return 0;
	}
	buf_set(why, "%s", _("an answer is too long"));
	return -1;
}

static enum find_trial
run(const struct trial_question *q, char said[TRIAL_WORDS_MAX + 1],
    struct buf *why)
{
	static const enum find_trial results[] = {
		[TRIAL_OPEN] = FIND_TRIAL_GOOD,
		[TRIAL_NO_ANSWER] = FIND_TRIAL_NO_ANSWER,
		[TRIAL_NO_MAIL] = FIND_TRIAL_NO_MAIL,
		[TRIAL_NO_TLS] = FIND_TRIAL_NO_TLS,
		[TRIAL_TLS_FAILED] = FIND_TRIAL_TLS,
		[TRIAL_CERTIFICATE] = FIND_TRIAL_CERTIFICATE,
		[TRIAL_NO_LOGIN] = FIND_TRIAL_NO_LOGIN,
		[TRIAL_PASSWORD] = FIND_TRIAL_PASSWORD,
		[TRIAL_REFUSED] = FIND_TRIAL_REFUSED,
	};
	struct buf question = BUF_INIT(TRIAL_QUESTION_MAX);
	struct buf answer = BUF_INIT(TRIAL_ANSWER_MAX);
	enum trial_result r;
	int good;

	trial_pack(&question, q);
	good = find_child("trial", &question, FIND_LOGIN_MS, &answer, why) ==
	    0 && trial_unpack_answer(buf_str(&answer), answer.len, &r,
	    said) == 0;
	buf_wipe(&question);
	buf_clear(&question);
	buf_clear(&answer);
	return good ? results[r] : FIND_TRIAL_BROKEN;
}

enum find_trial
find_login(const struct find_ask *a, const struct find_server *s,
    const char *user, const char *password, struct buf *words)
{
	struct trial_question q = { .n = 0 };
	char said[TRIAL_WORDS_MAX + 1] = "";
	struct buf why = BUF_INIT(300);
	enum find_trial t = FIND_TRIAL_BROKEN;

	if (fill(a, s, user, password, &q, &why) == 0)
		t = find_addresses(a, s->host, &q, &why);
	if (t == FIND_TRIAL_GOOD)
		t = run(&q, said, &why);
	say(s, user, t, t == FIND_TRIAL_BROKEN ? buf_str(&why) : said, words);
	mem_wipe(&q, sizeof(q));
	buf_clear(&why);
	return t;
}
