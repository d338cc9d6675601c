/*
 * AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN, under TLS only: the command
 * table ensures that. Neither name nor password is ever logged before auth
 * said that the name exists.
 */
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/link/login.h"
#include "lib/mail/plain.h"
#include "smtpd/smtpd_command.h"

static const struct smtp_refusal bad_base64 = { 501, "5.5.2",
	"malformed base64" };
static const struct smtp_refusal cancelled = { 501, "5.7.0", "cancelled" };

/* Decodes a response; "=" is an empty one (RFC 4954 section 4). */
static int
decode(struct smtp_session *s, char *p, size_t len, struct buf *out)
{
	int r;

	r = len == 1 && *p == '=' ? 0 : base64_decode(out, p, len);
	if (r == -1)
		smtp_refuse(s, &bad_base64);
	mem_wipe(p, len);
	return r;
}

/* Asks with a challenge (in base64) and decodes the answer. 0, or -1. */
static int
challenge(struct smtp_session *s, const char *text, struct buf *out)
{
	char *line;
	size_t len;

	smtp_reply(s, 334, "", "%s", text);
	stream_deadline(&s->io, (int64_t)smtpd.conf.command_time * 1000);
	if (smtp_read(s, AUTH_LINE_MAX, &line, &len) == -1)
		return -1;
	if (len == 1 && *line == '*') {
		smtp_refuse(s, &cancelled);
		return -1;
	}
	return decode(s, line, len, out);
}

/* On LOGIN_OK the account's name stands in s->login. */
static enum login_result
ask(struct smtp_session *s, const char *user, size_t user_len,
    const char *pass, size_t pass_len)
{
	const struct login_question q = { .service = s->service,
		.remote = s->remote, .tls = s->tls, .user = user, .user_len = user_len,
		.password = pass, .password_len = pass_len };
	struct buf account = BUF_INIT(ADDRESS_MAX);
	enum login_result r;

	r = login_ask(&q, &account);
	if (r == LOGIN_OK)
		str_copy(s->login, sizeof(s->login), buf_str(&account));
	buf_clear(&account);
	return r;
}

static void
verdict(struct smtp_session *s, const char *user, size_t user_len,
    const char *pass, size_t pass_len)
{
	switch (ask(s, user, user_len, pass, pass_len)) {
	case LOGIN_OK:
		smtp_reply(s, 235, "2.7.0", "welcome");
		s->junk = 0;
		return;
	case LOGIN_BAD:
		log_info("client %s: login refused", s->remote);
		smtp_reply(s, 535, "5.7.8", "wrong name or password");
		break;
	case LOGIN_PROTOCOL:
		smtp_reply(s, 535, "5.7.1",
		    "submission is switched off for this account");
		break;
	case LOGIN_LIMIT:
		smtp_reply(s, 454, "4.7.0", "too many failures, try later");
		break;
	case LOGIN_LATER:
		smtp_reply(s, 454, "4.7.0", "try again later");
		break;
	}
	if (++s->auth_failures >= AUTH_TRIES) {
		smtp_reply(s, 421, "4.7.0", "too many failures, bye");
		s->closing = 1;
	}
}

static void
auth_plain(struct smtp_session *s, char *initial, size_t len)
{
	struct buf in = BUF_INIT(PLAIN_MAX);
	struct plain m;
	int r;

	(void)!buf_reserve(&in, PLAIN_MAX);
	r = len > 0 ? decode(s, initial, len, &in) : challenge(s, "", &in);
	if (r == 0 && plain_read(buf_str(&in), in.len, &m) == PLAIN_OK)
		verdict(s, m.user, m.user_len, m.password, m.password_len);
	else if (r == 0)
		smtp_reply(s, 501, "5.5.2", "malformed PLAIN response");
	buf_wipe(&in);
}

static void
auth_login(struct smtp_session *s, char *initial, size_t len)
{
	struct buf user = BUF_INIT(ADDRESS_MAX), pass = BUF_INIT(PASSWORD_MAX);
	int r;

	(void)!buf_reserve(&pass, PASSWORD_MAX);
	/* "Username:" and "Password:" */
	r = len > 0 ? decode(s, initial, len, &user) :
	    challenge(s, "VXNlcm5hbWU6", &user);
	if (r == 0 && challenge(s, "UGFzc3dvcmQ6", &pass) == 0)
		verdict(s, buf_str(&user), user.len, buf_str(&pass),
		    pass.len);
	buf_wipe(&user);
	buf_wipe(&pass);
}

static const struct {
	const char *name;
	void	(*run)(struct smtp_session *, char *initial, size_t len);
} mechanisms[] = {
	{ "PLAIN", auth_plain },
	{ "LOGIN", auth_login },
};

void
cmd_auth(struct smtp_session *s, const struct smtp_args *a)
{
	size_t i, n = strcspn(a->text, " \t");
	char *initial = a->text + n;

	if (s->login[0] != '\0') {
		smtp_reply(s, 503, "5.5.1", "logged in already");
		return;
	}
	initial += strspn(initial, " \t");
	for (i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (str_is(a->text, n, mechanisms[i].name)) {
			mechanisms[i].run(s, initial, strlen(initial));
			return;
		}
	smtp_reply(s, 504, "5.5.4", "PLAIN or LOGIN");
}
