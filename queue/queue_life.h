/*
 * The life of a message between its acceptance and its end: expansion, jobs,
 * settling.
 */
#ifndef QUEUE_QUEUE_LIFE_H
#define QUEUE_QUEUE_LIFE_H

#include "queue/queue.h"
#include "queue/queue_expand.h"

/* Its record is durable (state "accepted"). Takes m over. */
void	life_accepted(struct message *m);
/* Loads messages that stand ready while there is room; so many at a time. */
void	life_turn(void);
/* Could life_turn load another one? */
int	life_ready(void);
/*
 * Where no job is left: done, waiting, or reported. Called when the last job
 * was answered and when a report was made.
 */
void	life_settle(struct message *m);
/*
 * A script sends what target number i got to that address, too
 * (expand_redirect). life_added, when all answers of a worker were taken:
 * those from number "from" on go.
 */
enum expand_result life_redirect(struct message *m, size_t i,
	    const char *address);
void	life_added(struct message *m, size_t from);
/* Its changes are in the table: its fate takes effect (m is gone then, but
   for FATE_STAY). */
void	life_fate(struct message *m);
/*
 * What the operator asks of a message that is loaded: the table has it, and
 * no worker gets what none has yet. 0; -1: the table cannot be written, and
 * nothing has changed.
 *
 * hold: what workers have is answered and noted first. release: what was held
 * back goes again. delete: no answer is waited for; m may stay until its
 * bounce is made.
 */
int	life_hold(struct message *m) ATTR_CHECK;
int	life_release(struct message *m) ATTR_CHECK;
int	life_delete(struct message *m) ATTR_CHECK;
/* Cannot be delivered for want of its body: set aside, kept, reported. */
void	life_aside(struct message *m, const char *why);
/* The same for one that is not loaded. */
void	life_missing(uint64_t id);

#endif
