/*
 * What goes back of a message that was left and cannot be sent.
 */
#ifndef CTL_PICKUP_REPORT_H
#define CTL_PICKUP_REPORT_H

#include "lib/base/buf.h"
#include "lib/mail/drop.h"

/*
 * Appends the report: refusals (a line each, as struct sendmail has them) for
 * people, and the message, or its header where RET=HDRS asked for that, or where
 * the report would have more than `most` octets with all of it. number: makes the
 * boundary one that the message does not hold. The report is a message of RFC
 * 5322, and Auto-Submitted (RFC 3834), so that nothing answers it.
 */
void	pickup_report(const struct drop *d, const struct buf *refusals,
	    const char *hostname, const char *to, uint64_t number,
	    uint64_t most, struct buf *out);

#endif
