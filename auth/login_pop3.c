/*
 * POP3 before login, the AUTHORIZATION state (RFC 1939 4, RFC 2449 CAPA, RFC
 * 2595 STLS, RFC 5034 AUTH, RFC 3206 AUTH-RESP-CODE). After a login the
 * session itself answers: it alone knows whether it got the lock.
 */
#include <string.h>

#include "auth/login_pop3.h"
#include "lib/base/str.h"
#include "lib/mail/pop3_capability.h"

struct pop3_command {
	const char *name;
	enum login_want (*run)(struct login_talk *t, const char *arg,
	    size_t len);
	int	 tls;		/* only under TLS */
};

static enum login_want
err(struct login_talk *t, const char *text)
{
	buf_printf(&t->out, "-ERR %s\r\n", text);
	return login_talk_error(t);
}

static void
pop3_greet(struct login_talk *t)
{
	buf_puts(&t->out, "+OK Rohrpost ready\r\n");
}

static void
pop3_bye(struct login_talk *t, const char *words)
{
	buf_printf(&t->out, "-ERR %s\r\n", words);
}

static void
pop3_refused(struct login_talk *t, enum login_reason why)
{
	static const char *const text[] = {
		[LOGIN_BAD] = "-ERR [AUTH] wrong name or password\r\n",
		[LOGIN_LATER] = "-ERR [SYS/TEMP] temporary trouble, try "
		    "again later\r\n",
		[LOGIN_LIMIT] = "-ERR [SYS/TEMP] too many failed logins, "
		    "wait a while\r\n",
		[LOGIN_SESSIONS] = "-ERR [SYS/TEMP] too many open sessions of "
		    "this user\r\n",
		[LOGIN_PROTOCOL] = "-ERR [AUTH] POP3 is switched off for this "
		    "account\r\n",
	};

	buf_puts(&t->out, text[why]);
}

static void
pop3_passed(struct login_talk *t)
{
}

static enum login_want
pop3_forbidden(struct login_talk *t)
{
	return err(t, "[AUTH] nobody acts for another");
}

static enum login_want
run_capa(struct login_talk *t, const char *arg, size_t len)
{
	buf_puts(&t->out, "+OK\r\n" POP3_CAPABILITY);
	buf_puts(&t->out, t->tls ? "USER\r\nSASL PLAIN\r\n.\r\n" :
	    "STLS\r\n.\r\n");
	return login_talk_command(t);
}

static enum login_want
run_stls(struct login_talk *t, const char *arg, size_t len)
{
	if (t->tls)
		return err(t, "TLS is on already");
	if (len > 0)
		return err(t, "STLS takes no arguments");
	buf_puts(&t->out, "+OK begin TLS now\r\n");
	return LOGIN_TLS;
}

static enum login_want
run_quit(struct login_talk *t, const char *arg, size_t len)
{
	buf_puts(&t->out, "+OK until next time\r\n");
	return LOGIN_END;
}

static enum login_want
run_user(struct login_talk *t, const char *arg, size_t len)
{
	if (len == 0 || login_talk_set(t, arg, len, "", 0) == -1)
		return err(t, "USER takes a name");
	/* Nobody learns here who exists. */
	buf_puts(&t->out, "+OK\r\n");
	return login_talk_command(t);
}

/*
 * RFC 1939 7, PASS: "Since the PASS command has exactly one argument, a POP3
 * server may treat spaces in the argument as part of the password".
 */
static enum login_want
run_pass(struct login_talk *t, const char *arg, size_t len)
{
	if (t->user.len == 0)
		return err(t, "USER first");
	if (!str_is_text(arg, len) ||
	    buf_append(&t->password, arg, len) == -1)
		return err(t, "malformed password");
	return LOGIN_ASK;
}

static enum login_want
run_auth(struct login_talk *t, const char *arg, size_t len)
{
	const char *space = memchr(arg, ' ', len);
	size_t n = space != NULL ? (size_t)(space - arg) : len;

	if (len == 0) {
		buf_puts(&t->out, "+OK\r\nPLAIN\r\n.\r\n");
		return login_talk_command(t);
	}
	if (!str_is(arg, n, "PLAIN"))
		return err(t, "PLAIN is what there is");
	if (space != NULL)
		return login_talk_sasl(t, space + 1, len - n - 1);
	buf_puts(&t->out, "+ \r\n");
	t->sasl = 1;
	return LOGIN_INPUT;
}

static const struct pop3_command commands[] = {
	{ "AUTH", run_auth, 1 },
	{ "CAPA", run_capa, 0 },
	{ "PASS", run_pass, 1 },
	{ "QUIT", run_quit, 0 },
	{ "STLS", run_stls, 0 },
	{ "USER", run_user, 1 },
};

static enum login_want
run_command(struct login_talk *t, const char *p, size_t len)
{
	const char *space = memchr(p, ' ', len);
	size_t i, n = space != NULL ? (size_t)(space - p) : len;
	const struct pop3_command *c;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		c = &commands[i];
		if (!str_is(p, n, c->name))
			continue;
		if (c->tls && !t->tls)
			return err(t, "STLS first");
		return space != NULL ? c->run(t, space + 1, len - n - 1) :
		    c->run(t, "", 0);
	}
	return err(t, "unknown, or not before login");
}

/* A whole line: 1, its length and that of its text; 0; -1: too long. */
static int
pop3_line(struct login_talk *t, size_t *len_r, size_t *text_r)
{
	const char *lf;

	lf = t->in.len == 0 ? NULL : memchr(t->in.data, '\n', t->in.len);
	if (lf == NULL)
		return t->in.len < LOGIN_LINE_MAX ? 0 : -1;
	*len_r = (size_t)(lf - t->in.data) + 1;
	if (*len_r > LOGIN_LINE_MAX)
		return -1;
	*text_r = *len_r - 1;
	if (*text_r > 0 && lf[-1] == '\r')
		--*text_r;
	return 1;
}

static enum login_want
pop3_run(struct login_talk *t)
{
	enum login_want want = LOGIN_INPUT;
	size_t len, text;
	int r = 0;

	while (want == LOGIN_INPUT && (r = pop3_line(t, &len, &text)) == 1) {
		want = t->sasl ? login_talk_sasl(t, t->in.data, text) :
		    run_command(t, t->in.data, text);
		buf_consume(&t->in, len);
	}
	if (r != -1)
		return want;
	pop3_bye(t, "that line is too long");
	return LOGIN_END;
}

const struct login_protocol login_pop3 = {
	.alpn = "pop3",
	.greet = pop3_greet,
	.run = pop3_run,
	.refused = pop3_refused,
	.passed = pop3_passed,
	.bye = pop3_bye,
	.bad = err,
	.forbidden = pop3_forbidden,
};
