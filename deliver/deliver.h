/*
 * deliver: takes jobs from queue, looks at each body once (length, checksum,
 * loops, header, what IMAP will want cached), and asks store to put it into
 * the mailboxes.
 *
 * Jobs are pipelined: nothing waits for an answer of store, and what came in
 * one read goes out in one write. At most DELIVER_WINDOW requests are with
 * store, for each carries a descriptor; the rest of a job with very many
 * recipients follows as answers come.
 *
 * Where store or the queue goes away no job is lost: queue gets J_REFUSED, or
 * sees the channel end, and hands it out again; store answers a repeat
 * "delivered" (state "delivered to U").
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/msg.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/limits.h"
#include "lib/server/server.h"

enum {
	DELIVER_WINDOW = 256,		/* requests with store at a time */
	DELIVER_LOAD_MAX = 16 << 20,	/* larger bodies are read in pieces and
					   get no cache record: imapd makes it
					   when it is asked */
	DELIVER_RETIRE = 20000,		/* messages of one process */
};

extern const struct server deliver_server;

/* Body */

enum body_verdict {
	BODY_GOOD,
	BODY_BROKEN,		/* why says how */
	BODY_UNREAD,		/* an error of reading: later */
};

struct body {
	uint32_t header_len;
	struct buf cache;	/* record of mime_cache, or empty */
	const char *header;	/* the block, borrowed until the next body */
	size_t	 header_read;	/* octets of it that were read */
};

/* Reads and judges the whole body; b->cache must be an initialised buf. */
enum body_verdict body_read(struct body *b, int fd, uint64_t length,
	    uint32_t crc, struct buf *why) ATTR_CHECK;
/*
 * Does a Delivered-To field behind offset from (what is before, we wrote) name
 * the address or the owner?
 */
int	body_loops(const struct body *b, uint32_t from, const char *address,
	    size_t address_len, const char *owner, size_t owner_len);

/* Actions */

/* A body that a filter made: a fresh file of store's. */
struct changed {
	const char *file;
	uint64_t size;
	uint32_t crc, header_len;
	struct buf cache;
};

/* What a message becomes in the account of a recipient. */
struct action {
	struct door_action where;
	const struct changed *body;	/* NULL: it is not changed */
};

/* Those of a recipient, at least one: how many, borrowed until the job is
   over. No filter runs yet: INBOX, no flags, the message as it is. */
size_t	actions_of(const char *owner, const struct action **list_r);

/* Jobs */

/* A frame of queue's: takes the job, or where store is not there says so. 0,
   or -1: queue breaks the rules. */
int	job_take(struct msg *m, int have_store) ATTR_CHECK;
/* An answer of store's. 0, or -1: store breaks the rules. */
int	job_answer(const struct msg *m) ATTR_CHECK;
/* Sends what may be sent, and retires where it is time. */
void	job_pump(void);
/* Store is gone: every job goes back to queue. Queue is gone: none is left. */
void	job_store_lost(void);
void	job_queue_lost(void);

#endif
