/*
 * smtpd: SMTP from one client, whole (RFC 5321), in three services: smtp (from
 * strangers, for our domains), submission (STARTTLS or TLS at once, then
 * AUTH), local (a Unix socket, the peer's uid is the login).
 *
 *   smtpd_session.c   connection, greeting, lines, replies, limits
 *   smtpd_command.c   the table of commands and who judges it
 *   cmd_*.c           what the commands mean
 *   smtpd_scan.c      the end of data, and what may not stand before it
 *   smtpd_body.c      the message on its way to the disk
 *   smtpd_trace.c     the fields put in front of it
 *   smtpd_queue.c     files from queue, envelopes to it
 *   smtpd_auth.c      the question to auth
 *   smtpd_local.c     who a uid is
 *
 * A session never outlives serve(); what a worker keeps for the next client is
 * the tables, the TLS context, the message buffer's memory and an empty file.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/address.h"
#include "lib/mail/limits.h"
#include "lib/mail/result.h"
#include "lib/mail/tables.h"
#include "lib/net/stream.h"
#include "lib/server/server.h"

enum {
	/* RFC 5321 4.5.3.1.4 asks for 512 with CRLF; parameters need more. */
	COMMAND_LINE_MAX = 2048 - 2,
	AUTH_LINE_MAX = 12288 - 2,	/* RFC 4954 section 4 */
	DATA_LINE_MAX = 1 << 20,	/* accepted, and never split */
	HELO_MAX = 255,
	AUTH_TRIES = 3,			/* failures of one connection */
	TLS_TIME = 60,			/* seconds for a handshake */
	SESSIONS_MAX = 1000,		/* a smtp worker retires after */
};

struct smtpd_conf {
	char	*hostname, *state_dir, *cert, *key, *local_trusted;
	uint64_t message_size, errors, junk, command_time, data_time,
		 data_rate;
	int	 verbose;
};

/* What the process has; main.c fills it in. */
struct smtpd {
	struct smtpd_conf conf;
	const char *hostname;
	SSL_CTX	*tls;			/* NULL: no STARTTLS */
	struct tables *tables;
};
extern struct smtpd smtpd;

enum smtp_state {
	SMTP_START = 1,		/* no HELO or EHLO yet */
	SMTP_HELLO = 2,		/* no transaction */
	SMTP_MAIL = 4,		/* a sender */
	SMTP_RCPT = 8,		/* and a recipient */
	SMTP_ANY = 15,
};

/* One transaction; reset between two. */
struct smtp_envelope {
	char	 sender[ADDRESS_MAX + 1];	/* "" for <> */
	struct buf recipients;		/* packed as QF_RECIPIENTS */
	struct buf local;		/* packed lv: those that are ours */
	char	 first[ADDRESS_MAX + 1];	/* the first recipient */
	unsigned n, over;		/* taken; refused as too many */
	uint64_t size;			/* as MAIL declared it; 0: not */
};

struct smtp_session {
	struct stream io;
	enum service service;
	enum smtp_state state;
	int	 esmtp;			/* EHLO was said */
	int	 closing;		/* the reply just given is the last */
	int	 linger;	/* and the client may be talking still */
	unsigned errors, junk, auth_failures;
	char	 helo[HELO_MAX + 1];
	char	 ip[80];	/* "192.0.2.1", "2001:db8::1", "local" */
	char	 remote[WIRE_REMOTE_MAX + 1];		/* with port */
	char	 tls[100];		/* "TLSv1.3 ...", "" in the clear */
	char	 login[ADDRESS_MAX + 1];	/* "" for a stranger */
	int	 trusted;		/* local: may use any sender */
	struct smtp_envelope env;
};

/* A command's argument: the text behind the verb, without outer blanks. */
struct smtp_args {
	char	*text;
	size_t	 len;
	unsigned words;
};

enum smtp_flag {
	CMD_TLS = 1,		/* never in the clear: 538 */
	CMD_LOGIN = 2,		/* on submission only after a login: 530 */
	CMD_SUBMISSION = 4,	/* only where logins are taken: 502 */
	CMD_JUNK = 8,		/* brings no message forward */
	CMD_LONG = 16,		/* its line may be AUTH_LINE_MAX */
	CMD_DATA = 32,		/* what follows may be no commands */
};

struct smtp_command {
	const char *name;
	void	(*run)(struct smtp_session *, const struct smtp_args *);
	unsigned states;	/* enum smtp_state, or'ed */
	unsigned flags;		/* enum smtp_flag */
	unsigned min_args, max_args;	/* words behind the verb */
	const char *usage;
};

