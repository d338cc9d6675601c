/*
 * A message on its way to the disk. Up to BODY_MEMORY octets wait in memory,
 * so that a message of common size is written with one call when all about it
 * is known, and a refused one leaves no trace; a larger one goes on into the
 * file while it comes in. The header must lie in what is in memory: it is
 * judged before the first octet is written.
 *
 * State "blank" becomes "written" here (doc/internals.md).
 */
#ifndef SMTPD_SMTPD_BODY_H
#define SMTPD_SMTPD_BODY_H

#include "lib/link/submit.h"
#include "smtpd/smtpd_reply.h"

enum { BODY_MEMORY = 256 * 1024 };

/* The first fault stays; the rest of the data is read and thrown away. */
enum body_fault {
	BODY_FINE,
	BODY_BARE,
	BODY_LINE,
	BODY_SIZE,
	BODY_HEADER,	/* over HEADER_BLOCK_MAX or HEADER_COUNT_MAX */
	BODY_HOPS,
	BODY_LOOP,
	BODY_FULL,	/* the disk is full */
	BODY_DISK,
	BODY_FAULTS
};

struct body {
	struct smtp_session *s;
	const char *id;		/* queue id */
	int	 fd;
	struct buf *mem;	/* the module's: kept for the next */
	uint64_t taken;		/* octets of the message, kept or not */
	int	 started;	/* trace and header are written */
	int	 broken;	/* the file can not be used again */
	enum body_fault fault;
	struct submit_written w;
};

void	body_init(struct body *b, struct smtp_session *s, int fd,
	    const char *id);
/* The scan's hook: arg is the body. */
void	body_put(void *arg, const char *p, size_t len);
/* All is there: writes what waits, syncs, closes. See b->fault. */
void	body_finish(struct body *b);
/* How a fault is answered. */
struct smtp_refusal body_refusal(enum body_fault f);

#endif
