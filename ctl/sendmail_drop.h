/*
 * A message that nobody takes now, as a file of the drop directory
 * (lib/mail/drop.h). It is there whole and durable, or it is not there.
 */
#ifndef CTL_SENDMAIL_DROP_H
#define CTL_SENDMAIL_DROP_H

#include "ctl/sendmail.h"
#include "lib/base/attr.h"

/*
 * Leaves the message with its envelope; a missing Date is added, for it goes
 * later. 0, or -1 with why: the caller has it still.
 */
int	sendmail_drop(const struct sendmail *s, const struct buf *message,
	    struct buf *why) ATTR_CHECK;

#endif
