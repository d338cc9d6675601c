/*
 * The life of a message between its acceptance and its end: loading,
 * expansion, jobs, settling.
 */
#ifndef QUEUE_QUEUE_MESSAGE_H
#define QUEUE_QUEUE_MESSAGE_H

#include "queue/queue.h"

struct message *message_new(uint64_t id);
void	message_free(struct message *m);

/* Reads a message from the table, for show alone; NULL if there is none. */
struct message *message_peek(uint64_t id);

/* Its record is durable (state "accepted"). Takes m over. */
void	message_accepted(struct message *m);
/* Loads messages that stand ready while fewer than active_max are loaded. */
void	message_turn(void);
/*
 * Where no job is left: done, waiting, or reported. Called when the last job
 * was answered and when a report was made.
 */
void	message_settle(struct message *m);
/* Lets it rest so many seconds, without counting it as an attempt. */
void	message_later(struct message *m, int64_t seconds);
/* Its changes are in the table: its fate takes effect (m is gone then, but
   for FATE_STAY). */
void	message_fate(struct message *m);
/*
 * What the operator asks of a message that is loaded: the table has it, and
 * no worker gets what none has yet. 0; -1: the table cannot be written, and
 * nothing has changed.
 *
 * hold: what workers have is answered and noted first. release: what was held
 * back goes again. delete: no answer is waited for; m may stay until its
 * bounce is made.
 */
int	message_hold(struct message *m) ATTR_CHECK;
int	message_release(struct message *m) ATTR_CHECK;
int	message_delete(struct message *m) ATTR_CHECK;
/* Cannot be delivered for want of its body: set aside, kept, reported. */
void	message_aside(struct message *m, const char *why);
/* The same for one that is not loaded. */
void	message_missing(uint64_t id);
/* Appends "id: " and the common words to a log line. */
void	message_log_target(const struct message *m, const struct target *t,
	    const char *what);

#endif
