/*
 * The end of data (RFC 5321 4.1.1.4, 4.5.2): takes the message out of the
 * octets after 354. Only CRLF ends a line; only CRLF "." CRLF (or "." CRLF at
 * once) ends the data. A bare CR, a bare LF, a NUL or (but of a submission) a line
 * over DATA_LINE_MAX is a fault: the scan goes on to the real end, so that no octet
 * of the message is ever taken for a command, and the message is refused.
 *
 * With mend (a submission, whose end is ours alone to see, or where the
 * operator says so: smtp_bare_newline) a bare LF ends a line too and becomes
 * CRLF; still only CRLF "." CRLF ends the data. Clients that send such lines
 * differ in what they do to a dot behind a bare LF: some put one before it,
 * some do not. So of two one goes, and a single one stays.
 *
 * The caller keeps what the scan did not take and shows it again with more
 * after it: an incomplete line waits, unless the window is full.
 */
#ifndef SMTPD_SMTPD_SCAN_H
#define SMTPD_SMTPD_SCAN_H

#include <stddef.h>

struct smtp_scan {
	size_t	 line;		/* octets of the present line taken already */
	int	 cr;		/* among them, behind the last LF, is a CR */
	int	 mend;		/* the caller's: a bare LF is no fault */
	int	 soft;		/* a bare LF ended the line before */
	int	 bare;		/* fault: bare CR or LF, or NUL */
	int	 long_line;	/* a line may be over LINES_MAX */
	int	 huge_line;	/* one is over DATA_LINE_MAX */
	int	 eight_bit;	/* an octet over 0x7f was there */
	int	 done;		/* the end of data was taken */
	/* Gets the message's octets, dots unstuffed, in order. */
	void	(*put)(void *arg, const char *p, size_t len);
	void	*arg;
};

/*
 * Takes octets from p; full: the window cannot grow, take part of a line too.
 * Returns how many were taken; s->done says that the data ended there.
 */
size_t	scan_data(struct smtp_scan *s, const char *p, size_t len, int full);

#endif
