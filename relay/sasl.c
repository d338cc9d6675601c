#include <stdlib.h>
#include <string.h>

#include <gsasl.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/sasl.h"
#include "relay/sasl_token.h"

enum { HASHES_MAX = 1000 * 1000 };	/* of a password in SCRAM: a second */

static const struct sasl_mech mechs[] = {
	{ .name = "SCRAM-SHA-256", .first = 1, .mutual = 1 },
	{ .name = "SCRAM-SHA-1", .first = 1, .mutual = 1 },
	{ .name = "PLAIN", .clear = 1, .first = 1 },
	{ .name = "LOGIN", .clear = 1 },
	{ .name = "CRAM-MD5" },
	{ .name = "OAUTHBEARER", .clear = 1, .first = 1,
	  .token = SASL_OAUTHBEARER },
	{ .name = "XOAUTH2", .clear = 1, .first = 1, .token = SASL_XOAUTH2 },
};

enum { N_MECHS = sizeof(mechs) / sizeof(mechs[0]) };

static Gsasl *gsasl;

int
sasl_open(struct buf *why)
{
	int err = gsasl_init(&gsasl);

	if (err == GSASL_OK)
		return 0;
	buf_set(why, "GNU SASL: %s", gsasl_strerror(err));
	return -1;
}

int
sasl_is_offered(const struct sasl_mech *m, const char *offered)
{
	struct buf b = BUF_INIT(40);
	int r;

	buf_set(&b, " %s ", m->name);
	r = strstr(offered, buf_str(&b)) != NULL;
	buf_clear(&b);
	return r;
}

const struct sasl_mech *
sasl_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_MECHS; i++)
		if (str_casecmp(mechs[i].name, name) == 0)
			return &mechs[i];
	return NULL;
}

/* Can it be used with what we have? */
static int
is_for(const struct sasl_mech *m, int tls, enum sasl_secret secret)
{
	if (secret == SASL_TOKEN)
		return m->token != 0 && tls;
	return m->token == 0 && (secret != SASL_MASTER || m->clear);
}

const struct sasl_mech *
sasl_choose(const char *offered, int tls, enum sasl_secret secret)
{
	const struct sasl_mech *shows = NULL;
	size_t i;

	for (i = 0; i < N_MECHS; i++) {
		if (!is_for(&mechs[i], tls, secret) ||
		    !sasl_is_offered(&mechs[i], offered))
			continue;
		if (!mechs[i].clear || tls)
			return &mechs[i];
		if (shows == NULL)
			shows = &mechs[i];
	}
	return shows;
}

static int
token_begin(struct sasl *s, const char *user, const char *token,
    const char *host, struct buf *why)
{
	struct buf first = BUF_INIT(0);
	int r;

	r = sasl_token_first((enum sasl_token)s->mech->token, user, token,
	    host, &first, why);
	if (r == 0)
		s->first = mem_strdup(buf_str(&first));
	buf_wipe(&first);
	return r;
}

int
sasl_begin(struct sasl *s, const struct sasl_mech *m, const char *user,
    const char *password, const char *service, const char *host,
    struct buf *why)
{
	Gsasl_session *g;
	int err;

	memset(s, 0, sizeof(*s));
	if (m->token != 0) {
		s->mech = m;
		return token_begin(s, user, password, host, why);
	}
	if ((err = gsasl_client_start(gsasl, m->name, &g)) != GSASL_OK) {
		buf_set(why, "login (%s): %s", m->name, gsasl_strerror(err));
		return -1;
	}
	s->session = g;
	s->mech = m;
	if (gsasl_property_set(g, GSASL_AUTHID, user) == GSASL_OK &&
	    gsasl_property_set(g, GSASL_PASSWORD, password) == GSASL_OK &&
	    gsasl_property_set(g, GSASL_SERVICE, service) == GSASL_OK &&
	    gsasl_property_set(g, GSASL_HOSTNAME, host) == GSASL_OK)
		return 0;
	buf_set(why, "login: GNU SASL takes no name");
	sasl_end(s);
	return -1;
}

/*
 * server-first-message = nonce "," salt "," "i=" iteration-count (RFC 5802 7):
 * we would hash so often, for hours, and no deadline ends it. A nonce and a
 * salt hold no comma. 1: it is too often.
 */
static int
hashes_too_often(const char *challenge)
{
	struct buf text = BUF_INIT(SASL_CHALLENGE_MAX);
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

int
sasl_step(struct sasl *s, const char *challenge, char **out_r, struct buf *why)
{
	int state;

	*out_r = NULL;
	if (strlen(challenge) > SASL_CHALLENGE_MAX / 3 * 4 ||
	    hashes_too_often(challenge)) {
		buf_set(why, "asks for too much work at the login");
		return -1;
	}
	if (s->mech->token != 0) {
		*out_r = mem_strdup(s->said ?
		    sasl_token_answer((enum sasl_token)s->mech->token) :
		    s->first);
		s->said = 1;
		return 0;
	}
	state = gsasl_step64(s->session, challenge, out_r);
	s->proved = state == GSASL_OK;
	if (state == GSASL_OK || state == GSASL_NEEDS_MORE)
		return 0;
	sasl_free(out_r);
	buf_set(why, "login: %s", gsasl_strerror(state));
	return -1;
}

void
sasl_free(char **out)
{
	if (*out != NULL) {
		mem_wipe(*out, strlen(*out));
		free(*out);	/* gsasl_free is the same */
	}
	*out = NULL;
}

void
sasl_end(struct sasl *s)
{
	if (s->session != NULL)
		gsasl_finish(s->session);
	s->session = NULL;
	sasl_free(&s->first);
}
