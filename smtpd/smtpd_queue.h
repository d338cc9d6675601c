/*
 * smtpd's side of proto_queue: an empty file in time, an envelope when the
 * file is whole.
 *
 * One file is held at most, across sessions: it is empty, and its name is the
 * queue id of the message that will be written into it. Where queue goes away
 * the file goes with it.
 */
#ifndef SMTPD_SMTPD_QUEUE_H
#define SMTPD_SMTPD_QUEUE_H

#include <stdint.h>

#include "lib/mail/limits.h"
#include "smtpd/smtpd.h"

enum smtpd_queue {
	QUEUE_DONE,	/* durable: say 250 */
	QUEUE_LATER,
	QUEUE_NEVER,
};

/* Asks for a file if none is here; waits for nothing. */
void	smtpd_queue_ask(void);
/*
 * The file: its descriptor and id (both stay this module's). Waits for the
 * answer. -1: none to be had, words say why ("4.3.0 ...").
 */
int	smtpd_queue_file(const char **id_r, struct buf *words) ATTR_CHECK;
/* Writing is over: closes the file. -1 where close(2) fails. */
int	smtpd_queue_close(void) ATTR_CHECK;
/*
 * What was written is not to be a message: makes the file empty again, for
 * the next. With broken (it could not be written or synced) or where that
 * fails the worker retires, and queue takes the file back.
 */
void	smtpd_queue_abandon(int broken);

struct smtpd_written {
	uint64_t length;
	uint32_t crc, final, forward, flags;	/* as QF_* */
};
/* Submits the closed file; words as above. */
enum smtpd_queue smtpd_queue_submit(const struct smtp_session *s,
	    const struct smtpd_written *w, struct buf *words);

/* The skeleton's hooks: something came from queue, or it is gone; idling. */
void	smtpd_queue_input(enum peer p, struct chan *c);
void	smtpd_queue_idle(void);

#endif
