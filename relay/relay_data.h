/*
 * A stored message as the data of SMTP (RFC 5321 4.5.2): dots doubled at the
 * start of lines, lines that end in CRLF, no bare CR or LF ever.
 *
 * A bare LF, which no message that came in by SMTP holds, becomes CRLF; a bare
 * CR becomes a space: it was not a line break, and must not become one at the
 * next hop.
 */
#ifndef RELAY_DATA_H
#define RELAY_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct data {
	int	 text;		/* not at the start of a line */
	int	 cr;		/* a CR was the last octet, not yet out */
	void	(*out)(void *arg, const char *p, size_t len);
	void	*arg;
};

/* Takes the next len octets; what is clean goes out in one piece. */
void	data_put(struct data *d, const char *p, size_t len);
/* Ends the last line if need be, then writes the final dot. */
void	data_end(struct data *d);

#endif
