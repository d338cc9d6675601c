/*
 * What commands do with a session, below them all: replies out, lines in, the
 * end. While it waits for a line it listens to master, too.
 */
#ifndef SMTPD_SMTPD_REPLY_H
#define SMTPD_SMTPD_REPLY_H

#include "smtpd/smtpd.h"

enum {
	SMTP_LINGER_MS = 1000,	/* a closed client may read our last words */
	/* ms of silence after which a stop breaks a transaction off */
	SMTP_STOP_MS = 2000,
};

/* A reply that refuses; code 0: nothing to refuse. */
struct smtp_refusal {
	int	 code;
	const char *status, *words;
};

/* True where logins are taken. */
int	smtpd_takes_login(const struct smtp_session *s);
/* True for what a login (or a local user) says: it may relay. */
int	smtpd_is_ours(const struct smtp_session *s);
/* True from MAIL on, up to the end of the transaction. */
int	smtp_in_transaction(const struct smtp_session *s);

/*
 * One reply line "code status words"; the words are text of bounded length
 * without CR and LF. 5yz counts as an error, 4yz as a command without progress.
 */
void	smtp_reply(struct smtp_session *s, int code, const char *status,
	    const char *fmt, ...) ATTR_PRINTF(4, 5);
void	smtp_refuse(struct smtp_session *s, const struct smtp_refusal *r);
/* The last reply: nothing is read as a command any more. */
void	smtp_end(struct smtp_session *s, int code, const char *status,
	    const char *words);
/*
 * DATA was refused. It is the last of a group (RFC 2920 3.1): a client that
 * did not wait for the 354 is about to talk a message into our command line,
 * and hears no more.
 */
void	smtp_refused_data(struct smtp_session *s);

/*
 * stream_line, or without line_r stream_fill. STREAM_WOKEN: master wants us to
 * stop, and the client was told.
 */
enum stream_status smtp_wait(struct smtp_session *s, size_t max,
	    char **line_r, size_t *len_r);
/* The last words to a client whose login the operator has ended. */
void	smtp_kicked(struct smtp_session *s);
/* The wait ended without input: the last words, where they can be heard. */
void	smtp_silent(struct smtp_session *s);
/*
 * Reads a line: of a command, or of a dialogue inside one (AUTH). 0; -1 where
 * there is none, or it is malformed; the client was told.
 */
int	smtp_read(struct smtp_session *s, size_t max, char **line_r,
	    size_t *len_r) ATTR_CHECK;
/* Forgets notes, and keeps the memory. */
void	smtp_notes_reset(struct smtp_notes *n);
/* Forgets the transaction: back to SMTP_HELLO (or SMTP_START). */
void	smtp_reset(struct smtp_session *s);

#endif
