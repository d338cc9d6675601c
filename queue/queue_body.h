/*
 * The bodies: spool/queue/body/<id>. Empty files are made ahead, a batch at a
 * time, and their names made durable with one sync of the directory (state
 * "blank"), so that the worker's one fsync of the file is enough.
 *
 * A name is never used again: it is max(last + 1, now in microseconds), and
 * the table keeps the last one that belonged to an accepted message.
 */
#ifndef QUEUE_QUEUE_BODY_H
#define QUEUE_QUEUE_BODY_H

#include <stdint.h>

#include "lib/base/buf.h"

enum {
	BODY_BATCH = 128,		/* files made at a time */
	BODY_LOW = 64,			/* no more: make more */
	BODY_RESERVE = 64,		/* left to what comes in */
	BODY_KEEP = 36 * 3600,		/* seconds a file without record has */
};

/*
 * Opens spool/queue (path), making body and bad where they are missing. last:
 * no name up to it is used. on_stock is called when files were made, or could
 * not be. 0, or -1 with why.
 */
int	body_start(const char *path, uint64_t last, void (*on_stock)(void),
	    struct buf *why) ATTR_CHECK;
/* Removes the blank files that nobody was given. */
void	body_stop(void);

/* A blank file, open for writing. 0; -1: none there, on_stock will tell. */
int	body_take(uint64_t *id_r, int *fd_r) ATTR_CHECK;
/* The same for what can wait: not while BODY_RESERVE are there, or fewer. */
int	body_take_spare(uint64_t *id_r, int *fd_r) ATTR_CHECK;
/*
 * While files cannot be made, why (errno); else 0. Answer "later" instead of
 * waiting.
 */
int	body_failing(void);
/* The highest name given out. */
uint64_t body_last(void);
/* Room for another message above the floor (1.5 times message_size)? */
int	body_room(void);

/* Opens a body freshly for reading; -1 with errno. */
int	body_open(uint64_t id);
/* Has the name removed soon. The record must be gone for good. */
void	body_drop(uint64_t id);
/* Moves the file to bad/ (state "set aside"), or back from there. */
int	body_set_aside(uint64_t id);
int	body_bring_back(uint64_t id);

/* The folder, and the first name of this run: older ones may be swept. */
int	body_folder(void);
uint64_t body_first(void);

#endif
