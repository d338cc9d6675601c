/*
 * The client's side of POP3 (RFC 1939, RFC 2449), blocking, one server: a
 * connection, its commands and what answers them. pop3_login.h begins a
 * session, pop3_box.h reads the maildrop.
 *
 * Answers come in the order of the commands (RFC 2449 6.8). Up to pop3_window
 * commands may be sent before the first is answered.
 *
 * Bounds: a line of POP3_LINE_MAX octets, where RFC 2449 4 allows 512; a
 * response that is not whole within `command` ms, and 1 s for each POP3_RATE
 * octets that came meanwhile, or within `whole` ms however many come, ends the
 * connection.
 *
 * DIAGNOSTICS: nothing warns. A call that fails leaves words for a person, of
 * one line, which begin with the label; what the server said in them is
 * printable.
 */
#ifndef RELAY_POP3_CLIENT_H
#define RELAY_POP3_CLIENT_H

#include "lib/base/attr.h"
#include "lib/net/stream.h"
#include "relay/pop3_text.h"

enum {
	POP3_LABEL_MAX = 300,
	POP3_WORDS_MAX = 500,
	POP3_LINE_MAX = 8000,
	POP3_MECHS_MAX = 300,
	POP3_WAITING = 32,		/* commands under way */
	POP3_RATE = 1000,		/* octets in a second, at least */
	POP3_DELAY_MAX = 24 * 60 * 60,	/* s: more is not believed */
};

enum pop3_result {
	POP3_OK,
	POP3_NO,	/* -ERR: the server refuses; the connection lives */
	POP3_LOST,	/* the connection is over */
};

/* Extended response codes: why -ERR (RFC 2449 8, RFC 3206). */
enum pop3_code {
	POP3_CODE_NONE,
	POP3_CODE_AUTH,		/* the name or the password */
	POP3_CODE_TEMPORARY,	/* SYS/TEMP */
	POP3_CODE_PERMANENT,	/* SYS/PERM */
	POP3_CODE_IN_USE,
	POP3_CODE_LOGIN_DELAY,
};

enum pop3_cap {
	POP3_CAP_TOP = 1 << 0,
	POP3_CAP_USER = 1 << 1,
	POP3_CAP_UIDL = 1 << 2,
	POP3_CAP_PIPELINING = 1 << 3,
	POP3_CAP_STLS = 1 << 4,
	POP3_CAP_UTF8 = 1 << 5,
	POP3_CAP_AUTH_CODE = 1 << 6,	/* says [AUTH] where it is that */
};

struct pop3_client {
	struct stream stream;
	char	 label[POP3_LABEL_MAX];
	struct buf words;
	struct buf text;		/* the last status line, without +OK */
	enum pop3_code code;		/* of the last -ERR */
	unsigned caps;			/* enum pop3_cap */
	int	 has_capa;		/* caps were told; else they are unknown */
	char	 mechs[POP3_MECHS_MAX];	/* " PLAIN SCRAM-SHA-256 " */
	/* Seconds from login to login that the server asks for; 0: none. */
	unsigned login_delay;
	int	 dead;
	int	 no_tls;		/* it ended for want of TLS */
	int	 foreign;		/* it ended, for that is no POP3 */
	int	 lf;			/* its lines end in a bare LF */
	unsigned waiting;		/* commands that are not answered */
	int64_t	 command, whole;	/* ms; the caller may set others */
	int64_t	 since;			/* the present response */
	uint64_t came;			/* octets since then */
	int	(*stop)(void);		/* asked when woken (stream_wake); or
				   NULL */
};

/* Takes the connected socket over. */
void	pop3_init(struct pop3_client *c, int fd, const char *label);
/*
 * Closes, without QUIT: what was marked by DELE stays there. pop3_quit comes
 * before it, where it is to go.
 */
void	pop3_close(struct pop3_client *c);

/* Ends the connection with words behind the label. POP3_LOST. */
enum pop3_result pop3_fail(struct pop3_client *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);

/* How many commands may be under way: 1 without PIPELINING. */
unsigned pop3_window(const struct pop3_client *c);
/* Sends a command, which is one line without its end. */
void	pop3_send(struct pop3_client *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/*
 * The status line that is next, in c->text. POP3_NO with words and c->code.
 * After POP3_OK of a command with a multi-line response pop3_body follows, or
 * pop3_line_next until it is POP3_NO.
 */
enum pop3_result pop3_wait(struct pop3_client *c) ATTR_CHECK;
/* pop3_send and pop3_wait in one. */
enum pop3_result pop3_command(struct pop3_client *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3) ATTR_CHECK;
/*
 * The next line of a multi-line response, dots taken off, ended by NUL; good
 * until the next call. POP3_NO: there is none. Not of a message.
 */
enum pop3_result pop3_line_next(struct pop3_client *c, char **line_r,
	    size_t *len_r) ATTR_CHECK;

/*
 * A multi-line response handed out as it comes, dots taken off, lines as they
 * stand there. A body that is not 0 ends the connection: there is no other way
 * to leave a message.
 */
enum pop3_result pop3_body(struct pop3_client *c, int (*body)(void *ctx,
	    const char *p, size_t len), void *ctx) ATTR_CHECK;

/*
 * A line of a server as it is (a greeting, a challenge of AUTH), ended by NUL.
 * Begins the time of a response anew.
 */
enum pop3_result pop3_read(struct pop3_client *c, char **line_r,
	    size_t *len_r) ATTR_CHECK;
/* Reads that line as a status line: as pop3_wait. */
enum pop3_result pop3_status(struct pop3_client *c, const char *line,
	    size_t len) ATTR_CHECK;

#endif
