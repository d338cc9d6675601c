#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/relay_auth.h"
#include "relay/sasl.h"

enum {
	MECH_MAX = 32,
	/* RFC 5321 4.5.3.1.4, with CRLF. "If the initial response argument
	   would cause the AUTH command to exceed this length, the client MUST
	   NOT use the initial response parameter" (RFC 4954 4). */
	COMMAND_MAX = 512,
	WHY_MAX = 300,
};

int
auth_open(struct buf *why)
{
	return sasl_open(why);
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
		if (sasl_find(word) == NULL)
			return word;
	return NULL;
}

int
auth_secrets(const char *list)
{
	char word[MECH_MAX];
	const struct sasl_mech *m;
	int kinds = 0;

	while (next_word(&list, word, sizeof(word)))
		if ((m = sasl_find(word)) != NULL)
			kinds |= m->token != 0 ? AUTH_TOKEN : AUTH_PASSWORD;
	return kinds;
}

static const struct sasl_mech *
mech_choose(const struct relay_client *c, const char *list)
{
	char word[MECH_MAX];
	const struct sasl_mech *m;

	while (next_word(&list, word, sizeof(word))) {
		m = sasl_find(word);
		if (m != NULL && (!m->clear || c->stream.ssl != NULL) &&
		    sasl_is_offered(m, c->mechs))
			return m;
	}
	return NULL;
}

/* One step: the challenge in the last reply, or "", to an answer in *out_r. */
static enum result
auth_step(struct relay_client *c, struct sasl *s, char **out_r)
{
	struct buf why = BUF_INIT(WHY_MAX);
	size_t at = 0, len = 0;
	const char *p = reply_next(&c->reply, &at, &len);
	char *challenge = mem_strndup(p != NULL ? p : "", len);
	enum result r = RESULT_DELIVERED;

	if (sasl_step(s, challenge, out_r, &why) == -1)
		r = client_fail(c, "4.7.8", "%s: %s", s->mech->name,
		    buf_str(&why));
	free(challenge);
	buf_clear(&why);
	return r;
}

static enum result
auth_refused(struct relay_client *c, const struct sasl_mech *m)
{
	struct buf said = BUF_INIT(RESULT_WORDS_MAX);

	if (reply_class(&c->reply) == 4 || reply_class(&c->reply) == 5)
		reply_words(&c->reply, c->label, &said);
	client_fail(c, "4.7.8", "refuses our login (%s): %s", m->name,
	    buf_str(&said));
	buf_clear(&said);
	return RESULT_LATER;
}

/* The dialogue after the first line: 334 challenges until 235 or a refusal.
   left: what did not fit that line, or NULL. */
static enum result
auth_dialogue(struct relay_client *c, struct sasl *s, char **left)
{
	enum result r = RESULT_DELIVERED;
	unsigned round;

	for (round = 0; c->reply.code == 334 && round < SASL_ROUNDS_MAX;
	    round++) {
		if (*left == NULL &&
		    (r = auth_step(c, s, left)) != RESULT_DELIVERED)
			return r;
		r = client_command(c, c->times->command, "%s",
		    *left != NULL ? *left : "");
		sasl_free(left);
		if (r != RESULT_DELIVERED)
			return r;
	}
	if (c->reply.code != 235)
		return auth_refused(c, s->mech);
	if (s->mech->mutual && !s->proved)
		return client_fail(c, "4.7.8",
		    "did not prove that it knows the password");
	return RESULT_DELIVERED;
}

static enum result
auth_run(struct relay_client *c, struct sasl *s)
{
	const char *name = s->mech->name;
	char *out = NULL;
	enum result r;

	reply_reset(&c->reply);
	if (s->mech->first &&
	    (r = auth_step(c, s, &out)) != RESULT_DELIVERED)
		return r;
	if (out != NULL && strlen("AUTH  \r\n") + strlen(name) +
	    strlen(out) <= COMMAND_MAX) {
		r = client_command(c, c->times->command, "AUTH %s %s", name,
		    out);
		sasl_free(&out);
	} else {
		r = client_command(c, c->times->command, "AUTH %s", name);
	}
	if (r == RESULT_DELIVERED)
		r = auth_dialogue(c, s, &out);
	sasl_free(&out);
	return r;
}

enum result
auth_login(struct relay_client *c, const struct credentials *who,
    const char *host)
{
	const struct sasl_mech *m = mech_choose(c, who->mechs);
	struct buf why = BUF_INIT(WHY_MAX);
	struct sasl s;
	enum result r;

	if (m == NULL)
		return client_fail(c, "4.7.0", c->stream.ssl == NULL ?
		    "offers no login that is safe without TLS" :
		    "offers no login that we know");
	if (sasl_begin(&s, m, who->user, who->password, "smtp", host,
	    &why) == -1)
		r = client_fail(c, "4.7.0", "%s: %s", m->name, buf_str(&why));
	else
		r = auth_run(c, &s);
	sasl_end(&s);
	buf_clear(&why);
	return r;
}
