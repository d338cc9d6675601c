/*
 * Telling the sender, or, of what a list sent on, its owner (target_sender), of
 * failures, and the sender of what else he asked about (queue_notify.h): a report
 * for one of them after the other. A bounce is written into a blank file of the queue and
 * submitted like any other message; the transaction that accepts it marks what
 * it tells as told. Messages of which something is to be told stand in a line
 * for blank files, of which some are left to the mail that comes in; bounces
 * have a lane of their own, so that the making of blank files does not wait
 * for theirs to be synced.
 *
 * Nobody is told of a failure where NOTIFY asked so (RFC 3461 4.1), nor where
 * the sender is null: those failures are logged and count as reported.
 */
#ifndef QUEUE_QUEUE_REPORT_H
#define QUEUE_QUEUE_REPORT_H

#include "queue/queue.h"

enum {
	REPORT_LINE = 1000,	/* messages that wait for a bounce */
	REPORT_WRITING = 32,	/* bounces that are written at a time */
};

/*
 * Reports the targets of m that are target_owed, to one of those to whom they
 * are. 1 if a bounce will be made: done is called, in the loop, when it is
 * durable (told; what is owed to others still is), or where it could not be made
 * (they are owed still). 0: there was none to be made. -1: too many wait for
 * theirs already.
 */
int	report_begin(struct message *m, void (*done)(struct message *m,
	    int told)) ATTR_CHECK;
/* Once a turn: begins as many bounces as there are blank files to spare. */
void	report_turn(void);
/*
 * Should what may lead to a bounce wait, because many wait for theirs? Not
 * where none can be made: what needs none shall not wait then.
 */
int	report_behind(void);

#endif
