/*
 * Mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3). Strict: a name
 * has exactly one form, all others are refused, so that two names cannot
 * look like one.
 */
#ifndef LIB_MAIL_UTF7_H
#define LIB_MAIL_UTF7_H

#include "lib/base/buf.h"

/*
 * Appends the UTF-8 of the name. Returns 0; -1 where it is not canonical
 * modified UTF-7, holds a control or NUL, or out is full.
 */
int	utf7_decode(const char *p, size_t len, struct buf *out)
	    ATTR_CHECK;
/* Appends the modified UTF-7 of a name in valid UTF-8. 0, or -1. */
int	utf7_encode(const char *p, size_t len, struct buf *out);

#endif
