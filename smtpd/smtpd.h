/*
 * smtpd: all of SMTP with one client (RFC 5321), in three services: smtp (from
 * strangers, for our domains), submission (STARTTLS or TLS at once, then
 * AUTH), local (a Unix socket, the peer's uid is the login).
 *
 *   smtpd_session.c   connection, greeting, commands, limits
 *   smtpd_command.c   the table of commands and who judges it
 *   cmd_*.c           what the commands mean
 *   smtpd_check.c     the check stage; check_table.c its rows
 *   check_*.c         what the checks judge
 *   smtpd_reply.c     replies out, lines in: what commands do with a session
 *   smtpd_ext.c       extensions: EHLO, parameters of MAIL and RCPT
 *   smtpd_scan.c      the end of data, and what may not stand before it
 *   smtpd_body.c      the message on its way to the disk
 *   smtpd_file.c      octets within its file
 *   smtpd_trace.c     the fields put in front of it
 *   smtpd_mend.c      what a submission's header needs
 *   smtpd_author.c    who it says it is from
 *   smtpd_local.c     who a uid is
 *   smtpd.c           what the process has
 *
 * Files come from queue and envelopes go there by lib/link/submit.h, passwords
 * are asked for by lib/link/login.h.
 *
 * A session never outlives serve(); what a worker keeps for the next client is
 * the tables, the TLS context, the message buffer's memory and an empty file.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/link/submit.h"
#include "lib/mail/address.h"
#include "lib/net/nets.h"
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
	TLS_TIME = 20,			/* seconds for a handshake */
	SESSIONS_MAX = 1000,		/* a smtp worker retires after */
};

struct smtpd_conf {
	char	*hostname, *state_dir, *cert, *key, *local_trusted;
	uint64_t message_size, errors, junk, command_time, data_time,
		 data_rate;
	int	 verbose, normalize;
	int	 sender_any;		/* sender_header */
	char	*normalize_for;
};

/* What the process has: smtpd.c's, main.c fills it in. */
struct smtpd {
	struct smtpd_conf conf;
	const char *hostname;
	SSL_CTX	*tls;			/* NULL: no STARTTLS */
	struct tables *tables;
	struct nets normalize;		/* as conf.normalize_for names them */
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
	struct submit_options options;	/* what else MAIL declared */
};

/* What the checks noted (smtpd_check.h), and how long it stands. */
enum smtp_scope { SCOPE_CONNECTION, SCOPE_HELO, SCOPE_TRANSACTION, SCOPES };

struct smtp_notes {
	struct buf fields;	/* of the header, each with its CRLF */
	struct buf packed;	/* for the envelope: lib/mail/notes.h */
};

struct smtp_session {
	struct stream io;
	enum service service;
	enum smtp_state state;
	int	 esmtp;			/* EHLO was said */
	int	 closing;		/* the reply just given is the last */
	int	 linger;	/* and the client may be talking still */
	unsigned errors, junk, auth_failures;
	int64_t	 progress;	/* clock_mono_ms: it last brought mail forward */
	char	 helo[HELO_MAX + 1];
	char	 ip[80];	/* "192.0.2.1", "2001:db8::1", "local" */
	char	 remote[WIRE_REMOTE_MAX + 1];		/* with port */
	char	 tls[100];		/* "TLSv1.3 ...", "" in the clear */
	char	 login[ADDRESS_MAX + 1];	/* "" for a stranger */
	int	 trusted;		/* local: may use any sender */
	int	 nameless;		/* local: nobody has that uid */
	int	 normalize;		/* its bare LF ends a line */
	struct smtp_envelope env;
	struct smtp_notes notes[SCOPES];
};

#endif
