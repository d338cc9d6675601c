/*
 * A multi-line response of a POP3 server, octet by octet (RFC 1939 3): lines,
 * the dots taken off that were put in front of dots, and the end.
 *
 * A line that begins with one dot and something else loses none: a server that
 * puts no dot in front of dots would have meant it. Only CRLF ends a line,
 * unless the server has shown (lf) that it writes a bare LF: so no text of a
 * message can look like its end.
 *
 * There is no bound: that is for who takes the octets.
 */
#ifndef RELAY_POP3_TEXT_H
#define RELAY_POP3_TEXT_H

#include <stddef.h>

#include "lib/base/attr.h"

enum pop3_at {
	POP3_AT_START,		/* of a line */
	POP3_AT_DOT,		/* behind its first dot */
	POP3_AT_DOT_CR,
	POP3_AT_TEXT,
	POP3_AT_CR,
};

struct pop3_text {
	enum pop3_at at;
	int	 lf;		/* the caller's: a bare LF ends a line */
};

/*
 * Takes some of the len octets at p (len > 0), used_r of them; *out_r of
 * *out_len_r octets is what they stand for, good as long as p, maybe none.
 * 1: that was the end of the response.
 */
int	pop3_text_take(struct pop3_text *t, const char *p, size_t len,
	    size_t *used_r, const char **out_r, size_t *out_len_r) ATTR_CHECK;

#endif
