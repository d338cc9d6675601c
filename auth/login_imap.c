/*
 * IMAP before login (RFC 3501 6.1, 6.2; RFC 2971 ID; RFC 4959 SASL-IR; RFC
 * 7888 LITERAL+).
 *
 * A command is run when it is complete: imap_frame follows literals from
 * line to line and asks for the synchronising ones; the arguments are read
 * after that, from one piece of memory.
 */
#include <string.h>

#include "auth/login_args.h"
#include "auth/login_imap.h"
#include "lib/base/str.h"
#include "lib/mail/imap_capability.h"

enum { ID_TAIL = 64 };	/* octets; "{1024+}" with many zeros fits */

struct imap_command {
	const char *name;
	enum login_want (*run)(struct login_talk *t, struct login_args *a);
	int	 takes;			/* arguments? */
};

/* "tag status", for each command's one tagged answer. */
static void
say(struct login_talk *t, const char *text)
{
	buf_printf(&t->out, "%s %s\r\n", t->tag, text);
}

static enum login_want
bad(struct login_talk *t, const char *text)
{
	buf_printf(&t->out, "%s BAD %s\r\n", t->tag, text);
	return login_talk_error(t);
}

static void
say_capability(struct login_talk *t)
{
	buf_puts(&t->out, "CAPABILITY " IMAP_CAPABILITY_LOGIN);
	buf_puts(&t->out, t->tls ? " AUTH=PLAIN" : " STARTTLS LOGINDISABLED");
}

static void
imap_greet(struct login_talk *t)
{
	buf_puts(&t->out, "* OK [");
	say_capability(t);
	buf_puts(&t->out, "] Rohrpost ready\r\n");
}

static void
imap_bye(struct login_talk *t, const char *words)
{
	buf_printf(&t->out, "* BYE %s\r\n", words);
}

/* RFC 5530 response codes. */
static void
imap_refused(struct login_talk *t, enum login_reason why)
{
	static const char *const text[] = {
		[LOGIN_BAD] = "NO [AUTHENTICATIONFAILED] wrong name or "
		    "password",
		[LOGIN_LATER] = "NO [UNAVAILABLE] temporary trouble, try "
		    "again later",
		[LOGIN_LIMIT] = "NO [LIMIT] too many failed logins, wait a "
		    "while",
		[LOGIN_SESSIONS] = "NO [LIMIT] too many open sessions of this "
		    "user",
		[LOGIN_PROTOCOL] = "NO [AUTHORIZATIONFAILED] IMAP is switched "
		    "off for this account",
	};

	say(t, text[why]);
}

static void
imap_passed(struct login_talk *t)
{
	say(t, "OK [CAPABILITY " IMAP_CAPABILITY "] logged in");
}

static enum login_want
imap_forbidden(struct login_talk *t)
{
	say(t, "NO [AUTHORIZATIONFAILED] nobody acts for another");
	return login_talk_error(t);
}

static enum login_want
run_capability(struct login_talk *t, struct login_args *a)
{
	buf_puts(&t->out, "* ");
	say_capability(t);
	buf_puts(&t->out, "\r\n");
	say(t, "OK done");
	return login_talk_command(t);
}

static enum login_want
run_noop(struct login_talk *t, struct login_args *a)
{
	say(t, "OK done");
	return login_talk_command(t);
}

static enum login_want
run_logout(struct login_talk *t, struct login_args *a)
{
	imap_bye(t, "until next time");
	say(t, "OK done");
	return LOGIN_END;
}

/* What the client says of itself is of no use here and not looked at. */
static enum login_want
run_id(struct login_talk *t, struct login_args *a)
{
	buf_puts(&t->out, "* ID " IMAP_ID "\r\n");
	say(t, "OK done");
	return login_talk_command(t);
}

static enum login_want
run_starttls(struct login_talk *t, struct login_args *a)
{
	if (t->tls)
		return bad(t, "TLS is on already");
	say(t, "OK begin TLS now");
	return LOGIN_TLS;
}

