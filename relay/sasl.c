#include <string.h>

#include <gsasl.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/sasl.h"

enum { HASHES_MAX = 1000 * 1000 };	/* of a password in SCRAM: a second */

static const struct sasl_mech mechs[] = {
	{ .name = "SCRAM-SHA-256", .first = 1, .mutual = 1 },
	{ .name = "SCRAM-SHA-1", .first = 1, .mutual = 1 },
	{ .name = "PLAIN", .clear = 1, .first = 1 },
	{ .name = "LOGIN", .clear = 1 },
	{ .name = "CRAM-MD5" },
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

static int
is_offered(const struct sasl_mech *m, const char *offered)
{
	struct buf b = BUF_INIT(40);
	int r;

	buf_set(&b, " %s ", m->name);
	r = strstr(offered, buf_str(&b)) != NULL;
	buf_clear(&b);
	return r;
}

const struct sasl_mech *
sasl_choose(const char *offered, int tls, int master)
{
	const struct sasl_mech *shows = NULL;
	size_t i;

	for (i = 0; i < N_MECHS; i++) {
		if ((master && !mechs[i].clear) ||
		    !is_offered(&mechs[i], offered))
			continue;
		if (!mechs[i].clear || tls)
			return &mechs[i];
		if (shows == NULL)
			shows = &mechs[i];
	}
	return shows;
}

int
sasl_begin(struct sasl *s, const struct sasl_mech *m, const char *user,
    const char *password, const char *service, const char *host,
    struct buf *why)
{
	Gsasl_session *g;
	int err;

	memset(s, 0, sizeof(*s));
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
		gsasl_free(*out);
	}
	*out = NULL;
}

void
sasl_end(struct sasl *s)
{
	if (s->session != NULL)
		gsasl_finish(s->session);
	s->session = NULL;
}
