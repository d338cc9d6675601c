/*
 * A stream of lines over a socket, in the clear or under TLS: the one reader
 * of lines in the suite, for the blocking shape of process.
 *
 * The descriptor is set non-blocking and every wait has a deadline. Replies
 * are gathered and go out in one write, at stream_flush or before the first
 * wait for input: so pipelined commands are answered together.
 *
 * Only CRLF ends a line (RFC 5321 2.3.8). A line that ends in a bare LF comes
 * back as STREAM_BARE: a server refuses it, a lenient client takes it. CR and
 * NUL inside a line are left to the caller to refuse.
 *
 * The in-buffer belongs to the stream. What stream_tls_* finds in it is thrown
 * away: no octet that was read before a handshake is used after it. The end
 * of TLS, orderly or not, is the end of the connection; nothing is ever read
 * or written in the clear again.
 *
 * DIAGNOSTICS: nothing warns. Once a call fails with STREAM_EOF, _TIMEOUT or
 * _ERROR every later one fails likewise, but behind stream_revive;
 * stream_words says why.
 */
#ifndef LIB_NET_STREAM_H
#define LIB_NET_STREAM_H

#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum stream_status {
	STREAM_OK = 1,
	STREAM_EOF = 0,
	STREAM_TIMEOUT = -1,	/* the deadline passed */
	STREAM_ERROR = -2,
	STREAM_LONG = -3,	/* the line passed max; it was skipped whole,
				   or stands there still: stream_cut */
	STREAM_BARE = -4,	/* as STREAM_OK, but a bare LF ended the line */
	STREAM_WOKEN = -5,	/* see stream_wake; the stream lives */
};

enum {
	STREAM_IN_SIZE = 64 * 1024,	/* the in-buffer: no line is longer */
	STREAM_OUT_MAX = 256 * 1024,	/* output gathered up to a write */
	STREAM_SKIP_MAX = 2 << 20,	/* octets skipped of a long line */
	STREAM_SLICE = 1000,		/* ms */
};

struct stream {
	int	 fd;
	SSL	*ssl;		/* NULL: in the clear */
	char	*in;
	size_t	 in_start, in_end;
	struct buf out;
	int64_t	 deadline;	/* clock_mono_ms; -1: none */
	enum stream_status end;	/* STREAM_OK while it lives */
	int	 wrote;		/* output just went out: wait before reading */
	int	 wake_fd;	/* -1: none */
	int	 silent;	/* it ended in a wait for input */
	int	 cut;		/* no line is skipped */
	int	 slices;	/* the descriptor blocks: stream_block */
	int	 error;		/* errno, or 0 where TLS failed */
	unsigned long tls_error; /* OpenSSL's, where it did */
};

/* Takes fd over. No deadline is set. */
void	stream_init(struct stream *s, int fd);
/* Closes and frees; unsent output is lost. Wipes the buffers. */
void	stream_clear(struct stream *s);
/* Sends what waits, then TLS's close_notify; then as stream_clear. */
void	stream_close(struct stream *s);

/*
 * The last words: sends what waits and, under TLS, close_notify, ends the
 * sending side, and drops what the peer still sends until it closes, for ms
 * milliseconds and max octets at the most. Nothing is read or sent after it.
 */
void	stream_linger(struct stream *s, int64_t ms, size_t max);

/* Every wait from now on ends ms milliseconds from now; -1: no bound. */
void	stream_deadline(struct stream *s, int64_t ms);
/*
 * From now on stream_line and stream_fill answer STREAM_WOKEN, having lost
 * nothing, where they wait and fd can be read; -1: no more. Whoever is woken
 * reads fd before he calls again.
 */
void	stream_wake(struct stream *s, int fd);
/*
 * 1: the stream, which had ended because no input came in time, lives again
 * for ms milliseconds, so that the peer can be told. 0: it does not.
 */
int	stream_revive(struct stream *s, int64_t ms) ATTR_CHECK;
/*
 * 1: the stream, which had ended because nothing could be written, can be read
 * for what had come before. 0: it cannot.
 */
int	stream_hear(struct stream *s) ATTR_CHECK;
/*
 * From now on a line over max is answered with STREAM_LONG at once: nothing
 * more can be read then.
 */
void	stream_cut(struct stream *s);
/*
 * The descriptor, a socket, blocks from now on and reads end every
 * STREAM_SLICE, to look at the deadline: a read then needs no poll(2) before
 * it. Not with stream_wake; until a handshake, or for nothing where the socket
 * does not take it.
 */
void	stream_block(struct stream *s);
/* Why the stream ended, for people. */
const char *stream_words(const struct stream *s);

/*
 * A line without its end; NUL stands after it; good until the next call.
 * max (below STREAM_IN_SIZE - 2) bounds it without CRLF. STREAM_LONG: it was
 * longer and is gone up to its end; one that is over STREAM_SKIP_MAX ends the
 * stream.
 */
enum stream_status stream_line(struct stream *s, size_t max, char **line_r,
	    size_t *len_r) ATTR_CHECK;

/*
 * What was read and not yet taken (this may be nothing), without waiting.
 * Octets may be changed in place.
 */
size_t	stream_peek(struct stream *s, char **p_r);
void	stream_take(struct stream *s, size_t n);
/*
 * Reads at least one more octet behind what is there, after sending the
 * output. STREAM_LONG, and nothing done, if the buffer is full. Moves what
 * stream_peek and stream_line answered.
 */
enum stream_status stream_fill(struct stream *s) ATTR_CHECK;
/*
 * 1 if octets were read that nobody took yet. Under TLS what is not text (a
 * session ticket, a new key) is none: it is taken in where it is found.
 */
int	stream_has_input(struct stream *s);
/* 1 if octets, or the end, can be read now without waiting. */
int	stream_readable(struct stream *s);

/* Gathers output. A failure shows at the next flush or fill. */
void	stream_write(struct stream *s, const void *p, size_t len);
void	stream_puts(struct stream *s, const char *text);
void	stream_printf(struct stream *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
void	stream_vprintf(struct stream *s, const char *fmt, va_list ap)
	    ATTR_PRINTF(2, 0);
/* Sends what was gathered. A failure is not lost: it ends the stream. */
enum stream_status stream_flush(struct stream *s);

/*
 * The handshake, after sending the output and throwing the input away. -1: it
 * failed, why says so, the stream has ended.
 */
int	stream_tls_accept(struct stream *s, SSL_CTX *ctx, struct buf *why)
	    ATTR_CHECK;
/* As a client; host as in tls_client_host. */
int	stream_tls_connect(struct stream *s, SSL_CTX *ctx, const char *host,
	    struct buf *why) ATTR_CHECK;

#endif
