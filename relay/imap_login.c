#include <stdlib.h>
#include <string.h>

#include <gsasl.h>

#include "lib/base/base64.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/imap_login.h"

enum {
	ROUNDS_MAX = 8,			/* of challenge and answer */
	HASHES_MAX = 1000 * 1000,	/* of a password in SCRAM: a second */
	CHALLENGE_MAX = 2000,
};

/* The best first. */
static const struct mech {
	const char *name;
	int	 clear;		/* shows the password */
} mechs[] = {
	{ "SCRAM-SHA-256", 0 },
	{ "SCRAM-SHA-1", 0 },
	{ "PLAIN", 1 },
};

static Gsasl *gsasl;

int
imap_login_open(struct buf *why)
{
	int err = gsasl_init(&gsasl);

	if (err == GSASL_OK)
		return 0;
	buf_set(why, "GNU SASL: %s", gsasl_strerror(err));
	return -1;
}

static enum imap_result
start_tls(struct imap_client *c, SSL_CTX *ctx, const char *host)
{
	struct buf why = BUF_INIT(300);
	enum imap_result r = IMAP_OK;

	stream_deadline(&c->stream, c->command);
	if (stream_tls_connect(&c->stream, ctx, host, &why) == -1)
		r = imap_fail(c, "%s", buf_str(&why));
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

static const struct mech *
choose(const struct imap_client *c, const struct imap_account *a)
{
	char word[40];
	struct buf b = BUF_INIT(sizeof(word));
	size_t i;

	for (i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		if (a->master && !mechs[i].clear)
			continue;
		buf_set(&b, " %s ", mechs[i].name);
		if (strstr(c->mechs, buf_str(&b)) != NULL)
			break;
	}
	buf_clear(&b);
	return i < sizeof(mechs) / sizeof(mechs[0]) ? &mechs[i] : NULL;
}

/*
 * server-first-message = nonce "," salt "," "i=" iteration-count (RFC 5802 7):
 * we would hash so often, for hours, and no deadline ends it. A nonce and a
 * salt hold no comma. 1: it is too often.
 */
static int
hashes_too_often(const char *challenge)
{
	struct buf text = BUF_INIT(CHALLENGE_MAX);
	const char *p;
	uint64_t n;
	int r = 0;

	if (base64_decode(&text, challenge, strlen(challenge)) == 0)
		for (p = buf_str(&text); (p = strstr(p, ",i=")) != NULL;) {
			p += 3;
			r |= str_number(p, strcspn(p, ","), HASHES_MAX,
			    &n) == -1;
		}
	buf_clear(&text);
	return r;
}

/* An answer of ours, empty or not, and the server's next word. */
static enum imap_result
respond(struct imap_client *c, Gsasl_session *s, const char *challenge,
    int *state_r)
{
	char *out = NULL;

	if (hashes_too_often(challenge))
		return imap_fail(c, "asks for too much work at the login");
	*state_r = gsasl_step64(s, challenge, &out);
	if (*state_r != GSASL_OK && *state_r != GSASL_NEEDS_MORE) {
		gsasl_free(out);
		return imap_fail(c, "login: %s", gsasl_strerror(*state_r));
	}
	stream_puts(&c->stream, out != NULL ? out : "");
	stream_puts(&c->stream, "\r\n");
	if (out != NULL) {
		mem_wipe(out, strlen(out));
		gsasl_free(out);
	}
	return IMAP_OK;
}

/* Until the server's tagged word, which is left in c->last. */
static enum imap_result
dialogue(struct imap_client *c, Gsasl_session *s, int *state_r)
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
		if (round++ == ROUNDS_MAX)
			return imap_fail(c, "does not end the login");
		/* A server that has all proves itself with an empty answer of
		   ours. */
		if (respond(c, s, r->text, state_r) != IMAP_OK)
			return IMAP_LOST;
	} while (r->kind != IMAP_TAGGED);
	return IMAP_OK;
}

static enum imap_result
refused(struct imap_client *c)
{
	buf_set(&c->words, "%s refuses the login: %s %s", c->label,
	    c->last.word, c->last.text);
	return IMAP_NO;
}

static enum imap_result
sasl_run(struct imap_client *c, Gsasl_session *s, const struct mech *m)
{
	int state = GSASL_NEEDS_MORE;

	imap_begin(c, "AUTHENTICATE %s", m->name);
	if (c->caps & IMAP_CAP_SASL_IR) {
		stream_puts(&c->stream, " ");
		if (respond(c, s, "", &state) != IMAP_OK)
			return IMAP_LOST;
	} else {
		imap_end(c);
	}
	c->known = 0;
	if (dialogue(c, s, &state) != IMAP_OK)
		return IMAP_LOST;
	if (c->last.tag != c->tag)
		return imap_fail(c, "answers what was not asked");
	if (strcmp(c->last.word, "OK") != 0)
		return refused(c);
	if (!m->clear && state != GSASL_OK)
		return imap_fail(c, "did not prove that it knows the "
		    "password");
	return IMAP_OK;
}

static enum imap_result
sasl(struct imap_client *c, const struct imap_account *a,
    const struct mech *m, const char *host)
{
	enum imap_result r;
	Gsasl_session *s;
	int err;

	if ((err = gsasl_client_start(gsasl, m->name, &s)) != GSASL_OK)
		return imap_fail(c, "login (%s): %s", m->name,
		    gsasl_strerror(err));
	if (gsasl_property_set(s, GSASL_AUTHID, a->user) != GSASL_OK ||
	    gsasl_property_set(s, GSASL_PASSWORD, a->password) != GSASL_OK ||
	    gsasl_property_set(s, GSASL_SERVICE, "imap") != GSASL_OK ||
	    gsasl_property_set(s, GSASL_HOSTNAME, host) != GSASL_OK)
		r = imap_fail(c, "login: GNU SASL takes no name");
	else
		r = sasl_run(c, s, m);
	gsasl_finish(s);
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
	const struct mech *m = choose(c, a);
	enum imap_result r;

	r = m != NULL ? sasl(c, a, m, host) : login_command(c, a);
	if (r != IMAP_OK)
		return r;
	if (capabilities(c) != IMAP_OK)
		return IMAP_LOST;
	if (c->caps & IMAP_CAP_ID &&
	    imap_command(c, "ID (\"name\" \"Rohrpost\")") == IMAP_LOST)
		return IMAP_LOST;
	return enable(c);
}
