/*
 * The packed lists of proto_queue and proto_job, one entry behind another in
 * one field, each written and read in one place: recipients of an envelope
 * (QF_RECIPIENTS, and the record of queue), of a job (JF_RECIPIENTS), what
 * their senders asked for (JF_RCPT_DSN), and their results (JF_RESULTS); and the rows of what collect
 * has brought (QF_ROWS, and the record of queue).
 *
 * What is read stays where it lies: texts are borrowed, hold no NUL, CR or LF
 * (but for the words of a result), and are within their bounds.
 */
#ifndef LIB_MAIL_PACKED_H
#define LIB_MAIL_PACKED_H

#include "lib/base/buf.h"
#include "lib/mail/limits.h"
#include "lib/mail/result.h"

/* lv address, lv ORCPT, u32 NOTIFY. */
struct packed_recipient {
	const char *address;	/* read: never empty; ADDRESS_MAX */
	size_t	 len;
	const char *orcpt;	/* RFC 3461 4.2, as it was given; ORCPT_MAX */
	size_t	 orcpt_len;
	uint32_t notify;	/* enum q_notify */
};

/* u32 row, u64 id, u64 time, u64 length, lv account, lv key, lv Message-ID. */
struct packed_origin {
	uint32_t row;		/* the queue's; never 0 */
	uint64_t id;		/* the message's in queue */
	uint64_t time;		/* seconds: when it was accepted */
	uint64_t length;	/* of its file */
	const char *account;	/* read: never empty; ADDRESS_MAX */
	size_t	 account_len;
	const char *key;	/* read: never empty; UIDL_MAX */
	size_t	 key_len;
	const char *message_id;	/* MESSAGE_ID_MAX; may be empty */
	size_t	 message_id_len;
};

/* Octets of one. */
enum { PACKED_ORIGIN_MAX = 4 + 3 * 8 + 3 * 4 + ADDRESS_MAX + UIDL_MAX +
    MESSAGE_ID_MAX };

enum { PACKED_RECIPIENT_MIN = 4 + 1 + 4 + 4 };	/* octets of one */

/* u32 index, lv owner (J_DELIVER alone), lv address. */
struct packed_target {
	uint32_t index;		/* the queue's */
	const char *owner;	/* whose mailbox; NULL: J_RELAY */
	size_t	 owner_len;
	const char *address;	/* read: never empty; ADDRESS_MAX */
	size_t	 len;
};

/* u32 index, lv ORCPT, u32 NOTIFY: of a target that has one of them. */
struct packed_dsn {
	uint32_t index;
	const char *orcpt;	/* ORCPT_MAX */
	size_t	 len;
	uint32_t notify;	/* enum q_notify */
};

/* u32 index, u8 result, u8 passed, lv words. */
struct packed_result {
	uint32_t index;
	enum result result;
	int	 passed;	/* the next host took NOTIFY over (RFC 3461) */
	const char *words;	/* RESULT_WORDS_MAX */
	size_t	 len;
};

/*
 * Each: 0; -1, nothing added, where b is full. A recipient that could not be
 * read again is -1 too; the words of a result are cut.
 */
int	packed_put_recipient(struct buf *b, const struct packed_recipient *r);
int	packed_put_target(struct buf *b, const struct packed_target *t);
int	packed_put_dsn(struct buf *b, const struct packed_dsn *d);
int	packed_put_result(struct buf *b, const struct packed_result *r);
int	packed_put_origin(struct buf *b, const struct packed_origin *o);

/*
 * The next entry. 1; 0 at the end; -1 for one that is malformed (c->bad is
 * set then).
 */
int	packed_recipient(struct cursor *c, struct packed_recipient *r)
	    ATTR_CHECK;
int	packed_target(struct cursor *c, int with_owner,
	    struct packed_target *t) ATTR_CHECK;
int	packed_dsn(struct cursor *c, struct packed_dsn *d) ATTR_CHECK;
int	packed_result(struct cursor *c, struct packed_result *r) ATTR_CHECK;
int	packed_origin(struct cursor *c, struct packed_origin *o) ATTR_CHECK;

#endif
