/*
 * A job of queue: one message and the recipients that share a destination
 * (J_RELAY), from the frame to the results.
 */
#ifndef RELAY_JOB_H
#define RELAY_JOB_H

#include "lib/mail/dest_key.h"
#include "lib/mail/proto.h"
#include "relay/relay.h"
#include "relay/relay_transaction.h"

enum { JOB_RECIPIENTS_MAX = RECIPIENTS_MAX };

struct relay_job {
	uint32_t id, crc;
	char	*file, *sender, *envid;	/* envid: NULL where it is not given */
	struct dest_key key;		/* of the destination */
	struct relay_message message;
	struct relay_recipient *to;
	size_t	 n;
	char	*body;			/* what message.data points at */
	char	 host[CLIENT_LABEL_MAX]; /* who answered last; "" nobody */
};

/* Takes the message apart, its descriptor with it. 0, or -1 with why. */
int	job_read(struct relay_job *j, struct msg *m, struct buf *why)
	    ATTR_CHECK;
void	job_clear(struct relay_job *j);

/*
 * Checks length and checksum of the file, and keeps what is small in memory.
 * RESULT_NEVER: it is not the file that was accepted (J_BROKEN). RESULT_LATER:
 * it cannot be read. Else RESULT_DELIVERED.
 */
enum result job_verify(struct relay_job *j, struct buf *why) ATTR_CHECK;

/* All recipients that are not settled hear this. */
void	job_all(struct relay_job *j, enum result result, const char *words);
/* True if every recipient is settled. */
int	job_settled(const struct relay_job *j);

/* Puts the answer into the channel: J_RESULT. 0, or -1 as msg_end. */
int	job_answer(const struct relay_job *j, struct chan *c) ATTR_CHECK;

#endif
