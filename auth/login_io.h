/*
 * One client's socket, in the clear or under TLS, for a loop.
 *
 * Writing never blocks and never stops half way: what the socket does not take
 * is kept in tx. So the caller writes only while tx is empty (back-pressure),
 * and a piece of at most LOGIN_IO_PIECE. Under TLS all records of one write go
 * out in one system call, gathered in a buffer that all connections share; a
 * connection that is idle holds no buffer at all (SSL_MODE_RELEASE_BUFFERS).
 *
 * Calls that answer -1 leave errno; EAGAIN is "later", anything else is the
 * end of the connection (a failed TLS record, a reset, a storm of key updates).
 */
#ifndef AUTH_LOGIN_IO_H
#define AUTH_LOGIN_IO_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"

enum {
	LOGIN_IO_PIECE = 64 * 1024,
	LOGIN_IO_TX_MAX = 256 * 1024,
	LOGIN_IO_UPDATES = 32,		/* TLS key updates a minute */
};

struct login_io {
	int	 fd;
	SSL	*ssl;		/* NULL: in the clear */
	struct buf tx;		/* for the socket */
	int	 drained;	/* the last read of fd took less than it could */
	unsigned updates;	/* in this minute */
	int64_t	 minute;
};

/* Takes fd over. */
void	login_io_init(struct login_io *io, int fd);
/* Closes. */
void	login_io_clear(struct login_io *io);
/* From now on TLS, as the server. 0, or -1. */
int	login_io_tls(struct login_io *io, SSL_CTX *ctx) ATTR_CHECK;
/* 1: the handshake is done; 0: later; -1 with why. */
int	login_io_handshake(struct login_io *io, struct buf *why) ATTR_CHECK;
/* Octets read, 0 at the end. Read until EAGAIN, or until login_io_drained:
   TLS may hold some back. */
ssize_t	login_io_read(struct login_io *io, void *p, size_t len) ATTR_CHECK;
/* Has TLS read octets that login_io_read has not given out yet? */
int	login_io_held(const struct login_io *io);
/*
 * Under TLS: was the last read of the socket one that left it empty, and is
 * nothing held back? Then what comes next wakes the loop, and to ask for
 * EAGAIN tells nothing more. In the clear a short read says so itself: 0.
 */
int	login_io_drained(const struct login_io *io);
/* All len octets are sent or in tx: 0, or -1. */
int	login_io_write(struct login_io *io, const void *p, size_t len)
	    ATTR_CHECK;
/* 1: tx is empty now; 0: later; -1. */
int	login_io_flush(struct login_io *io) ATTR_CHECK;
/* Says TLS's farewell, if there is TLS; it may wait in tx. */
void	login_io_bye(struct login_io *io);

#endif