/* A reply that refuses; code 0: nothing to refuse. */
struct smtp_refusal {
	int	 code;
	const char *status, *words;
};

/* The whole of one client: the skeleton's hook. Closes client->fd. */
void	smtpd_serve(const struct session *client);
/* True where logins are taken. */
int	smtpd_takes_login(const struct smtp_session *s);
/* True for what a login (or a local user) says: it may relay. */
int	smtpd_is_ours(const struct smtp_session *s);

/*
 * One reply line "code status words"; the words are text of bounded length
 * without CR and LF. 5yz counts as an error, 4yz as a command without progress.
 */
void	smtp_reply(struct smtp_session *s, int code, const char *status,
	    const char *fmt, ...) ATTR_PRINTF(4, 5);
void	smtp_refuse(struct smtp_session *s, const struct smtp_refusal *r);
/* Reads a line of a dialogue inside a command (AUTH). 0; -1 if it is over. */
int	smtp_read(struct smtp_session *s, size_t max, char **line_r,
	    size_t *len_r) ATTR_CHECK;
/*
 * DATA was refused. It is the last of a group (RFC 2920 3.1): a client that
 * did not wait for the 354 is about to talk a message into our command line,
 * and hears no more.
 */
void	smtp_refused_data(struct smtp_session *s);
/* Forgets the transaction: back to SMTP_HELLO (or SMTP_START). */
void	smtp_reset(struct smtp_session *s);

/* The table; ends with .name NULL. */
extern const struct smtp_command smtp_commands[];
const struct smtp_command *smtp_command_find(const char *p, size_t len);
/* May the command run in this session with so many words? */
struct smtp_refusal smtp_command_judge(const struct smtp_command *c,
	    const struct smtp_session *s, unsigned words);
/*
 * Splits a line into verb and argument; refuses NUL, CR and the like. 0, or -1
 * where the line is no command.
 */
int	smtp_command_split(char *line, size_t len, char **verb_r,
	    size_t *verb_len_r, struct smtp_args *args_r) ATTR_CHECK;

void	cmd_helo(struct smtp_session *, const struct smtp_args *);
void	cmd_ehlo(struct smtp_session *, const struct smtp_args *);
void	cmd_mail(struct smtp_session *, const struct smtp_args *);
void	cmd_rcpt(struct smtp_session *, const struct smtp_args *);
void	cmd_data(struct smtp_session *, const struct smtp_args *);
void	cmd_rset(struct smtp_session *, const struct smtp_args *);
void	cmd_noop(struct smtp_session *, const struct smtp_args *);
void	cmd_quit(struct smtp_session *, const struct smtp_args *);
void	cmd_vrfy(struct smtp_session *, const struct smtp_args *);
void	cmd_help(struct smtp_session *, const struct smtp_args *);
void	cmd_starttls(struct smtp_session *, const struct smtp_args *);
void	cmd_auth(struct smtp_session *, const struct smtp_args *);
void	cmd_absent(struct smtp_session *, const struct smtp_args *);
void	cmd_bdat(struct smtp_session *, const struct smtp_args *);
void	cmd_foreign(struct smtp_session *, const struct smtp_args *);

/* Parameters behind a path (RFC 5321 4.1.2 Mail-parameters). */
struct smtp_params {
	uint64_t size;		/* 0: not said */
};
/*
 * Reads the parameters of MAIL (or, with rcpt, of RCPT): what is known is put
 * into out, else refused. max_size bounds SIZE; auth_ok: AUTH= is known.
 */
struct smtp_refusal smtp_params_parse(const char *p, size_t len, int rcpt,
	    int auth_ok, uint64_t max_size, struct smtp_params *out);

/* The answer of auth. */
enum smtpd_auth { AUTH_OK, AUTH_BAD, AUTH_LATER, AUTH_LIMIT };
/* Asks; on AUTH_OK the account's name stands in s->login. */
enum smtpd_auth smtpd_auth(struct smtp_session *s, const char *user,
	    size_t user_len, const char *pass, size_t pass_len);

/* Before the jail: reads names of uids, and trusted, a list of names. */
int	smtpd_local_init(const char *trusted);
/* Are they all system users? 0; -1 with why. */
int	smtpd_local_check(const char *trusted, struct buf *why);
/* Fills in login and trusted for a client of the local socket. */
void	smtpd_local_login(struct smtp_session *s, long uid);
/* May the local user use that sender? */
int	smtpd_local_owns(const struct smtp_session *s, const char *address);

#endif
