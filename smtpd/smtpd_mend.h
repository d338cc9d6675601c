/*
 * What a submission's header may need before it is judged, signed and served
 * (RFC 6409 8): the lines "From " of a mailbox file at its top go, addresses
 * without a domain get one, lines over LINES_MAX are folded where there is
 * a blank, or a comma between addresses. On port 25 nothing is altered.
 *
 * What cannot be read as addresses, and a line without a place to fold, stays
 * as it is.
 */
#ifndef SMTPD_SMTPD_MEND_H
#define SMTPD_SMTPD_MEND_H

#include <stddef.h>

#include "lib/base/buf.h"

enum { MEND_GROWS_MAX = 64 * 1024 };	/* octets that a header may gain */

/*
 * How many octets of "From " lines stand in front of the header. 0 where no
 * field follows them: such a line is text.
 */
size_t	mend_top(const char *p, size_t len);
/*
 * Appends the header block (len octets, with its empty line, if it is there) to
 * out as it shall be; domain completes addresses. 1 if anything is other than
 * it was. 0, and out is of no use: nothing is, or it would grow by more than
 * MEND_GROWS_MAX.
 */
int	mend_header(const char *p, size_t len, const char *domain,
	    struct buf *out);

#endif
