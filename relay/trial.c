#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "relay/relay_auth.h"
#include "relay/relay_connect.h"
#include "relay/trial.h"

static const struct client_times times = {
	.connect = TRIAL_CONNECT_MS,
	.greeting = TRIAL_REPLY_MS,
	.command = TRIAL_REPLY_MS,
	.data = TRIAL_REPLY_MS,
	.block = TRIAL_REPLY_MS,
	.dot = TRIAL_REPLY_MS,
	.quit = 1000,
	.session = TRIAL_ALL_MS,
	.rate = 8000,
};

/* What a server said that refuses; else what the client makes of it, without
   code and label: "4.7.5 host [ip] text". */
static void
put_said(struct relay_client *c, struct buf *words)
{
	const char *p = buf_str(&c->words), *text;
	size_t at = 0, len;

	buf_reset(words);
	if (c->reply.code >= 400) {
		buf_printf(words, "%d", c->reply.code);
		while ((text = reply_next(&c->reply, &at, &len)) != NULL)
			buf_printf(words, " %.*s", (int)len, text);
		return;
	}
	if (strstr(p, c->label) != NULL)
		p = strstr(p, c->label) + strlen(c->label);
	buf_puts(words, p + strspn(p, " :"));
}

static enum trial_result
handshake_result(const struct relay_client *c)
{
	return strstr(buf_str(&c->words), "TLS: certificate:") != NULL ?
	    TRIAL_CERTIFICATE : TRIAL_TLS_FAILED;
}

/* What the greeting came to. Who connects and hears nothing waits for a server
   that waits for TLS. */
static enum trial_result
greeting_result(const struct relay_client *c, const struct trial_question *q)
{
	if (c->reply.code >= 400)
		return TRIAL_REFUSED;
	return c->reply.lines == 0 && q->tls != TRIAL_TLS_AT_ONCE &&
	    strstr(buf_str(&c->words), "in time") != NULL ?
	    TRIAL_TLS_FAILED : TRIAL_NO_MAIL;
}

static enum trial_result
login(struct relay_client *c, const struct trial_question *q)
{
	const struct credentials who = { .user = q->user,
		.password = q->password,
		.mechs = "SCRAM-SHA-256 PLAIN LOGIN" };

	if (q->user[0] == '\0')
		return TRIAL_OPEN;
	reply_reset(&c->reply);
	if (auth_login(c, &who, q->host) == RESULT_DELIVERED)
		return TRIAL_OPEN;
	if (strstr(buf_str(&c->words), "offers no login") != NULL)
		return TRIAL_NO_LOGIN;
	/* RFC 4954 6: 535, and 534 where the mechanism is too weak. */
	return c->reply.code == 535 || c->reply.code == 534 ?
	    TRIAL_PASSWORD : TRIAL_REFUSED;
}

static enum trial_result
dialogue(struct relay_client *c, const struct trial_question *q,
    SSL_CTX *ctx)
{
	if (q->tls == TRIAL_TLS_AT_ONCE &&
	    client_tls(c, ctx, q->host) != RESULT_DELIVERED)
		return handshake_result(c);
	if (client_greet(c, q->hostname) != RESULT_DELIVERED)
		return greeting_result(c, q);
	if (q->tls == TRIAL_TLS_STARTTLS) {
		if (!(c->features & CLIENT_STARTTLS))
			return TRIAL_NO_TLS;
		if (client_starttls(c, ctx, q->host, q->hostname) !=
		    RESULT_DELIVERED)
			return strstr(buf_str(&c->words), "TLS") != NULL ?
			    handshake_result(c) : TRIAL_REFUSED;
	}
	return login(c, q);
}

static enum trial_result
smtp(const struct trial_question *q, int fd, const char *label, SSL_CTX *ctx,
    struct buf *words)
{
	struct relay_client c;
	enum trial_result r;

	client_init(&c, fd, label, &times);
	r = dialogue(&c, q, ctx);
	put_said(&c, words);
	if (r == TRIAL_OPEN || !c.dead)
		client_quit(&c);
	else
		client_clear(&c);
	return r;
}

static enum trial_result
run_address(const struct trial_question *q, const struct addr *a,
    const char *ip, int64_t left, SSL_CTX *ctx, struct buf *words)
{
	static enum trial_result (*const run[])(const struct trial_question *,
	    int, const char *, SSL_CTX *, struct buf *) = {
		[TRIAL_SMTP] = smtp, [TRIAL_IMAP] = trial_imap,
		[TRIAL_POP3] = trial_pop3,
	};
	struct buf label = BUF_INIT(CLIENT_LABEL_MAX - 1);
	int fd = connect_address(a, left < times.connect ? left :
	    times.connect);
	enum trial_result r;

	if (fd == -1) {
		buf_set(words, "%s", strerror(errno));
		return TRIAL_NO_ANSWER;
	}
	buf_printf(&label, "%s [%s]", q->host, ip);
	r = run[q->protocol](q, fd, buf_str(&label), ctx, words);
	buf_clear(&label);
	return r;
}

enum trial_result
trial_run(const struct trial_question *q, SSL_CTX *ctx, struct buf *words)
{
	int64_t end = clock_mono_ms() + TRIAL_CONNECT_ALL_MS, left;
	enum trial_result r = TRIAL_NO_ANSWER;
	struct addr a;
	unsigned i;

	buf_set(words, "%s", strerror(EADDRNOTAVAIL));
	for (i = 0; i < q->n && r == TRIAL_NO_ANSWER &&
	    (left = end - clock_mono_ms()) > 0; i++)
		if (addr_of_ip(&a, q->ip[i], strlen(q->ip[i]), q->port) == 0)
			r = run_address(q, &a, q->ip[i], left, ctx, words);
	return r;
}
