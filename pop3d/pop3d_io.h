/*
 * The plain socket to login: lines in, gathered octets out. No TLS here, and so
 * no OpenSSL: a session stays small.
 *
 * Answers are gathered and go out in large writes: when the buffer is full, and
 * before the session waits for its client. Waiting, for either side, ends after
 * timeout_ms without an octet. After an error or the end every call does
 * nothing and says so.
 */
#ifndef POP3D_POP3D_IO_H
#define POP3D_POP3D_IO_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	POP3D_LINE_MAX = 512,	/* with CRLF; RFC 2449 section 4 asks for 255 */
	POP3D_IN_SIZE = 8192,
	POP3D_OUT_SIZE = 64 * 1024,
};

struct pop3d_io {
	int	 fd;
	int	 timeout_ms;
	int	 ended;
	size_t	 start, end;		/* of in */
	struct buf out;
	char	 in[POP3D_IN_SIZE];
};

/* Takes fd over. */
void	pop3d_io_init(struct pop3d_io *io, int fd, int timeout_ms);
/* Closes; what was gathered is lost. */
void	pop3d_io_clear(struct pop3d_io *io);

/*
 * The next line without its end (CRLF or LF), with a NUL after it, good until
 * the next call: 1. 0: the client is gone or says nothing. -1: the line is
 * longer than POP3D_LINE_MAX; it was skipped.
 */
int	pop3d_io_line(struct pop3d_io *io, char **line_r, size_t *len_r)
	    ATTR_CHECK;
void	pop3d_io_put(struct pop3d_io *io, const void *p, size_t len);
void	pop3d_io_puts(struct pop3d_io *io, const char *s);
void	pop3d_io_printf(struct pop3d_io *io, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* 0, or -1: the client is gone. */
int	pop3d_io_flush(struct pop3d_io *io);

#endif
