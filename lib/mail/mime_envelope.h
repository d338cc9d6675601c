/*
 * ENVELOPE as IMAP says it (RFC 3501 7.4.2).
 */
#ifndef LIB_MAIL_MIME_ENVELOPE_H
#define LIB_MAIL_MIME_ENVELOPE_H

#include "lib/mail/mime.h"

/*
 * Appends the text "(...)" of a message's part to out. -1 where out is full:
 * out then ends where it was cut.
 */
int	mime_envelope(const struct mime_part *p, struct buf *out);

#endif
