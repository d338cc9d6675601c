/*
 * Messages: frames with named fields, described by const tables.
 *
 * A protocol is a table of messages indexed by type: who may send each, its
 * fields with their bounds, how many descriptors go with it. Sender and
 * receiver use the same table, and both refuse what it does not allow. A
 * field is a tag (u8), a length (u32) and the octets; integers are
 * little-endian; each tag at most once. Lists travel as packed arrays in one
 * field (buf_put_*, cursor_*).
 */
#ifndef LIB_BASE_MSG_H
#define LIB_BASE_MSG_H

#include "lib/base/chan.h"
#include "lib/base/peer.h"

enum { MSG_TAGS = 32 };

enum msg_type {
	MSG_U32,
	MSG_U64,
	MSG_TEXT,	/* no NUL, CR or LF; at most max octets */
	MSG_BYTES,	/* anything; at most max octets */
};

struct msg_field {
	const char *name;
	uint8_t	 tag;		/* 1..MSG_TAGS-1 */
	uint8_t	 type;		/* enum msg_type */
	uint8_t	 optional;
	uint32_t max;		/* of MSG_TEXT and MSG_BYTES */
};

struct msg_desc {
	const char *name;	/* NULL: no such message */
	uint32_t from;		/* PEER_BIT of each kind that may send it */
	uint8_t	 fds_min, fds_max;
	const struct msg_field *fields;	/* ends with .name NULL */
};

struct msg_proto {
	const char *name;
	unsigned n;		/* types 0..n-1 */
	const struct msg_desc *desc;
};

#define MSG_PROTO(nm, table) \
	{ .name = (nm), .n = sizeof(table) / sizeof((table)[0]), \
	  .desc = (table) }

/* A message that was received; fields point into the channel. */
struct msg {
	const struct msg_desc *desc;
	unsigned type;
	uint32_t id;
	uint32_t present;	/* bit per tag */
	struct {
		const char *p;
		uint32_t len;
	} f[MSG_TAGS];
	struct frame frame;
};

/*
 * Building: msg_begin, the fields in any order, msg_end. Nothing is sent
 * before chan_flush or chan_send. msg_fd takes the descriptor over whatever
 * happens. msg_end returns 0, or -1 with nothing queued: EINVAL where the
 * table does not allow the message (a text over its bound, say), ENOBUFS
 * where the peer does not read and out is full.
 */
void	msg_begin(struct chan *c, const struct msg_proto *p, unsigned type,
	    uint32_t id);
void	msg_u32(struct chan *c, uint8_t tag, uint32_t v);
void	msg_u64(struct chan *c, uint8_t tag, uint64_t v);
void	msg_bytes(struct chan *c, uint8_t tag, const void *p, size_t len);
void	msg_text(struct chan *c, uint8_t tag, const char *s);
/* Like msg_text for words for people: cut to max, cleaned of NUL, CR, LF. */
void	msg_words(struct chan *c, uint8_t tag, const char *s, size_t max);
void	msg_fd(struct chan *c, int fd);
int	msg_end(struct chan *c) ATTR_CHECK;

/*
 * Reads a frame as a message that a peer of kind from sent. Returns 0; -1
 * with EBADMSG and words in why: drop the peer (its descriptors are closed).
 */
int	msg_parse(struct msg *m, const struct msg_proto *p, enum peer from,
	    const struct frame *f, struct buf *why) ATTR_CHECK;
/* chan_next and msg_parse in one: 1, 0 (more has to be read), -1 (drop). */
int	msg_next(struct msg *m, const struct msg_proto *p, enum peer from,
	    struct chan *c, struct buf *why) ATTR_CHECK;
/* chan_recv and msg_parse in one, blocking: 1, 0 at the end, -1 with errno. */
int	msg_recv(struct msg *m, const struct msg_proto *p, enum peer from,
	    struct chan *c, int timeout_ms, struct buf *why) ATTR_CHECK;

int	msg_has(const struct msg *m, uint8_t tag);
/*
 * The value; 0, "" or NULL with length 0 where an optional field is absent.
 * A field that is there and empty reads as NULL with length 0 too.
 */
uint32_t msg_get_u32(const struct msg *m, uint8_t tag);
uint64_t msg_get_u64(const struct msg *m, uint8_t tag);
const char *msg_get(const struct msg *m, uint8_t tag, size_t *len_r);
/* A copy as text, NUL-terminated: free it. */
char	*msg_get_dup(const struct msg *m, uint8_t tag);
/* Takes descriptor i over; -1 if there is none. */
int	msg_get_fd(struct msg *m, unsigned i);
/* Closes the descriptors that were not taken. */
void	msg_done(struct msg *m);

#endif
