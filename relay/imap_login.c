#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "relay/imap_login.h"

enum { WHY_MAX = 300 };

int
imap_login_open(struct buf *why)
{
	return sasl_open(why);
}

static enum imap_result
start_tls(struct imap_client *c, SSL_CTX *ctx, const char *host)
{
	struct buf why = BUF_INIT(300);
	enum imap_result r = IMAP_OK;

	c->no_tls = 1;
	stream_deadline(&c->stream, c->command);
	if (stream_tls_connect(&c->stream, ctx, host, &why) == -1)
		r = imap_fail(c, "%s", buf_str(&why));
	else
		c->no_tls = 0;
	buf_clear(&why);
	return r;
}

/*
 * RFC 3501 6.2.1: "Once [TLS] has been started, the client MUST discard cached
 * information about server capabilities".
 */
static enum imap_result
upgrade(struct imap_client *c, SSL_CTX *ctx, const char *host)
{
	c->no_tls = 1;
	if (!(c->caps & IMAP_CAP_STARTTLS))
		return imap_fail(c, "offers no STARTTLS");
	if (imap_command(c, "STARTTLS") != IMAP_OK) {
		c->dead = 1;
		return IMAP_LOST;
	}
	c->caps = 0;
	c->known = 0;
	imap_input_next(&c->in);
	return start_tls(c, ctx, host);
}

static enum imap_result
capabilities(struct imap_client *c)
{
	if (c->known)
		return IMAP_OK;
	if (imap_command(c, "CAPABILITY") == IMAP_OK)
		return IMAP_OK;
	c->dead = 1;
	return IMAP_LOST;
}

enum imap_result
imap_greet(struct imap_client *c, enum imap_security s, SSL_CTX *ctx,
    const char *host)
{
	const struct imap_response *r = &c->last;

	c->since = clock_mono_ms();
	if (s == IMAP_TLS && start_tls(c, ctx, host) != IMAP_OK)
		return IMAP_LOST;
	if (imap_read(c) != IMAP_OK)
		return IMAP_LOST;
	/* Who is logged in before a word was said is not who we ask for. */
	if (r->kind != IMAP_UNTAGGED || strcmp(r->word, "OK") != 0)
		return imap_fail(c, "does not greet: %s %s", r->word, r->text);
	if (capabilities(c) != IMAP_OK)
		return IMAP_LOST;
	if (s != IMAP_STARTTLS)
		return IMAP_OK;
	if (upgrade(c, ctx, host) != IMAP_OK)
		return IMAP_LOST;
	return capabilities(c);
}

/* An answer of ours, empty or not, and the server's next word. */
static enum imap_result
respond(struct imap_client *c, struct sasl *s, const char *challenge)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum imap_result r = IMAP_OK;
	char *out;

	if (sasl_step(s, challenge, &out, &why) == -1) {
		r = imap_fail(c, "%s", buf_str(&why));
	} else {
		stream_puts(&c->stream, out != NULL ? out : "");
		stream_puts(&c->stream, "\r\n");
	}
	sasl_free(&out);
	buf_clear(&why);
	return r;
}

/* Until the server's tagged word, which is left in c->last. */
static enum imap_result
dialogue(struct imap_client *c, struct sasl *s)
{
	const struct imap_response *r = &c->last;
	unsigned round = 0;

	c->since = clock_mono_ms();
	c->came = 0;
	do {
		if (imap_read(c) != IMAP_OK)
			return IMAP_LOST;
		if (r->kind != IMAP_CONTINUE)
			continue;
		if (round++ == SASL_ROUNDS_MAX)
			return imap_fail(c, "does not end the login");
		/* A server that has all proves itself with an empty answer of
		   ours. */
		if (respond(c, s, r->text) != IMAP_OK)
			return IMAP_LOST;
	} while (r->kind != IMAP_TAGGED);
	return IMAP_OK;
}

static enum imap_result
refused(struct imap_client *c)
{
	str_copy(c->code, sizeof(c->code), c->last.code);
	buf_set(&c->words, "%s refuses the login: %s %s", c->label,
	    c->last.word, c->last.text);
	return IMAP_NO;
}

