/*
 * A frame channel between two programs: a Unix stream socket that carries
 * frames and, beside them, descriptors.
 *
 * A frame is a header of CHAN_HEADER octets (version, type, number of
 * descriptors, 0, id u32, length u32, little-endian), then length octets.
 * The requester chooses id, the answer repeats it; 0 marks an event that
 * nobody asked for. Descriptors travel in the order of their frames.
 *
 * Works for both shapes of process: a non-blocking descriptor under an event
 * loop (chan_read, chan_next, chan_flush), or a blocking one (chan_recv,
 * chan_send). Both ways bound what is held: CHAN_FRAME_MAX for a frame, out.max
 * and CHAN_HELD_MAX descriptors for what waits to be sent; a peer that does
 * not read is dropped by its owner when a send says ENOBUFS, never waited for.
 *
 * Errors are errno values; EBADMSG is a peer that broke the framing: drop it.
 */
#ifndef LIB_BASE_CHAN_H
#define LIB_BASE_CHAN_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	CHAN_VERSION = 1,
	CHAN_HEADER = 12,
	CHAN_FRAME_MAX = 1 << 20,	/* octets after the header */
	CHAN_FDS_MAX = 64,		/* descriptors of one frame */
	CHAN_OUT_MAX = 4 << 20,		/* out.max at the start */
	CHAN_HELD_MAX = 16 * CHAN_FDS_MAX, /* descriptors held, each way */
};

struct chan_out_fd {
	int	 fd;
	size_t	 at;		/* offset in out of its frame */
};

struct chan {
	int	 fd;
	struct buf in, out;
	size_t	 in_done;	/* octets of in already handed out */
	int	*in_fds;	/* received, not yet handed out */
	size_t	 n_in_fds, cap_in_fds;
	struct chan_out_fd *out_fds;
	size_t	 n_out_fds, cap_out_fds;
	size_t	 building;	/* offset in out of the frame being built */
	int	 overflow;	/* the frame being built did not fit */
	const void *proto;	/* of the frame being built (msg.h) */
};

struct frame {
	uint8_t	 type, nfds;
	uint32_t id, len;
	const char *data;	/* into the channel; until its next read */
	int	 fds[CHAN_FDS_MAX]; /* the caller's to close */
};

/* Takes fd over (it may be -1 for a channel that is connected later). */
void	chan_init(struct chan *c, int fd);
/* Closes the descriptor and every descriptor still held; frees. */
void	chan_clear(struct chan *c);

/*
 * One recvmsg. Returns 1 if something came, 0 at the end of the stream, -1
 * with errno (EAGAIN: nothing there).
 */
int	chan_read(struct chan *c) ATTR_CHECK;
/*
 * Takes the next whole frame out of what was read. Returns 1, 0 (more has to
 * be read), -1 with EBADMSG.
 */
int	chan_next(struct chan *c, struct frame *f) ATTR_CHECK;
/* True where chan_next would not ask for more. */
int	chan_ready(const struct chan *c);
/* The type of the whole frame that is next; 0: more has to be read. */
unsigned chan_next_type(const struct chan *c);
/* Closes the descriptors of a frame that nobody wanted. */
void	frame_close_fds(struct frame *f);

/*
 * Writes what waits. Returns 1 when all is out, 0 where the socket is full,
 * -1 with errno.
 */
int	chan_flush(struct chan *c) ATTR_CHECK;
/* True if something waits to be written. */
int	chan_pending(const struct chan *c);

/*
 * Blocking use: one whole frame within timeout_ms (-1: no bound). Returns 1,
 * 0 at the end of the stream, -1 with errno (ETIMEDOUT, EBADMSG, ...).
 */
int	chan_recv(struct chan *c, struct frame *f, int timeout_ms) ATTR_CHECK;
/* Blocking use: writes all that waits within timeout_ms. 0, or -1. */
int	chan_send(struct chan *c, int timeout_ms) ATTR_CHECK;

/* For msg.c: hands fd to the frame being built; too many: it will not fit. */
void	chan_attach(struct chan *c, int fd);
/* For msg.c: takes the frame being built back, closing its descriptors. */
void	chan_take_back(struct chan *c);

#endif
