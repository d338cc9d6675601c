/*
 * One message over an open connection: MAIL, RCPT, DATA, in one write where
 * the server knows PIPELINING (RFC 2920), and an outcome for each recipient.
 * To a server that knows DSN what the sender asked for is passed on (RFC 3461
 * 5.2.1), and nothing but that.
 */
#ifndef RELAY_TRANSACTION_H
#define RELAY_TRANSACTION_H

#include <stdint.h>

#include "relay/relay_client.h"

enum { BODY_MEMORY_MAX = 256 * 1024 };	/* a body up to that is read once */

struct relay_recipient {
	uint32_t index;			/* queue's name for it */
	char	*address;
	int	 settled;		/* delivered or never */
	enum result result;
	char	*words;			/* NULL: none yet */
	char	*orcpt;			/* RFC 3461 4.2; NULL: none */
	uint32_t notify;		/* enum q_notify; 0: not said */
	int	 passed;		/* to a host that has DSN */
};

struct relay_message {
	int	 fd;			/* O_RDONLY; read with pread */
	uint64_t offset, length;	/* send from, length of the file */
	const char *data;		/* the whole file, or NULL: read it */
	const char *sender;
	const char *envid;		/* RFC 3461 4.4; NULL: not given */
	uint32_t ret;			/* enum q_ret; 0: not said */
	int	 eight_bit;		/* BODY=8BITMIME where that is known */
};

/*
 * Sends the message to those of the n recipients that are not settled.
 * Results of what was settled now are set; the others get RESULT_LATER and
 * words. Returns RESULT_DELIVERED where each has its answer from this host;
 * RESULT_LATER where another host may be tried for those that are not settled
 * yet; RESULT_NEVER where it may not (a message whose fate is unknown would
 * come twice).
 */
enum result transaction_run(struct relay_client *c,
	    const struct relay_message *m, struct relay_recipient *to, size_t n)
	    ATTR_CHECK;

/* Gives the result to the recipient; RESULT_LATER does not settle it. */
void	recipient_set(struct relay_recipient *r, enum result result,
	    const char *words);

#endif
