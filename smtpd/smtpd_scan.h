/*
 * The end of data (RFC 5321 4.1.1.4, 4.5.2): takes the message out of the
 * octets after 354. Only CRLF ends a line; only CRLF "." CRLF (or "." CRLF at
 * once) ends the data. A bare CR, a bare LF, a NUL or a line over
 * DATA_LINE_MAX is a fault: the scan goes on to the real end, so that no octet
 * of the message is ever taken for a command, and the message is refused.
 *
 * The caller keeps what the scan did not take and shows it again with more
 * after it: an incomplete line waits, unless the window is full.
 */
#ifndef SMTPD_SMTPD_SCAN_H
#define SMTPD_SMTPD_SCAN_H

#include <stddef.h>

struct smtp_scan {
	size_t	 line;		/* octets of the present line taken already */
	int	 bare;		/* fault: bare CR or LF, or NUL */
	int	 long_line;	/* fault */
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
