/*
 * The transaction with the suite's socket, and how sendmail says what fails.
 */
#ifndef CTL_SENDMAIL_SMTP_H
#define CTL_SENDMAIL_SMTP_H

#include "ctl/sendmail.h"
#include "lib/base/attr.h"

/*
 * One transaction over fd, which it takes over. The exit status (said), or, not
 * said, that no connection is free for this user now; that it ended before the
 * server's last word, so that the message may be there or not.
 */
enum { SENDMAIL_BUSY = -1, SENDMAIL_GONE = -2 };
int	sendmail_send(const struct sendmail *s, int fd,
	    const struct buf *message);
/*
 * -bs: copies octets between standard input/output and fd until fd ends. The
 * exit status, or SENDMAIL_BUSY (nothing was copied, fd is closed).
 */
int	sendmail_pass(int fd);
/* "sendmail: words" on standard error; gives back status. */
int	sendmail_fail(int status, const char *fmt, ...) ATTR_PRINTF(2, 3);

#endif