static enum login_want
need_tls(struct login_talk *t)
{
	say(t, "NO [PRIVACYREQUIRED] STARTTLS first");
	return login_talk_error(t);
}

static enum login_want
run_login(struct login_talk *t, struct login_args *a)
{
	int ok;

	if (!t->tls)
		return need_tls(t);
	buf_wipe(&t->user);
	buf_wipe(&t->password);
	ok = login_args_space(a) == 0 &&
	    login_args_astring(a, &t->user) == 0 &&
	    login_args_space(a) == 0 &&
	    login_args_astring(a, &t->password) == 0 && a->p == a->end &&
	    str_is_text(buf_str(&t->user), t->user.len) &&
	    str_is_text(buf_str(&t->password), t->password.len);
	if (ok)
		return LOGIN_ASK;
	buf_wipe(&t->password);
	return bad(t, "LOGIN takes a name and a password");
}

static enum login_want
run_authenticate(struct login_talk *t, struct login_args *a)
{
	const char *name, *initial;
	size_t len;

	if (login_args_space(a) == -1 || login_args_atom(a, &name, &len) == -1)
		return bad(t, "AUTHENTICATE takes a mechanism");
	if (!t->tls)
		return need_tls(t);
	if (!str_is(name, len, "PLAIN")) {
		say(t, "NO [CANNOT] PLAIN is what there is");
		return login_talk_error(t);
	}
	if (a->p == a->end) {
		buf_puts(&t->out, "+ \r\n");
		t->sasl = 1;
		return LOGIN_INPUT;
	}
	if (login_args_space(a) == -1 ||
	    login_args_atom(a, &initial, &len) == -1 || a->p != a->end)
		return bad(t, "malformed initial response");
	return login_talk_sasl(t, initial, len);
}

static const struct imap_command commands[] = {
	{ "AUTHENTICATE", run_authenticate, 1 },
	{ "CAPABILITY", run_capability, 0 },
	{ "ID", run_id, 1 },
	{ "LOGIN", run_login, 1 },
	{ "LOGOUT", run_logout, 0 },
	{ "NOOP", run_noop, 0 },
	{ "STARTTLS", run_starttls, 0 },
};

/* tag = 1*<any ASTRING-CHAR except "+">; "*" stands for what has none. */
static int
take_tag(struct login_talk *t, struct login_args *a)
{
	const char *p;
	size_t n;

	strcpy(t->tag, "*");
	if (login_args_atom(a, &p, &n) == -1 || n > LOGIN_TAG_MAX ||
	    memchr(p, '+', n) != NULL || memchr(p, '*', n) != NULL)
		return -1;
	memcpy(t->tag, p, n);
	t->tag[n] = '\0';
	return 0;
}

static enum login_want
run_command(struct login_talk *t, const char *p, size_t len)
{
	struct login_args a = { p, p + len };
	const struct imap_command *c;
	const char *name;
	size_t i, n;

	if (take_tag(t, &a) == -1 || login_args_space(&a) == -1 ||
	    login_args_atom(&a, &name, &n) == -1)
		return bad(t, "a command is a tag and a name");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		c = &commands[i];
		if (!str_is(name, n, c->name))
			continue;
		if (c->takes != (a.p < a.end))
			return bad(t, c->takes ? "arguments are missing" :
			    "this takes no arguments");
		return c->run(t, &a);
	}
	return bad(t, "unknown, or not before login");
}

/* A literal that is too big: the client waits, or has it under way already. */
static int
refuse_literal(struct login_talk *t, int plus, enum login_want *want_r)
{
	struct login_args a = { t->in.data, t->in.data + t->in.len };

	if (plus) {
		imap_bye(t, "that literal is too big");
		*want_r = LOGIN_END;
	} else {
		(void)take_tag(t, &a);
		*want_r = bad(t, "that literal is too big");
	}
	return -1;
}

