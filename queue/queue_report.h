/*
 * Telling the sender: a bounce is written into a blank file of the queue and
 * submitted like any other message; the transaction that accepts it marks the
 * failures as reported.
 *
 * Nobody is told where NOTIFY=NEVER asked so (RFC 3461 4.1), nor where the
 * sender is null: those failures are logged and count as reported.
 */
#ifndef QUEUE_QUEUE_REPORT_H
#define QUEUE_QUEUE_REPORT_H

#include "queue/queue.h"

/*
 * Reports the targets of m that are TARGET_REFUSED. 1 if a bounce is being
 * made: done is called, in the loop, when it is durable (told), or where it
 * could not be made (they are TARGET_REFUSED still). 0: there was none to be
 * made. -1: it cannot be made now.
 */
int	report_begin(struct message *m, void (*done)(struct message *m,
	    int told)) ATTR_CHECK;

#endif
