#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "relay/pop3_login.h"

enum {
	CAPS_MAX = 200,			/* lines of CAPA */
	COMMAND_MAX = 255,		/* RFC 2449 4, with CRLF */
	WHY_MAX = 300,
};

static const struct {
	const char *name;
	enum pop3_cap bit;
} caps[] = {
	{ "TOP", POP3_CAP_TOP },
	{ "USER", POP3_CAP_USER },
	{ "UIDL", POP3_CAP_UIDL },
	{ "PIPELINING", POP3_CAP_PIPELINING },
	{ "STLS", POP3_CAP_STLS },
	{ "UTF8", POP3_CAP_UTF8 },
	{ "AUTH-RESP-CODE", POP3_CAP_AUTH_CODE },
};

/* The next word of a line that *p is in, or 0. */
static size_t
next_word(const char **p, const char **word_r)
{
	size_t n;

	*p += strspn(*p, " \t");
	n = strcspn(*p, " \t");
	*word_r = *p;
	*p += n;
	return n;
}

static void
add_mech(struct pop3_client *c, const char *p, size_t len)
{
	size_t i, at = strlen(c->mechs);

	if (at + len + 3 > sizeof(c->mechs))
		return;
	if (at == 0)
		c->mechs[at++] = ' ';
	for (i = 0; i < len; i++)
		c->mechs[at++] = (char)toupper((unsigned char)p[i]);
	c->mechs[at++] = ' ';
	c->mechs[at] = '\0';
}

/* capa-tag *(SP param) (RFC 2449 3) */
static void
take_cap(struct pop3_client *c, const char *line)
{
	const char *word;
	size_t i, n = next_word(&line, &word);
	uint64_t s;

	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (str_is(word, n, caps[i].name))
			c->caps |= caps[i].bit;
	if (str_is(word, n, "SASL"))
		while ((n = next_word(&line, &word)) > 0)
			add_mech(c, word, n);
	/* "LOGIN-DELAY" SP minimum-seconds [SP "USER"]: it may be another for
	   each user, and is told anew after the login. */
	else if (str_is(word, n, "LOGIN-DELAY") &&
	    (n = next_word(&line, &word)) > 0 &&
	    str_number(word, n, POP3_DELAY_MAX, &s) == 0)
		c->login_delay = (unsigned)s;
}

/* CAPA; a server that does not know it is asked for nothing that it names. */
static enum pop3_result
capabilities(struct pop3_client *c)
{
	enum pop3_result r;
	unsigned n = 0;
	size_t len;
	char *p;

	c->caps = 0;
	c->mechs[0] = '\0';
	c->has_capa = 0;
	if ((r = pop3_command(c, "CAPA")) == POP3_LOST)
		return r;
	c->has_capa = r == POP3_OK;
	while (r == POP3_OK)
		if ((r = pop3_line_next(c, &p, &len)) == POP3_OK) {
			if (n++ == CAPS_MAX)
				return pop3_fail(c, "does not end the list "
				    "of what it offers");
			take_cap(c, p);
		}
	return r == POP3_LOST ? r : POP3_OK;
}

static enum pop3_result
start_tls(struct pop3_client *c, SSL_CTX *ctx, const char *host)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum pop3_result r = POP3_OK;

	c->no_tls = 1;
	stream_deadline(&c->stream, c->command);
	if (stream_tls_connect(&c->stream, ctx, host, &why) == -1)
		r = pop3_fail(c, "%s", buf_str(&why));
	else
		c->no_tls = 0;
	buf_clear(&why);
	return r;
}

/* RFC 2595 4: what was known before TLS is forgotten. */
static enum pop3_result
upgrade(struct pop3_client *c, SSL_CTX *ctx, const char *host)
{
	enum pop3_result r;

	c->no_tls = 1;
	if (c->has_capa && !(c->caps & POP3_CAP_STLS))
		return pop3_fail(c, "offers no STLS");
	if ((r = pop3_command(c, "STLS")) != POP3_OK)
		return r;
	if (stream_has_input(&c->stream))
		return pop3_fail(c, "said something between STLS and TLS");
	return start_tls(c, ctx, host);
}

enum pop3_result
pop3_greet(struct pop3_client *c, enum pop3_security s, SSL_CTX *ctx,
    const char *host)
{
	enum pop3_result r;

	if (s == POP3_TLS && start_tls(c, ctx, host) != POP3_OK)
		return POP3_LOST;
	if ((r = pop3_wait(c)) != POP3_OK)
		return r;
	if (capabilities(c) != POP3_OK)
		return POP3_LOST;
	if (s != POP3_STARTTLS)
		return POP3_OK;
	if ((r = upgrade(c, ctx, host)) != POP3_OK)
		return r;
	return capabilities(c);
}

/* Is one of the words, which a blank or the end parts, in the text? */
static int
says(const char *text, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcasestr(text, words[i]) != NULL)
			return 1;
	return 0;
}

/*
 * RFC 3206 4: who offers AUTH-RESP-CODE says [AUTH] where the name or the
 * password is at fault. Others tell it by their words, if at all.
 */
