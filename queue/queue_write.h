/*
 * Puts records into the transaction of the table that is open (table_begin).
 * Nothing here changes a message in memory: whoever commits does.
 */
#ifndef QUEUE_QUEUE_WRITE_H
#define QUEUE_QUEUE_WRITE_H

#include "queue/queue.h"

/* The envelope of m; of about (or NULL), whose results it reports to its
   recipient, that they are reported. */
void	write_submission(const struct message *m, const struct message *about);
/* The highest name that belongs to an accepted message. */
void	write_last(uint64_t id);
/* What has changed in m: targets, results, schedule; or that it is gone. */
void	write_message(const struct message *m);
/* flags: enum schedule_flag; words: why it was set aside, or NULL. */
void	write_schedule(const struct entry *e, int64_t next, uint32_t flags,
	    const char *words);

#endif
