/*
 * A message on its way to the disk. Up to BODY_MEMORY octets wait in memory,
 * so that a message of common size is written with one call when all about it
 * is known, and a refused one leaves no trace. A larger one goes on into the
 * file while it comes in, leaving room for the head: the fields in front of it
 * (trace, notes of the checks, what submission mends), which are written last,
 * when the checks have seen the end. The header must lie in what is in memory.
 *
 * The room is as long as the head would be if the checks noted nothing more
 * than they have said.
 * Where they do the message moves within its file, once. Every octet is summed
 * once, as it comes by: crc32c_join makes one checksum of head and message.
 *
 * A submission with a line over LINES_MAX is mended when all of it is there
 * (lines_put), from memory or from its file: what it becomes comes in as the
 * message did, is judged anew from its header on, is written behind what is in
 * the file, and moves to the front. So what the checks pass is what is served.
 *
 * State "blank" becomes "written" here (doc/internals.md).
 */
#ifndef SMTPD_SMTPD_BODY_H
#define SMTPD_SMTPD_BODY_H

#include "lib/link/submit.h"
#include "smtpd/smtpd_check.h"

enum { BODY_MEMORY = 256 * 1024 };

/* What is wrong with a message but for what the checks say. */
enum body_fault {
	BODY_BARE,	/* bare CR, bare LF or NUL */
	BODY_LINE,	/* a line over DATA_LINE_MAX */
	BODY_SIZE,	/* over message_size */
	BODY_FULL,	/* the disk is full */
	BODY_DISK,
};

struct smtp_body {
	struct smtp_session *s;
	const char *id;		/* queue id */
	int	 fd;
	struct buf *mem;	/* the module's: kept for the next */
	struct buf added;	/* fields that submission mends */
	char	 message_id[MESSAGE_ID_MAX + 1];	/* for log and queue */
	uint64_t taken;		/* octets of the message, kept or not */
	int64_t	 now;		/* when the trace says that it came */
	int	 started;	/* the header was judged */
	int	 broken;	/* the file can not be used again */
	/* The caller's, before body_finish: a line may be over LINES_MAX; one is
	   over DATA_LINE_MAX. */
	int	 long_line, huge_line;
	int	 again;		/* what is mended is coming in */
	size_t	 line;		/* of this: octets of the present line */
	size_t	 most;		/* octets that memory takes */
	struct smtp_check_mark mark;	/* before the header was judged */
	uint64_t base;		/* where in the file it begins */
	size_t	 notes;		/* octets that the checks will note at the end */
	uint64_t room;		/* octets in front of what is in the file */
	uint64_t spilled;	/* octets of the message in the file */
	uint32_t crc;		/* of those */
	/* The first one stays; the rest of the data is read and dropped. */
	struct smtp_refusal refusal;	/* code 0: none */
	struct submit_written w;	/* .flags: the caller's */
};

void	body_init(struct smtp_body *b, struct smtp_session *s, int fd,
	    const char *id);
/* The scan's hook: arg is the body. */
void	body_put(void *arg, const char *p, size_t len);
/* The message has that fault, unless it was refused before. */
void	body_refuse(struct smtp_body *b, enum body_fault f);
/*
 * All is there: the last checks, the head, sync, close. See b->refusal: where
 * it is one the file is blank again.
 */
void	body_finish(struct smtp_body *b);
/* No end comes: the file is blank again. Instead of body_finish. */
void	body_abandon(struct smtp_body *b);
/* How a fault is answered. */
struct smtp_refusal body_refusal(enum body_fault f);

#endif
