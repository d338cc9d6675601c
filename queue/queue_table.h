/*
 * The table: Berkeley DB in spool/queue/db, one B-tree. A message owns the
 * keys that begin with its id: the envelope (RECORD_ENVELOPE, whose durable
 * commit is the state "accepted"), and, once it has waited or has more than
 * one outcome, its targets, its schedule and a result for each target.
 *
 * Used by the loop's thread alone, but for table_flush and table_checkpoint,
 * which any thread may call. One transaction at a time: table_begin, changes,
 * table_commit. A change that fails makes table_commit fail: nothing of the
 * transaction happened then.
 *
 * DIAGNOSTICS: what goes wrong is logged. A broken environment ends the
 * process (111); the next start recovers it.
 */
#ifndef QUEUE_QUEUE_TABLE_H
#define QUEUE_QUEUE_TABLE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/map/bdb.h"

enum record {
	RECORD_LAST,		/* id 0: u64, the highest name ever used */
	RECORD_ENVELOPE,
	RECORD_TARGETS,
	RECORD_SCHEDULE,
	RECORD_RESULT,		/* with the target's index */
	RECORD_FORMAT,		/* id 0: u32, what wrote the table last */
	RECORD_ORIGIN,		/* id 0, with the row's number: what collect
				   brought (queue_origin.h) */
};

/*
 * The format of the table as a whole. It is raised by a change that an older
 * program would misread: a new RECORD_VERSION, another meaning of a key. A
 * field in the rest of a record (queue_record.h) does not need that. 1, which
 * has no RECORD_FORMAT: records without rest.
 */
enum { TABLE_FORMAT = 2 };

enum commit {
	COMMIT_FLUSH_FOLLOWS,	/* table_flush will make it durable */
	COMMIT_WRITTEN,		/* survives the process; perhaps no power cut */
};

/*
 * Opens and recovers. 0, or -1 with why and errno (ENOSPC and the like where the
 * world is short of something); -2 with why where the table is of a later format,
 * and nothing was changed in it. One of an older format becomes one of ours
 * with the first transaction, which says so.
 */
int	table_open(const char *home, struct buf *why) ATTR_CHECK;
void	table_close(void);

/*
 * What may be written (bdb_room): where there is no room at all each
 * transaction fails; where it is low the caller adds no message.
 */
enum bdb_room table_room(void);

void	table_begin(void);
void	table_put(uint64_t id, enum record r, uint32_t index, const void *p,
	    size_t len);
/* Drops the envelope alone, or with all other records of the message. */
void	table_forget(uint64_t id, int all);
/* Drops one record; it may be gone already. */
void	table_drop(uint64_t id, enum record r, uint32_t index);
int	table_commit(enum commit c) ATTR_CHECK;

/* Makes all commits so far durable. 0, or -1: they are lost, end. */
int	table_flush(void) ATTR_CHECK;
/* Writes pages back; copies the table and gives up old logs, where that is
   worth while. */
void	table_checkpoint(void);

/* Appends a record to out. 1, 0 (no such record), -1. */
int	table_get(uint64_t id, enum record r, uint32_t index, struct buf *out)
	    ATTR_CHECK;
/*
 * Calls each for every record from id on, in order of (id, record, index),
 * until it answers non-zero, which is returned; 0 at the end, -1 on trouble.
 * Nothing may be changed meanwhile.
 */
int	table_walk(uint64_t id, int (*each)(uint64_t id, enum record r,
	    uint32_t index, const void *p, size_t len, void *arg), void *arg)
	    ATTR_CHECK;
/* The same for few records: the message's own come first. */
int	table_message(uint64_t id, int (*each)(uint64_t id, enum record r,
	    uint32_t index, const void *p, size_t len, void *arg), void *arg)
	    ATTR_CHECK;

#endif