/* Octets of "tag ID " and the first of what follows; 0: that is not there. */
static size_t
id_head(const struct login_talk *t)
{
	struct login_args a = { t->in.data, t->in.data + t->in.len };
	const char *p;
	size_t n;

	if (t->sasl || login_args_atom(&a, &p, &n) == -1 ||
	    login_args_space(&a) == -1 || login_args_atom(&a, &p, &n) == -1 ||
	    !str_is(p, n, "ID") || login_args_space(&a) == -1 || a.p == a.end)
		return 0;
	return (size_t)(a.p + 1 - t->in.data);
}

/*
 * An ID may be longer than anything else here, and nobody looks at it: what
 * was gone through goes, but for its head and the end of an unfinished line,
 * which may announce a literal. True: it is an ID.
 */
static int
drop_id(struct login_talk *t)
{
	size_t head = id_head(t), to = t->scan;

	if (head == 0)
		return 0;
	if (to > t->in.len)
		to = t->in.len;
	if (memchr(t->in.data + to, '\n', t->in.len - to) == NULL &&
	    t->in.len - to > ID_TAIL)
		to = t->in.len - ID_TAIL;
	if (to <= head)
		return 1;
	memmove(t->in.data + head, t->in.data + to, t->in.len - to);
	t->in.len -= to - head;
	t->in.data[t->in.len] = '\0';
	if (t->scan > head)
		t->scan = t->scan > to ? t->scan - (to - head) : head;
	t->dropped += to - head;
	return 1;
}

/*
 * Is a whole command there? 1, its length with and without the line end in
 * *len_r and *text_r. 0: not yet. -1: what begins in is refused up to *len_r,
 * want_r says how to go on.
 */
static int
imap_frame(struct login_talk *t, size_t *len_r, size_t *text_r,
    enum login_want *want_r)
{
	const char *line, *lf, *eol;
	size_t n, room;
	int plus, r, id;

	*len_r = 0;
	for (;;) {
		id = drop_id(t);
		if (t->dropped > LOGIN_ID_MAX) {
			imap_bye(t, "that command is too long");
			*len_r = 0;
			*want_r = LOGIN_END;
			return -1;
		}
		if (t->scan >= t->in.len)
			return 0;	/* in the middle of a literal, say */
		line = t->in.data + t->scan;
		room = t->in.len - t->scan;
		lf = memchr(line, '\n', room);
		if (lf == NULL && room < LOGIN_LINE_MAX)
			return 0;
		if (!id && (lf == NULL || lf - line >= LOGIN_LINE_MAX)) {
			imap_bye(t, "that line is too long");
			*want_r = LOGIN_END;
			return -1;
		}
		eol = lf > line && lf[-1] == '\r' ? lf - 1 : lf;
		*text_r = (size_t)(eol - t->in.data);
		*len_r = (size_t)(lf - t->in.data) + 1;
		r = t->sasl ? 0 : login_args_length(line, eol,
		    LOGIN_LITERALS_MAX - t->literals, &n, &plus);
		if (r == 0)
			return 1;
		if (r == -1)
			return refuse_literal(t, plus, want_r);
		if (!plus)
			buf_puts(&t->out, "+ go on\r\n");
		if (!id)
			t->literals += n;
		t->scan = *len_r + n;
	}
}

static enum login_want
imap_run(struct login_talk *t)
{
	enum login_want want = LOGIN_INPUT;
	size_t len, text = 0;
	int r;

	while (want == LOGIN_INPUT &&
	    (r = imap_frame(t, &len, &text, &want)) != 0) {
		if (r == 1 && t->sasl)
			want = login_talk_sasl(t, t->in.data, text);
		else if (r == 1)
			want = run_command(t, t->in.data, text);
		buf_consume(&t->in, len);
		t->scan = t->literals = 0;
		t->dropped = 0;
	}
	/* Each line is in bounds, but there are too many of them. */
	if (want == LOGIN_INPUT && t->in.len == LOGIN_IN_MAX) {
		imap_bye(t, "that command is too long");
		want = LOGIN_END;
	}
	return want;
}

const struct login_protocol login_imap = {
	.alpn = "imap",
	.greet = imap_greet,
	.run = imap_run,
	.refused = imap_refused,
	.passed = imap_passed,
	.bye = imap_bye,
	.bad = bad,
	.forbidden = imap_forbidden,
};
