/*
 * ENVELOPE as IMAP says it (RFC 3501 7.4.2), and the strings and lists of
 * addresses that it is made of.
 */
#ifndef LIB_MAIL_MIME_ENVELOPE_H
#define LIB_MAIL_MIME_ENVELOPE_H

#include "lib/mail/mime.h"

/*
 * Appends the text "(...)" of a message's part to out. -1 where out is full:
 * out then ends where it was cut.
 */
int	mime_envelope(const struct mime *m, const struct mime_part *p,
	    struct buf *out);
/* One address field as IMAP's address list, "((...)(...))" or "NIL". */
int	mime_addresses(const char *p, size_t len, struct buf *out);
/*
 * An nstring (RFC 3501): quoted where that can be, else a literal. Folds are
 * opened, white space at both ends and NUL dropped. p NULL is NIL.
 */
int	mime_nstring(const char *p, size_t len, struct buf *out);

#endif
