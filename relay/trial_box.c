#include <string.h>

#include "relay/imap_login.h"
#include "relay/pop3_login.h"
#include "relay/trial.h"

/* What the clients make of it begins with their label. */
static void
put_words(struct buf *words, const struct buf *said, const char *label)
{
	const char *p = buf_str(said);
	size_t n = strlen(label);

	if (strncmp(p, label, n) == 0)
		p += n;
	buf_set(words, "%s", p + strspn(p, " :"));
}

/* How a session ended before the login. */
static enum trial_result
greeted(const struct trial_question *q, int no_tls, const struct buf *said)
{
	const char *p = buf_str(said);

	if (no_tls && strstr(p, "offers no ST") != NULL)
		return TRIAL_NO_TLS;
	if (no_tls)
		return strstr(p, "TLS: certificate:") != NULL ?
		    TRIAL_CERTIFICATE : TRIAL_TLS_FAILED;
	/* Who connects and hears nothing waits for a server that waits for
	   TLS. */
	return q->tls != TRIAL_TLS_AT_ONCE && strstr(p, "in time") != NULL ?
	    TRIAL_TLS_FAILED : TRIAL_NO_MAIL;
}

/* RFC 5530: what other codes say is not about name and password. */
static enum trial_result
imap_refusal(const struct imap_client *c)
{
	if (strstr(buf_str(&c->words), "offers no login") != NULL)
		return TRIAL_NO_LOGIN;
	return c->code[0] == '\0' ||
	    strcmp(c->code, "AUTHENTICATIONFAILED") == 0 ||
	    strcmp(c->code, "AUTHORIZATIONFAILED") == 0 ?
	    TRIAL_PASSWORD : TRIAL_REFUSED;
}

static enum trial_result
imap_dialogue(struct imap_client *c, const struct trial_question *q,
    SSL_CTX *ctx)
{
	static const enum imap_security security[] = {
		[TRIAL_TLS_AT_ONCE] = IMAP_TLS,
		[TRIAL_TLS_STARTTLS] = IMAP_STARTTLS,
		[TRIAL_TLS_NONE] = IMAP_PLAIN,
	};
	const struct imap_account who = { q->user, q->password,
		SASL_PASSWORD };
	enum imap_result r;

	if (imap_greet(c, security[q->tls], ctx, q->host) != IMAP_OK)
		return greeted(q, c->no_tls, &c->words);
	if (q->user[0] == '\0')
		return TRIAL_OPEN;
	c->code[0] = '\0';
	r = imap_login(c, &who, q->host);
	return r == IMAP_OK ? TRIAL_OPEN : r == IMAP_NO ? imap_refusal(c) :
	    TRIAL_REFUSED;
}

enum trial_result
trial_imap(const struct trial_question *q, int fd, const char *label,
    SSL_CTX *ctx, struct buf *words)
{
	struct imap_client c;
	enum trial_result r;

	imap_init(&c, fd, label);
	c.command = TRIAL_REPLY_MS;
	r = imap_dialogue(&c, q, ctx);
	put_words(words, &c.words, label);
	imap_close(&c);
	return r;
}

static enum trial_result
pop3_dialogue(struct pop3_client *c, const struct trial_question *q,
    SSL_CTX *ctx)
{
	static const enum pop3_security security[] = {
		[TRIAL_TLS_AT_ONCE] = POP3_TLS,
		[TRIAL_TLS_STARTTLS] = POP3_STARTTLS,
		[TRIAL_TLS_NONE] = POP3_PLAIN,
	};
	enum pop3_security s = security[q->tls];
	enum pop3_result r = pop3_greet(c, s, ctx, q->host);

	if (r == POP3_NO && !c->no_tls)
		return TRIAL_REFUSED;
	if (r != POP3_OK)
		return greeted(q, c->no_tls, &c->words);
	if (q->user[0] == '\0')
		return TRIAL_OPEN;
	r = pop3_login(c, s, q->user, q->password, SASL_PASSWORD, q->host);
	if (r == POP3_OK)
		return TRIAL_OPEN;
	if (strstr(buf_str(&c->words), "offers no login") != NULL)
		return TRIAL_NO_LOGIN;
	return r == POP3_NO && c->code == POP3_CODE_AUTH ? TRIAL_PASSWORD :
	    TRIAL_REFUSED;
}

enum trial_result
trial_pop3(const struct trial_question *q, int fd, const char *label,
    SSL_CTX *ctx, struct buf *words)
{
	struct pop3_client c;
	enum trial_result r;

	pop3_init(&c, fd, label);
	c.command = TRIAL_REPLY_MS;
	r = pop3_dialogue(&c, q, ctx);
	put_words(words, &c.words, label);
	/* Nothing was marked. */
	pop3_close(&c);
	return r;
}
