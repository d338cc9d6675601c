#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/tls.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_command.h"
#include "smtpd/smtpd_local.h"
#include "smtpd/smtpd_session.h"

/* Octets that are read and dropped after the last reply. */
enum { LINGER_MAX = 1 << 20 };

static void
session_begin(struct smtp_session *s, const struct session *client)
{
	const char *end;
	size_t len;

	memset(s, 0, sizeof(*s));
	stream_init(&s->io, client->fd);
	s->service = client->service;
	s->state = SMTP_START;
	s->progress = clock_mono_ms();
	str_copy(s->remote, sizeof(s->remote), client->remote);
	/* "[2001:db8::1]:25" or "192.0.2.1:25" */
	str_copy(s->ip, sizeof(s->ip), client->remote);
	end = strrchr(s->ip, ':');
	if (end != NULL)
		s->ip[end - s->ip] = '\0';
	len = strlen(s->ip);
	if (len > 1 && s->ip[0] == '[' && s->ip[len - 1] == ']') {
		memmove(s->ip, s->ip + 1, len - 2);
		s->ip[len - 2] = '\0';
	}
	s->normalize = s->service == SERVICE_SMTP && (smtpd.conf.normalize ||
	    nets_have(&smtpd.normalize, s->ip));
	if (s->service == SERVICE_LOCAL)
		smtpd_local_login(s, client->uid);
}

/* 0, or -1 where the client is refused before it was greeted. */
static int
session_check(struct smtp_session *s, int crowded)
{
	struct smtp_case c = { .crowded = crowded };
	struct smtp_refusal r = smtp_check(s, STAGE_CONNECT, &c);

	if (r.code == 0)
		return 0;
	/* Under TLS at once there are no words before the handshake. */
	if (s->service == SERVICE_SUBMISSIONS)
		return -1;
	/* To linger costs a worker a second: not where too many came. */
	if (r.code < 500)
		smtp_refuse(s, &r);
	else
		smtp_end(s, r.code, r.status, r.words);
	return -1;
}

/* The handshake where TLS comes first. 0, or -1. */
static int
session_secure(struct smtp_session *s)
{
	struct buf why = BUF_INIT(500);
	int r;

	if (s->service != SERVICE_SUBMISSIONS)
		return 0;
	stream_deadline(&s->io, TLS_TIME * 1000);
	r = smtpd.tls == NULL ? -1 :
	    stream_tls_accept(&s->io, smtpd.tls, &why);
	if (r == -1)
		log_info("client %s: %s", s->remote, buf_str(&why));
	else
		tls_describe(s->io.ssl, s->tls, sizeof(s->tls));
	buf_clear(&why);
	return r;
}

/* True at the first octet of a TLS hello: no line will come. */
static int
session_is_tls_hello(struct smtp_session *s)
{
	char *p;
	size_t n;

	if (s->io.ssl != NULL || s->state != SMTP_START || s->errors > 0)
		return 0;
	if ((n = stream_peek(&s->io, &p)) == 0) {
		if (smtp_wait(s, 0, NULL, NULL) != STREAM_OK)
			return 0;
		n = stream_peek(&s->io, &p);
	}
	return n > 0 && *p == 0x16;
}

static void
session_run(struct smtp_session *s, char *line, size_t len)
{
	const struct smtp_command *c;
	struct smtp_refusal r;
	struct smtp_args args;
	size_t verb_len;
	char *verb;

	if (smtp_command_split(line, len, &verb, &verb_len, &args) == -1 ||
	    (c = smtp_command_find(verb, verb_len)) == NULL) {
		smtp_reply(s, 500, "5.5.2", "unknown command");
		return;
	}
	if (c->flags & CMD_JUNK)
		s->junk++;
	r = smtp_command_judge(c, s, args.words);
	if (len > COMMAND_LINE_MAX && !(c->flags & CMD_LONG))
		smtp_reply(s, 500, "5.5.2", "line too long");
	else if (r.code == 501)
		smtp_reply(s, 501, r.status, "syntax: %s", c->usage);
	else if (r.code != 0)
		smtp_refuse(s, &r);
	else {
		c->run(s, &args);
		if (!(c->flags & CMD_JUNK))
			s->progress = clock_mono_ms();
		return;
	}
	if (c->flags & CMD_DATA)
		smtp_refused_data(s);
}

static void
session_limits(struct smtp_session *s)
{
	if (s->closing)
		return;
	if (s->errors >= smtpd.conf.errors) {
		log_info("client %s: too many errors", s->remote);
		smtp_end(s, 421, "4.7.0", "too many errors, bye");
	} else if (s->junk >= smtpd.conf.junk) {
		log_info("client %s: too many commands", s->remote);
		smtp_end(s, 421, "4.7.0", "too many commands, bye");
	}
}

static void
session_command(struct smtp_session *s)
{
	/* Who has logged in may lose it at any moment. */
	int stop = server_ending(smtpd_takes_login(s) && s->login[0] != '\0');
	char *line;
	size_t len;

	if (server_kicked()) {
		smtp_kicked(s);
		return;
	}
	if (stop && !smtp_in_transaction(s)) {
		smtp_end(s, 421, "4.3.2", "the server stops, come again");
		return;
	}
	stream_deadline(&s->io, stop ? SMTP_STOP_MS :
	    (int64_t)smtpd.conf.command_time * 1000);
	if (session_is_tls_hello(s)) {
		log_info("client %s: TLS in the clear", s->remote);
		s->closing = 1;
	}
	if (s->closing)
		return;
	if (smtp_read(s, AUTH_LINE_MAX, &line, &len) == 0)
		session_run(s, line, len);
	session_limits(s);
}

void
smtpd_serve(const struct session *client)
{
	struct smtp_session s;
	unsigned i;

	session_begin(&s, client);
	if (session_check(&s, client->crowded) == 0 &&
	    session_secure(&s) == 0) {
		stream_printf(&s.io, "220 %s ESMTP Rohrpost\r\n",
		    smtpd.hostname);
		while (!s.closing)
			session_command(&s);
	}
	if (s.linger)
		stream_linger(&s.io, SMTP_LINGER_MS, LINGER_MAX);
	stream_close(&s.io);
	buf_clear(&s.env.recipients);
	buf_clear(&s.env.local);
	for (i = 0; i < SCOPES; i++) {
		buf_clear(&s.notes[i].fields);
		buf_clear(&s.notes[i].packed);
	}
	mem_wipe(&s, sizeof(s));
}
