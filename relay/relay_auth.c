#include <stdlib.h>
#include <string.h>

#include <gsasl.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/relay_auth.h"

enum { ROUNDS_MAX = 8, MECH_MAX = 32 };

static const struct mech {
	const char *name;
	int	 clear;		/* shows the password */
	int	 first;		/* the client speaks first */
	int	 mutual;	/* the server proves itself too */
} mechs[] = {
	{ "SCRAM-SHA-256", 0, 1, 1 },
	{ "PLAIN", 1, 1, 0 },
	{ "LOGIN", 1, 0, 0 },
};

static Gsasl *gsasl;

int
auth_open(struct buf *why)
{
	int err = gsasl_init(&gsasl);

	if (err == GSASL_OK)
		return 0;
	buf_set(why, "GNU SASL: %s", gsasl_strerror(err));
	return -1;
}

static const struct mech *
mech_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++)
		if (str_casecmp(mechs[i].name, name) == 0)
			return &mechs[i];
	return NULL;
}

/* Copies the next word of the list at *p; 0 at its end. */
static int
next_word(const char **p, char *word, size_t size)
{
	size_t n;

	*p += strspn(*p, " \t,");
	n = strcspn(*p, " \t,");
	if (n == 0)
		return 0;
	str_copy(word, n + 1 < size ? n + 1 : size, *p);
	*p += n;
	return 1;
}

const char *
auth_unknown(const char *list, char *word, size_t size)
{
	while (next_word(&list, word, size))
		if (mech_find(word) == NULL)
			return word;
	return NULL;
}

static const struct mech *
mech_choose(const struct relay_client *c, const char *list)
{
	char word[MECH_MAX], padded[MECH_MAX + 2];
	const struct mech *m;
	struct buf b = BUF_INIT(sizeof(padded));

	while (next_word(&list, word, sizeof(word))) {
		m = mech_find(word);
		if (m == NULL || (m->clear && c->stream.ssl == NULL))
			continue;
		buf_set(&b, " %s ", m->name);
		if (strstr(c->mechs, buf_str(&b)) != NULL) {
			buf_clear(&b);
			return m;
		}
	}
	buf_clear(&b);
	return NULL;
}

/* One step: the challenge in the last reply, or "", to an answer in *out_r. */
static int
auth_step(struct relay_client *c, Gsasl_session *s, char **out_r)
{
	size_t at = 0, len = 0;
	const char *p = reply_next(&c->reply, &at, &len);
	char *challenge = mem_strndup(p != NULL ? p : "", len);
	int err;

	*out_r = NULL;
	err = gsasl_step64(s, challenge, out_r);
	free(challenge);
	return err;
}

static void
secret_free(char **p)
{
	if (*p != NULL) {
		mem_wipe(*p, strlen(*p));
		gsasl_free(*p);
	}
	*p = NULL;
}

static enum result
auth_refused(struct relay_client *c, const struct mech *m)
{
	struct buf said = BUF_INIT(RESULT_WORDS_MAX);

	if (reply_class(&c->reply) == 4 || reply_class(&c->reply) == 5)
		reply_words(&c->reply, c->label, &said);
	client_fail(c, "4.7.8", "refuses our login (%s): %s", m->name,
	    buf_str(&said));
	buf_clear(&said);
	return RESULT_LATER;
}

/* The dialogue after the first line: 334 challenges until 235 or a refusal. */
static enum result
auth_dialogue(struct relay_client *c, Gsasl_session *s, const struct mech *m,
    int state)
{
	unsigned round;
	char *out;
	enum result r;

	for (round = 0; c->reply.code == 334 && round < ROUNDS_MAX; round++) {
		state = auth_step(c, s, &out);
		if (state != GSASL_OK && state != GSASL_NEEDS_MORE) {
			secret_free(&out);
			return client_fail(c, "4.7.8", "login (%s): %s",
			    m->name, gsasl_strerror(state));
		}
		r = client_command(c, c->times->command, "%s",
		    out != NULL ? out : "");
		secret_free(&out);
		if (r != RESULT_DELIVERED)
			return r;
	}
	if (c->reply.code != 235)
		return auth_refused(c, m);
	if (m->mutual && state != GSASL_OK)
		return client_fail(c, "4.7.8",
		    "did not prove that it knows the password");
	return RESULT_DELIVERED;
}

static enum result
auth_run(struct relay_client *c, Gsasl_session *s, const struct mech *m)
{
	char *out = NULL;
	int state = GSASL_NEEDS_MORE;
	enum result r;

	reply_reset(&c->reply);
	if (m->first) {
		state = auth_step(c, s, &out);
		if (state != GSASL_OK && state != GSASL_NEEDS_MORE) {
			secret_free(&out);
			return client_fail(c, "4.7.8", "login (%s): %s",
			    m->name, gsasl_strerror(state));
		}
	}
	r = client_command(c, c->times->command, "AUTH %s%s%s", m->name,
	    out != NULL ? " " : "", out != NULL ? out : "");
	secret_free(&out);
	return r == RESULT_DELIVERED ? auth_dialogue(c, s, m, state) : r;
}

enum result
auth_login(struct relay_client *c, const struct credentials *who,
    const char *host)
{
	const struct mech *m = mech_choose(c, who->mechs);
	Gsasl_session *s;
	enum result r;
	int err;

	if (m == NULL)
		return client_fail(c, "4.7.0", c->stream.ssl == NULL ?
		    "offers no login that is safe without TLS" :
		    "offers no login that we know");
	if ((err = gsasl_client_start(gsasl, m->name, &s)) != GSASL_OK)
		return client_fail(c, "4.7.0", "login (%s): %s", m->name,
		    gsasl_strerror(err));
	if (gsasl_property_set(s, GSASL_AUTHID, who->user) != GSASL_OK ||
	    gsasl_property_set(s, GSASL_PASSWORD, who->password) != GSASL_OK ||
	    gsasl_property_set(s, GSASL_SERVICE, "smtp") != GSASL_OK ||
	    gsasl_property_set(s, GSASL_HOSTNAME, host) != GSASL_OK)
		r = client_fail(c, "4.7.0", "login: GNU SASL takes no name");
	else
		r = auth_run(c, s, m);
	gsasl_finish(s);
	return r;
}
