/*
 * Lists of addresses as IMAP says them (RFC 3501 7.4.2).
 */
#ifndef LIB_MAIL_MIME_ADDRESS_H
#define LIB_MAIL_MIME_ADDRESS_H

#include "lib/mail/mime.h"

/*
 * One address field as IMAP's address list, "((...)(...))" or "NIL".
 *
 * No address comes out that did not stand there. Everything in front of "<"
 * is a display name, addresses too. Two addresses without a comma are two;
 * words in front of one are its display name, behind one they are dropped.
 * Words alone are a mailbox without a host. A "@" too many belongs to the
 * local part.
 */
int	mime_addresses(const char *p, size_t len, struct buf *out);
/* The same of a field and those that are one list with it. */
int	mime_address_list(const struct mime_field *f, struct buf *out);
/*
 * What the list of one field says to people, in UTF-8, for a search: of each
 * address "name <local@domain>" with the name's encoded words decoded, of a
 * group its name, with ", " between them. -1 where out is full.
 */
int	mime_address_text(const char *p, size_t len, struct buf *out);

#endif
