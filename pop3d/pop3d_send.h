/*
 * A message as the multi-line answer of RETR and TOP (RFC 1939 section 3): its
 * octets, a dot doubled at the start of each line, a line end if the message
 * has none, and the dot.
 *
 * A line starts after any LF, not only after CRLF: a client that ends its
 * lines there would else take LF . CRLF for the end, and what follows for
 * answers of ours.
 */
#ifndef POP3D_POP3D_SEND_H
#define POP3D_POP3D_SEND_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "pop3d/pop3d_io.h"

/* Stuffs octets that come in pieces. */
struct pop3d_stuff {
	char	 last[2];	/* octets before the next piece */
};

void	pop3d_stuff_begin(struct pop3d_stuff *s);
void	pop3d_stuff(struct pop3d_stuff *s, struct pop3d_io *io, const char *p,
	    size_t len);
/* The line end if need be, and the dot. */
void	pop3d_stuff_end(struct pop3d_stuff *s, struct pop3d_io *io);

/*
 * Sends size octets of fd, cut after lines lines after the header_len octets
 * of the header (UINT64_MAX: all), and the end. 0; -1: the file could not be
 * read on, errno says why (0: it is shorter than it was), and nothing may be
 * sent any more.
 */
int	pop3d_send(struct pop3d_io *io, int fd, uint64_t size,
	    uint64_t header_len, uint64_t lines) ATTR_CHECK;

#endif
