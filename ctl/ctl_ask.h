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
/* Is it a word for yes, in English or the operator's language? */
int	ctl_is_yes(const char *answer);
/* The same of no. */
int	ctl_is_no(const char *answer);
/*
 * From now on (on) SIGINT, SIGTERM, SIGHUP and SIGQUIT end a wait for input as
 * its end does, and the process goes on; off: they do what they did.
 */
void	ctl_catch(int on);
/* The signal that came since, or 0. */
int	ctl_caught(void);
/* Asks the question on standard error; true where the answer is yes. */
int	ctl_confirmed(const char *question);
/*
 * A password: from standard input's first line with from_stdin, else asked
 * for twice at the terminal without echo. out's max bounds it; wipe
 * it. 0, or -1 with why. A signal leaves the terminal with its echo.
 */
int	ctl_password(int from_stdin, const char *who, struct buf *out,
	    struct buf *why) ATTR_CHECK;
/* The same, at the terminal, asked for once. */
int	ctl_password_once(const char *who, struct buf *out, struct buf *why)
	    ATTR_CHECK;

#endif
