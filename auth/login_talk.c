#include <stdlib.h>
#include <string.h>

#include "auth/login_talk.h"
#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/plain.h"

enum { OUT_MAX = 64 * 1024 };

struct login_talk *
login_talk_new(const struct login_protocol *p, int tls)
{
	struct login_talk *t = mem_zalloc(1, sizeof(*t));

	t->protocol = p;
	t->tls = tls;
	buf_init(&t->in, LOGIN_IN_MAX);
	buf_init(&t->out, OUT_MAX);
	buf_init(&t->user, ADDRESS_MAX);
	buf_init(&t->password, PASSWORD_MAX);
	return t;
}

void
login_talk_free(struct login_talk **tp)
{
	struct login_talk *t = *tp;

	if (t == NULL)
		return;
	buf_wipe(&t->in);
	buf_wipe(&t->out);
	buf_wipe(&t->user);
	buf_wipe(&t->password);
	free(t);
	*tp = NULL;
}

void
login_talk_greet(struct login_talk *t)
{
	t->protocol->greet(t);
}

/*
 * A browser, or TLS on the port for the clear: neither gets an answer that it
 * could take for something else.
 */
static int
is_foreign(const struct login_talk *t)
{
	static const char *const start[] = { "GET ", "POST ", "HEAD ", "PUT ",
		"OPTIONS ", "CONNECT ", "\x16\x03" };
	size_t i, n;

	for (i = 0; i < sizeof(start) / sizeof(start[0]); i++) {
		n = strlen(start[i]);
		if (t->in.len >= n && memcmp(t->in.data, start[i], n) == 0)
			return 1;
	}
	return 0;
}

enum login_want
login_talk_run(struct login_talk *t)
{
	if (t->commands == 0 && t->errors == 0 && t->failures == 0 &&
	    is_foreign(t))
		return LOGIN_END;
	return t->protocol->run(t);
}

/* RFC 3501 6.2.1, RFC 2595 4: nothing said in the clear counts from here. */
void
login_talk_tls(struct login_talk *t)
{
	buf_wipe(&t->in);
	buf_wipe(&t->user);
	t->scan = t->literals = t->dropped = 0;
	t->sasl = 0;
	t->errors = t->commands = 0;
	t->tls = 1;
}

enum login_want
login_talk_refused(struct login_talk *t, enum login_reason why)
{
	buf_wipe(&t->password);
	buf_wipe(&t->user);
	t->protocol->refused(t, why);
	if (++t->failures < LOGIN_FAILURES_MAX)
		return LOGIN_INPUT;
	t->protocol->bye(t, "too many failed logins");
	return LOGIN_END;
}

void
login_talk_passed(struct login_talk *t)
{
	buf_wipe(&t->password);
	t->protocol->passed(t);
}

enum login_want
login_talk_error(struct login_talk *t)
{
	if (++t->errors < LOGIN_ERRORS_MAX)
		return LOGIN_INPUT;
	t->protocol->bye(t, "too many errors");
	return LOGIN_END;
}

enum login_want
login_talk_command(struct login_talk *t)
{
	if (++t->commands < LOGIN_COMMANDS_MAX)
		return LOGIN_INPUT;
	t->protocol->bye(t, "too many commands before login");
	return LOGIN_END;
}

int
login_talk_set(struct login_talk *t, const char *user, size_t ulen,
    const char *password, size_t plen)
{
	buf_wipe(&t->user);
	buf_wipe(&t->password);
	if (!str_is_text(user, ulen) || !str_is_text(password, plen) ||
	    buf_append(&t->user, user, ulen) == -1 ||
	    buf_append(&t->password, password, plen) == -1)
		return -1;
	return 0;
}

/* Decodes the message and sets user and password of it. */
static enum plain_result
take_plain(struct login_talk *t, const char *p, size_t len)
{
	struct buf raw = BUF_INIT(PLAIN_MAX);
	enum plain_result r = PLAIN_BROKEN;
	struct plain m;

	if ((len == 1 && p[0] == '=') || base64_decode(&raw, p, len) == 0)
		r = plain_read(buf_str(&raw), raw.len, &m);
	if (r == PLAIN_OK && (m.user_len == 0 || login_talk_set(t, m.user,
	    m.user_len, m.password, m.password_len) == -1))
		r = PLAIN_BROKEN;
	buf_wipe(&raw);
	return r;
}

enum login_want
login_talk_sasl(struct login_talk *t, const char *p, size_t len)
{
	int line = t->sasl;

	t->sasl = 0;
	if (line && len == 1 && p[0] == '*')
		return t->protocol->bad(t, "cancelled");
	switch (take_plain(t, p, len)) {
	case PLAIN_OK:
		return LOGIN_ASK;
	case PLAIN_OTHER:
		return t->protocol->forbidden(t);
	default:
		return t->protocol->bad(t, "malformed message of PLAIN");
	}
}
