/*
 * The strings of IMAP.
 */
#ifndef LIB_MAIL_MIME_STRING_H
#define LIB_MAIL_MIME_STRING_H

#include "lib/base/buf.h"

/*
 * An nstring (RFC 3501): quoted where that can be, else a literal. Folds are
 * opened, white space at both ends and NUL dropped. p NULL is NIL.
 */
int	mime_nstring(const char *p, size_t len, struct buf *out);
/* The same with the white space at both ends, for what stood in quotes. */
int	mime_string(const char *p, size_t len, struct buf *out);

#endif
