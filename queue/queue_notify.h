/*
 * What of its recipients the sender wants to hear: NOTIFY of RFC 3461, as it
 * stands for a target.
 */
#ifndef QUEUE_QUEUE_NOTIFY_H
#define QUEUE_QUEUE_NOTIFY_H

#include "queue/queue.h"

/*
 * enum q_notify of the recipient that t is of. Of an alias of several SUCCESS
 * is told when it is expanded, so that the others have NOTIFY without it (RFC
 * 3461 5.2.7.2 (c)). 0 where the sender did not say: failures alone; and
 * behind a list, whose owner asked for nothing.
 */
uint32_t notify_of(const struct message *m, const struct target *t);
/* Is a failure of t to be told? Never to a null sender. */
int	notify_failure(const struct message *m, const struct target *t);
/*
 * t has a result: marks what is to be told of it. passed: the next host has
 * NOTIFY, and tells itself.
 */
void	notify_result(const struct message *m, struct target *t, int passed);
/* Marks those that wait for queue_delay_report and longer, where that is to
   be told. */
void	notify_delay(struct message *m);

#endif
