/*
 * Parameters of Content-Type and Content-Disposition (RFC 2045 5.1), as they
 * are meant: folds opened, quotes and escapes gone, and what RFC 2231 takes
 * apart together again.
 *
 * RFC 2231 6: "IMAP4 servers SHOULD decode parameter value continuations";
 * character set and language stay, for the client. So name*0=a; name*1=b is
 * name with "ab", and name*0*=utf-8''a; name*1=b is name* with "utf-8''ab".
 * The pieces may stand in any order; behind a gap they stay under the names
 * that they have.
 */
#ifndef LIB_MAIL_MIME_PARAM_H
#define LIB_MAIL_MIME_PARAM_H

#include "lib/mail/mime_lex.h"

/* attribute ["*" section] ["*"], where section is a number (RFC 2231 7) */
struct mime_piece {
	size_t	 base;		/* octets of the attribute */
	int	 section;	/* -1: none */
	unsigned char extended;
	unsigned char done;	/* told, with an earlier one or by itself */
	unsigned char head;	/* index of piece 0; of a lone one: its own */
	unsigned char next;	/* index of the piece that follows; head: none */
};

/* The parameters of a field, and where a walk over them is. */
struct mime_params {
	struct mime_lex_param raw[MIME_PARAMS_MAX];
	struct mime_piece piece[MIME_PARAMS_MAX];
	unsigned n, at;
	struct buf name, value;	/* of one that is not in the field like this */
};

/* Reads what stands from the first ";" on; p NULL: there is nothing. */
void	mime_params_init(struct mime_params *ps, const struct mime_text *t);
void	mime_params_clear(struct mime_params *ps);
/* The next one: 1, or 0 at the end. Both hold until the next call. */
int	mime_params_next(struct mime_params *ps, struct mime_text *name_r,
	    struct mime_text *value_r);
/*
 * The value of one parameter (any case) as octets, percents decoded, without
 * character set and language. Where it stands plain and as in RFC 2231 as
 * well, the plain one counts. Appends to value_r. 1, or 0: there is none, or
 * value_r is full.
 */
int	mime_param(const struct mime_text *params, const char *name,
	    struct buf *value_r);

#endif