static enum imap_result
sasl_run(struct imap_client *c, struct sasl *s)
{
	imap_begin(c, "AUTHENTICATE %s", s->mech->name);
	if (c->caps & IMAP_CAP_SASL_IR && s->mech->first) {
		stream_puts(&c->stream, " ");
		if (respond(c, s, "") != IMAP_OK)
			return IMAP_LOST;
	} else {
		imap_end(c);
	}
	c->known = 0;
	if (dialogue(c, s) != IMAP_OK)
		return IMAP_LOST;
	if (c->last.tag != c->tag)
		return imap_fail(c, "answers what was not asked");
	if (strcmp(c->last.word, "OK") != 0)
		return refused(c);
	if (s->mech->mutual && !s->proved)
		return imap_fail(c, "did not prove that it knows the "
		    "password");
	return IMAP_OK;
}

static enum imap_result
sasl(struct imap_client *c, const struct imap_account *a,
    const struct sasl_mech *m, const char *host)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum imap_result r;
	struct sasl s;

	if (sasl_begin(&s, m, a->user, a->password, "imap", host, &why) == -1)
		r = imap_fail(c, "%s", buf_str(&why));
	else
		r = sasl_run(c, &s);
	sasl_end(&s);
	buf_clear(&why);
	return r;
}

static enum imap_result
login_command(struct imap_client *c, const struct imap_account *a)
{
	enum imap_result r;

	if (c->caps & IMAP_CAP_LOGINDISABLED) {
		buf_set(&c->words, "%s offers no login that we know "
		    "(LOGINDISABLED)", c->label);
		return IMAP_NO;
	}
	if (strpbrk(a->user, "\r\n") != NULL ||
	    strpbrk(a->password, "\r\n") != NULL) {
		buf_set(&c->words, "%s: a name or password of several lines "
		    "cannot be said", c->label);
		return IMAP_NO;
	}
	imap_begin(c, "LOGIN ");
	imap_put_string(c, a->user);
	stream_puts(&c->stream, " ");
	imap_put_string(c, a->password);
	imap_end(c);
	c->known = 0;
	r = imap_wait(c, c->tag);
	return r == IMAP_NO ? refused(c) : r;
}

/* A token is nothing that LOGIN could take, and goes under TLS alone. */
static enum imap_result
no_token(struct imap_client *c)
{
	buf_set(&c->words, c->stream.ssl == NULL ?
	    "%s is shown no access token without TLS" :
	    "%s takes no access token (OAUTHBEARER, XOAUTH2)", c->label);
	return IMAP_NO;
}

/* A server that does not know them says NO: we do without. */
static enum imap_result
enable(struct imap_client *c)
{
	if (!(c->caps & IMAP_CAP_ENABLE) || !(c->caps & (IMAP_CAP_QRESYNC |
	    IMAP_CAP_UTF8)))
		return IMAP_OK;
	return imap_command(c, "ENABLE%s%s",
	    c->caps & IMAP_CAP_QRESYNC ? " QRESYNC" : "",
	    c->caps & IMAP_CAP_UTF8 ? " UTF8=ACCEPT" : "") == IMAP_LOST ?
	    IMAP_LOST : IMAP_OK;
}

enum imap_result
imap_login(struct imap_client *c, const struct imap_account *a,
    const char *host)
{
	const struct sasl_mech *m = sasl_choose(c->mechs,
	    c->stream.ssl != NULL, a->secret);
	enum imap_result r;

	if (m != NULL)
		r = sasl(c, a, m, host);
	else if (a->secret == SASL_TOKEN)
		r = no_token(c);
	else
		r = login_command(c, a);
	if (r != IMAP_OK)
		return r;
	if (capabilities(c) != IMAP_OK)
		return IMAP_LOST;
	if (c->caps & IMAP_CAP_ID &&
	    imap_command(c, "ID (\"name\" \"Rohrpost\")") == IMAP_LOST)
		return IMAP_LOST;
	return enable(c);
}
