/*
 * What a person at the terminal is asked for, and lines of standard input.
 */
#ifndef CTL_CTL_ASK_H
#define CTL_CTL_ASK_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Are standard input and standard error a person's? */
int	ctl_at_terminal(void);
/*
 * Sets out to a line of standard input without its end: 1; 0 at the end of
 * the input; -1 where the line is longer than out may be, or holds NUL.
 */
int	ctl_line(struct buf *out) ATTR_CHECK;
/* Asks the question on standard error; true where the answer is yes. */
int	ctl_confirmed(const char *question);
/*
 * A password: from standard input's first line with from_stdin, else asked
 * for twice at the terminal without echo. out holds up to PASSWORD_MAX octets;
 * wipe it. 0, or -1 with why.
 */
int	ctl_password(int from_stdin, const char *who, struct buf *out,
	    struct buf *why) ATTR_CHECK;

#endif
