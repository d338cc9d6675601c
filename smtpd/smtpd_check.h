/*
 * The check stage. Whatever may turn a client, a sender, a recipient or a
 * message away by what it is (and not by the syntax of SMTP, or a bound of
 * this program) is a row of smtp_checks. A row has a hook at each stage that
 * it cares for; at a stage the rows are asked in the order of the table, and
 * the first refusal wins.
 *
 * A hook may keep what it learned from stage to stage in its file: a worker has
 * one client at a time. It begins anew at the first stage that it has of a
 * connection or a transaction, for nobody tells it of RSET. So it does at a
 * second STAGE_HEADER: a submission was mended, and comes in again as it will be
 * served; what was noted since the first one is forgotten.
 *
 * Notes are what a check found of a message that goes on: a field of the
 * header, in front of what came, and a note in the envelope for the filters
 * after queue. Those of STAGE_CONNECT stand for all of a connection, those
 * of STAGE_HELO up to the next HELO or EHLO, the others for the transaction.
 *
 * DIAGNOSTICS: a note that is malformed or finds no room is left out with a
 * warning; the message goes on.
 */
#ifndef SMTPD_SMTPD_CHECK_H
#define SMTPD_SMTPD_CHECK_H

#include "smtpd/smtpd_reply.h"

enum smtp_stage {
	STAGE_CONNECT,	/* before the greeting, and before TLS at once */
	STAGE_HELO,	/* HELO or EHLO */
	STAGE_MAIL,	/* the tables were just refreshed */
	STAGE_RCPT,	/* of a recipient that is new */
	STAGE_HEADER,	/* all of the header is there */
	STAGE_BODY,	/* some of the body; again and again, in order */
	STAGE_END,	/* nothing is missing, nothing is durable yet */
	STAGES
};

/* What a hook is asked about. Text is borrowed and not NUL-terminated. */
struct smtp_case {
	int	 crowded;	/* CONNECT: too many come from there */
	/*
	 * HELO: the name. HEADER: the block with its empty line, as it will be
	 * served after `added`. BODY: octets as they will be served.
	 */
	const char *text;
	size_t	 len;
	const struct buf *added;	/* HEADER: fields that were mended */
	size_t	 room_r;	/* HEADER: the hook adds the octets of fields
				   that it will note at the end */
	int	 endless;	/* HEADER: no end of it within BODY_MEMORY */
	const struct address *address;	/* MAIL (empty: <>), RCPT */
	int	 local_r;	/* RCPT: the hook says that it is one of ours */
	int	 postmaster_r;	/* RCPT: and postmaster of that domain gets it */
};

enum smtp_outcome {
	VERDICT_PASS,
	VERDICT_NOTE,	/* goes on, with a note */
	VERDICT_REFUSE,	/* as refusal says */
	/* It cannot be told now: 451 (at STAGE_CONNECT 421), refusal.words. */
	VERDICT_LATER,
};

struct smtp_verdict {
	enum smtp_outcome outcome;
	struct smtp_refusal refusal;
	/*
	 * NOTE: a field of the header: its name, and its value of lines of
	 * ASCII with CRLF and a blank at the folds, none at the end. NULL: none.
	 */
	const char *field, *value;
	/* NOTE: for the envelope, under the row's name ("pass"). NULL: none. */
	const char *result;
	const struct smtp_verdict *more;	/* NOTE: a further one, or NULL */
};

#define SMTP_REFUSE(code, status, words) \
	{ VERDICT_REFUSE, { (code), (status), (words) }, NULL, NULL, NULL, NULL }

struct smtp_check {
	const char *name;	/* of the notes: at most NOTE_NAME_MAX */
	struct smtp_verdict (*at[STAGES])(struct smtp_session *,
	    struct smtp_case *);	/* NULL: it has nothing to say */
};

enum {
	NOTE_FIELD_MAX = 64,		/* octets of a field's name */
	NOTE_FIELDS_MAX = 16 * 1024,	/* of all fields of a scope */
};

/* check_table.c: the rows; ends with .name NULL. */
extern const struct smtp_check smtp_checks[];

/* Asks the rows. Code 0: all passed, and their notes are kept in s. */
struct smtp_refusal smtp_check(struct smtp_session *s, enum smtp_stage stage,
	    struct smtp_case *c);
/* How much was noted of the transaction so far. */
struct smtp_check_mark {
	size_t	 fields, packed;
};
struct smtp_check_mark smtp_check_mark(const struct smtp_session *s);
/* What was noted since is forgotten. */
void	smtp_check_back(struct smtp_session *s,
	    const struct smtp_check_mark *m);
/* Appends the fields that the checks noted, each with its CRLF. */
void	smtp_check_fields(const struct smtp_session *s, struct buf *out);
/* Packs the notes for the envelope (lib/mail/notes.h), as many as fit. */
void	smtp_check_notes(const struct smtp_session *s, struct buf *out);

/* check_client.c */
struct smtp_verdict check_crowd(struct smtp_session *, struct smtp_case *);
struct smtp_verdict check_names(struct smtp_session *, struct smtp_case *);
struct smtp_verdict check_early(struct smtp_session *, struct smtp_case *);
struct smtp_verdict check_helo(struct smtp_session *, struct smtp_case *);
/* May it stand in the name of a HELO, and so in a Received field? */
int	check_helo_octet(char c);
/* check_address.c */
struct smtp_verdict check_sender(struct smtp_session *, struct smtp_case *);
struct smtp_verdict check_recipient(struct smtp_session *,
	    struct smtp_case *);
/* check_sign.c */
struct smtp_verdict check_sign_header(struct smtp_session *,
	    struct smtp_case *);
struct smtp_verdict check_sign_body(struct smtp_session *, struct smtp_case *);
struct smtp_verdict check_sign_end(struct smtp_session *, struct smtp_case *);
/* check_from.c */
struct smtp_verdict check_from(struct smtp_session *, struct smtp_case *);
/* check_header.c */
struct smtp_verdict check_header(struct smtp_session *, struct smtp_case *);

#endif
