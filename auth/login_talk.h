/*
 * The dialogue before the login, IMAP or POP3, without sockets: octets come in
 * in, answers pile up in out, and login_talk_run says what the owner must do.
 *
 * Bounds: LOGIN_LINE_MAX octets a line, LOGIN_LITERALS_MAX of literals in one
 * command, LOGIN_ID_MAX of an ID (30 names of 30 octets and values of 1024 as
 * RFC 2971 3.3 has them, each octet escaped), of which no more is held,
 * LOGIN_ERRORS_MAX errors, LOGIN_COMMANDS_MAX commands and LOGIN_FAILURES_MAX
 * failed logins in one connection. Past any of them the client is told and the
 * connection ends.
 *
 * No password crosses a connection without TLS: LOGIN, AUTHENTICATE, USER,
 * PASS and AUTH are refused before it, and what was read before the handshake
 * is thrown away. Buffers that held passwords are wiped.
 */
#ifndef AUTH_LOGIN_TALK_H
#define AUTH_LOGIN_TALK_H

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

enum {
	LOGIN_LINE_MAX = 8192,		/* with its CRLF */
	LOGIN_LITERALS_MAX = 8192,	/* of one command */
	LOGIN_ID_MAX = 65536,		/* of an ID, its literals too */
	LOGIN_IN_MAX = 20480,		/* so that one command always fits */
	LOGIN_ERRORS_MAX = 20,
	LOGIN_COMMANDS_MAX = 100,
	LOGIN_FAILURES_MAX = 10,
	LOGIN_TAG_MAX = 64,
};

enum login_want {
	LOGIN_INPUT,	/* more octets in in */
	LOGIN_TLS,	/* send out, then the handshake, then login_talk_tls */
	LOGIN_ASK,	/* user and password are set: ask auth */
	LOGIN_END,	/* send out, then close */
};

enum login_reason {
	LOGIN_BAD,	/* wrong name or password */
	LOGIN_LATER,	/* temporary trouble */
	LOGIN_LIMIT,	/* too many failures */
	LOGIN_SESSIONS,	/* the user has as many as he may */
	LOGIN_PROTOCOL,	/* he may not use this protocol */
};

struct login_talk;

/* What differs between the protocols. */
struct login_protocol {
	const char *alpn;
	void	(*greet)(struct login_talk *t);
	enum login_want (*run)(struct login_talk *t);
	void	(*refused)(struct login_talk *t, enum login_reason why);
	void	(*passed)(struct login_talk *t);
	/* The connection ends for a reason that the client may read. */
	void	(*bye)(struct login_talk *t, const char *words);
	/* Malformed, or asked for somebody else: each counts as an error. */
	enum login_want (*bad)(struct login_talk *t, const char *words);
	enum login_want (*forbidden)(struct login_talk *t);
};

struct login_talk {
	const struct login_protocol *protocol;
	struct buf in, out;
	struct buf user, password;	/* from LOGIN_ASK on */
	int	 tls;			/* under TLS now */
	int	 sasl;			/* the next line is SASL PLAIN's */
	size_t	 scan, literals;	/* IMAP: octets of in looked at */
	size_t	 dropped;		/* IMAP: of an ID, not in in any more */
	char	 tag[LOGIN_TAG_MAX + 1];
	unsigned errors, commands, failures;
};

struct login_talk *login_talk_new(const struct login_protocol *p, int tls);
/* Wipes. */
void	login_talk_free(struct login_talk **t);
/* Says the greeting. */
void	login_talk_greet(struct login_talk *t);
/* Works through in until something is wanted. */
enum login_want login_talk_run(struct login_talk *t);
/* The handshake after LOGIN_TLS is done. */
void	login_talk_tls(struct login_talk *t);
/* Auth's answer after LOGIN_ASK. Both wipe the password. */
enum login_want login_talk_refused(struct login_talk *t,
	    enum login_reason why);
void	login_talk_passed(struct login_talk *t);

/* For the protocols. */
/* Counts an error: LOGIN_INPUT, or LOGIN_END where it was one too many. */
enum login_want login_talk_error(struct login_talk *t);
enum login_want login_talk_command(struct login_talk *t);

/*
 * A message of SASL PLAIN (RFC 4616) in base64, "=" being the empty one, as
 * initial response or, where sasl is set, as a line of its own, which "*"
 * cancels. Sets user and password, or answers why not.
 */
enum login_want login_talk_sasl(struct login_talk *t, const char *p,
	    size_t len);
/* Sets them from pieces: 0; -1: they are too long or hold NUL, CR, LF. */
int	login_talk_set(struct login_talk *t, const char *user, size_t ulen,
	    const char *password, size_t plen);

#endif
