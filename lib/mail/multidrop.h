/*
 * Whose a message is that lies in a mailbox for many: a provider keeps the mail
 * of a domain, or of a household, in one mailbox, and the recipients of the
 * envelope are left in a header field alone.
 *
 * The names of fields come in an order; the first of them counts that is there
 * with an address. Of several fields of one name it is the topmost, for the
 * last host has put it there, and its addresses are all taken. Two names are
 * more than a field:
 *
 *	Received	the address behind "for" (RFC 5321 4.4), of the topmost
 *			Received that has one
 *	To		To and Cc together (RFC 5322 3.6.3): what a sender has
 *			written, which is whose the mail is not, where somebody
 *			is in Bcc or it comes by a list
 *
 * What a provider does not write itself anybody may have written: the order is
 * for the operator to say.
 *
 * Addresses come out in their one spelling (lib/mail/address.h), each once.
 */
#ifndef LIB_MAIL_MULTIDROP_H
#define LIB_MAIL_MULTIDROP_H

#include "lib/base/buf.h"

/* What counts where the operator says nothing. */
#define MULTIDROP_FIELDS	\
	"Delivered-To X-Envelope-To X-Original-To Envelope-To Received"

/*
 * Appends the recipients of the header block, each a packed lv (buf_put_lv), to
 * out. names is such a list too, of CL_FIELDS_MAX at the most; what is malformed
 * in it ends it. How many: 0, none of the fields has one. More than
 * CL_RECIPIENTS_MAX (lib/mail/collect_proto.h) are left out, and more than out
 * takes.
 */
unsigned multidrop(const char *header, size_t len, const struct buf *names,
	    struct buf *out);

#endif
