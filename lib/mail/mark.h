/*
 * The mark of a message that was here: a Delivered-To field directly above the
 * Received field that this host wrote with it (smtpd, and queue in a bounce).
 * Delivered-To alone tells nothing: other hosts write it too, and of the same
 * address where mail is fetched or passed on from there. What a message passes
 * on its way is put in front (RFC 5321 4.4), so the two stay together.
 */
#ifndef LIB_MAIL_MARK_H
#define LIB_MAIL_MARK_H

#include "lib/base/attr.h"
#include "lib/mail/header.h"

/* What stands behind "by HOST" in the Received fields that we write. */
#define MARK_BY	"(Rohrpost)"

/* The fields of a header block, looked through for marks. */
struct mark {
	const char *host;		/* borrowed: this host's name */
	struct header_field above;	/* the last one; name_len 0: none */
};

void	mark_init(struct mark *m, const char *host);
/*
 * Tells the next field of the block, in order; its text must stay. 1: it makes
 * the field before it a mark, and value is the address there (replaced; on one
 * line). 0: it does not.
 */
int	mark_field(struct mark *m, const struct header_field *f,
	    struct buf *value) ATTR_CHECK;

#endif
