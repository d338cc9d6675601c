/*
 * Reading the values of structured fields (RFC 5322 3.2, RFC 2045 5.1),
 * tolerantly and never past their end. mime_param.h puts parameters together.
 */
#ifndef LIB_MAIL_MIME_LEX_H
#define LIB_MAIL_MIME_LEX_H

#include "lib/base/buf.h"
#include "lib/mail/mime.h"

struct mime_lex {
	const char *p, *end;
};

/* A parameter; value is raw, between the quotes if quoted is set. */
struct mime_lex_param {
	struct mime_text name, value;
	int	 quoted;
};

/* White space, line ends and comments (nested to any depth). */
void	mime_skip_cfws(struct mime_lex *l);
/* A comment that starts at l->p; its raw inside in text_r. */
void	mime_lex_comment(struct mime_lex *l, struct mime_text *text_r);
/* A quoted string that starts at l->p; its raw inside in text_r. */
void	mime_lex_quoted(struct mime_lex *l, struct mime_text *text_r);
/* A token of RFC 2045 (octets over 0x7f count as letters). 1, or 0: none. */
int	mime_lex_token(struct mime_lex *l, struct mime_text *t);
/* "type/subtype"; 1, or 0 where it is not that. */
int	mime_lex_type(struct mime_lex *l, struct mime_text *type,
	    struct mime_text *subtype);
/* The next parameter: ";" name "=" value. 1, or 0 at the end. */
int	mime_lex_param(struct mime_lex *l, struct mime_lex_param *p);
/*
 * Appends the inside of a quoted string or comment without its escapes, and
 * without the line ends of its folds (RFC 5322 2.2.3).
 */
int	mime_unescape(const struct mime_text *t, struct buf *out);
#endif
