/*
 * Service extensions (RFC 5321 2.2). A row has a keyword, where it is offered,
 * what follows it in the reply to EHLO, the command that it brings and
 * the parameters that it adds to MAIL and RCPT, with their parsers. EHLO, HELP
 * and the reading of parameters follow from the rows: to add one touches this
 * header, where a value has to be kept, and smtpd_ext.c.
 */
#ifndef SMTPD_SMTPD_EXT_H
#define SMTPD_SMTPD_EXT_H

#include "lib/link/submit.h"
#include "smtpd/smtpd_reply.h"

/* What parameters say. Of MAIL the first two, of RCPT the last. */
struct smtp_params {
	uint64_t size;		/* 0: not said */
	struct submit_options options;
	struct packed_recipient recipient;	/* .orcpt (borrowed), .notify */
};

/* A parameter as it was given: borrowed text, not NUL-terminated. */
struct smtp_param {
	const char *key, *value;	/* value NULL: there is no "=" */
	size_t	 key_len, value_len;
};

enum { EXT_PARAMS_MAX = 4 };		/* of one command in one row */

struct smtp_param_row {
	const char *name;	/* NULL: no more */
	struct smtp_refusal (*parse)(const struct smtp_param *,
	    struct smtp_params *);
};

struct smtp_ext {
	const char *keyword;
	int	(*offered)(const struct smtp_session *);	/* NULL: always */
	/* Appends what follows the keyword, or NULL. */
	void	(*arguments)(struct buf *out);
	int	 taken;		/* its parameters are, offered or not */
	const char *verb;	/* of the command that it brings, or NULL */
	struct smtp_param_row mail[EXT_PARAMS_MAX], rcpt[EXT_PARAMS_MAX];
};

/* The rows; ends with .keyword NULL. */
extern const struct smtp_ext smtp_exts[];

/* Says the lines of EHLO after the first. */
void	smtp_ext_hello(struct smtp_session *s);
/* Appends " VERB" for each command that an offered row brings. */
void	smtp_ext_verbs(const struct smtp_session *s, struct buf *out);

/*
 * Reads the parameters of MAIL (or, with rcpt, of RCPT), which follow
 * the path. What a row knows that is offered (or .taken) is put into *p_r, else refused;
 * so is a parameter that stands there twice.
 */
struct smtp_refusal smtp_ext_params(const struct smtp_session *s, int rcpt,
	    const char *p, size_t len, struct smtp_params *p_r);

#endif