static enum pop3_result
refused(struct pop3_client *c)
{
	static const char *const in_use[] = { "lock", "in use", "busy",
		"another session", "already" };
	static const char *const later[] = { "temporar", "try again", "later",
		"unavailable", "too many", "internal" };
	const char *text = buf_str(&c->text);

	buf_set(&c->words, "%s refuses the login: %s", c->label, text);
	if (c->code != POP3_CODE_NONE)
		return POP3_NO;
	if (says(text, in_use, sizeof(in_use) / sizeof(in_use[0])))
		c->code = POP3_CODE_IN_USE;
	else if (c->caps & POP3_CAP_AUTH_CODE ||
	    says(text, later, sizeof(later) / sizeof(later[0])))
		c->code = POP3_CODE_TEMPORARY;
	else
		c->code = POP3_CODE_AUTH;
	return POP3_NO;
}

static enum pop3_result
no_way(struct pop3_client *c, const char *words)
{
	buf_set(&c->words, "%s %s", c->label, words);
	c->code = POP3_CODE_PERMANENT;
	return POP3_NO;
}

/* The client's next word of the dialogue. */
static enum pop3_result
respond(struct pop3_client *c, struct sasl *s, const char *challenge)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum pop3_result r = POP3_OK;
	char *out;

	if (sasl_step(s, challenge, &out, &why) == -1)
		r = pop3_fail(c, "%s", buf_str(&why));
	else
		stream_printf(&c->stream, "%s\r\n", out != NULL ? out : "");
	sasl_free(&out);
	buf_clear(&why);
	return r;
}

/* AUTH with what the client says first, where both fit one line; *left_r is
   that where it does not. */
static enum pop3_result
ask(struct pop3_client *c, struct sasl *s, char **left_r)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum pop3_result r = POP3_OK;

	*left_r = NULL;
	if (s->mech->first && sasl_step(s, "", left_r, &why) == -1)
		r = pop3_fail(c, "%s", buf_str(&why));
	else if (*left_r != NULL && strlen(*left_r) + strlen(s->mech->name) +
	    sizeof("AUTH  \r\n") - 1 <= COMMAND_MAX) {
		pop3_send(c, "AUTH %s %s", s->mech->name, *left_r);
		sasl_free(left_r);
	} else {
		pop3_send(c, "AUTH %s", s->mech->name);
	}
	buf_clear(&why);
	return r;
}

/* Challenges ("+ " base64) until +OK or -ERR. left: see ask. */
static enum pop3_result
dialogue(struct pop3_client *c, struct sasl *s, char **left)
{
	unsigned round;
	size_t len;
	char *p;

	for (round = 0; round < SASL_ROUNDS_MAX; round++) {
		if (pop3_read(c, &p, &len) != POP3_OK)
			return POP3_LOST;
		if (*p != '+' || (p[1] != ' ' && p[1] != '\0')) {
			c->waiting--;
			return pop3_status(c, p, len);
		}
		if (*left != NULL) {
			stream_printf(&c->stream, "%s\r\n", *left);
			sasl_free(left);
		} else if (respond(c, s, p + 1 + (p[1] == ' ')) != POP3_OK) {
			return POP3_LOST;
		}
	}
	return pop3_fail(c, "does not end the login");
}

static enum pop3_result
sasl_login(struct pop3_client *c, const struct sasl_mech *m,
    const char *user, const char *password, const char *host)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum pop3_result r;
	char *left = NULL;
	struct sasl s;

	if (sasl_begin(&s, m, user, password, "pop", host, &why) == -1) {
		r = no_way(c, buf_str(&why));
	} else {
		if ((r = ask(c, &s, &left)) == POP3_OK)
			r = dialogue(c, &s, &left);
		if (r == POP3_NO)
			r = refused(c);
		else if (r == POP3_OK && m->mutual && !s.proved)
			r = pop3_fail(c, "did not prove that it knows the "
			    "password");
	}
	sasl_free(&left);
	sasl_end(&s);
	buf_clear(&why);
	return r;
}

static enum pop3_result
user_login(struct pop3_client *c, const char *user, const char *password)
{
	enum pop3_result r;

	if (!str_is_text(user, strlen(user)) ||
	    !str_is_text(password, strlen(password)))
		return no_way(c, "cannot be told a name or password of "
		    "several lines");
	r = pop3_command(c, "USER %s", user);
	if (r == POP3_OK)
		r = pop3_command(c, "PASS %s", password);
	return r == POP3_NO ? refused(c) : r;
}

static enum pop3_result
enter(struct pop3_client *c, int covered, const char *user,
    const char *password, enum sasl_secret secret, const char *host)
{
	const struct sasl_mech *m = sasl_choose(c->mechs,
	    c->stream.ssl != NULL, secret);

	if (m != NULL && (covered || !m->clear))
		return sasl_login(c, m, user, password, host);
	if (secret == SASL_TOKEN)
		return no_way(c, c->stream.ssl == NULL ?
		    "is shown no access token without TLS" :
		    "takes no access token (OAUTHBEARER, XOAUTH2)");
	if (!covered)
		return no_way(c, "offers no login that is safe without TLS");
	/* Servers that have nothing else do not always name it. */
	if (c->mechs[0] != '\0' && !(c->caps & POP3_CAP_USER))
		return no_way(c, "offers no login that we know");
	return user_login(c, user, password);
}

enum pop3_result
pop3_login(struct pop3_client *c, enum pop3_security s, const char *user,
    const char *password, enum sasl_secret secret, const char *host)
{
	enum pop3_result r;

	r = enter(c, s == POP3_PLAIN || c->stream.ssl != NULL, user, password,
	    secret, host);
	return r == POP3_OK ? capabilities(c) : r;
}
