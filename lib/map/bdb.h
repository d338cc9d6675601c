/*
 * A Berkeley DB environment by the house rules: home named explicitly (so no
 * DB_CONFIG of the current folder is ever read), an explicit log folder
 * (home/log), pages of 4096 octets with checksums, recovery at every open,
 * one owner process (a lock on home/lock), no shared region files. A commit
 * never waits for the disk: bdb_flush makes all commits so far durable.
 *
 * Handles are free-threaded for the environment calls here. A table is to be
 * used by one thread at a time and one transaction at a time, unless the
 * environment is opened with BDB_LOCKS.
 *
 * The world's errors are not the files': what fails for want of space, memory,
 * descriptors or rights, or because the disk answered EIO, is later, and the
 * files stay as they are.
 *
 * DIAGNOSTICS: what Berkeley DB complains of is logged as a warning with the
 * home in front. When the environment breaks while it is in use, or a sync of
 * its pages fails, the process ends (log_fatal): the next start recovers, from
 * what is on the disk and not from what the kernel remembers. One that breaks
 * while it is opened is an error of that call.
 */
#ifndef LIB_MAP_BDB_H
#define LIB_MAP_BDB_H

#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* Its structs have a time_t of the width that it was built with: all that it
   includes stands above. */
#ifdef SYSTEM_TIME_T
#define time_t SYSTEM_TIME_T
#endif
#include <db.h>
#undef time_t

#include "lib/base/buf.h"

enum {
	BDB_PAGE = 4096,
#ifdef NO_SYNC
	/* A test of power cuts is to meet checkpoints. */
	BDB_LOG_FILE = 512 << 10,
	BDB_LOG_BUFFER = 64 << 10,
#else
	BDB_LOG_FILE = 8 << 20,		/* size of one log file */
	BDB_LOG_BUFFER = 1 << 20,
#endif
	BDB_BACKUP_LOGS = 4,	/* the fewest log files that are worth a copy */
	BDB_RESERVE = 4 * BDB_LOG_FILE,
	BDB_LITTLE = 2 * BDB_LOG_FILE,
};

enum bdb_flag {
	BDB_KEEP_LOGS = 1,	/* for what must never be discarded: log files
				   stay until bdb_backup has copied the table;
				   where normal recovery fails, or the
				   environment broke twice within an hour, the
				   copy is put back and all logs since are
				   applied (catastrophic recovery) */
	BDB_LOCKS = 2,		/* several threads use one table */
};

struct bdb_conf {
	const char *home;	/* a folder, made if it is missing (0700) */
	uint64_t cache;		/* octets of page cache */
	unsigned flags;
	uint64_t reserve;	/* BDB_RESERVE: octets that are kept in the
				   file home/reserve. A write of Berkeley DB's
				   that finds no space gives it up, and is
				   tried again, in recovery too. 0: none */
};

struct bdb;

/*
 * Is it an error of the world (disk full, no descriptors or memory, rights,
 * held by another process), that says nothing about what is in the files?
 */
int	bdb_passing(int error);
/*
 * Berkeley DB's error r as an errno. It says "run recovery" for much that is
 * the world's: where a call of its has met such an error since the last
 * bdb_open began, that (for the disk's EIO: EAGAIN); else EIO, which is not
 * passing.
 */
int	bdb_errno(int r);
/*
 * Opens and recovers. NULL with why; errno is EIO where it will not open (see
 * bdb_set_aside), else one that is passing: EWOULDBLOCK where another process
 * holds it. The same goes for bdb_table.
 */
struct bdb *bdb_open(const struct bdb_conf *conf, struct buf *why);
/* Checkpoints and closes; tables must be closed before. 0, or -1 (logged). */
int	bdb_close(struct bdb **b);
DB_ENV	*bdb_env(struct bdb *b);

/*
 * What a table holds makes no sense. Said twice within an hour, the next
 * bdb_open does not trust it again: it is restored (BDB_KEEP_LOGS), or will
 * not open.
 */
void	bdb_distrust(struct bdb *b);

/*
 * Opens, or makes, a B-tree in the file home/name. NULL with why. Close it
 * with bdb_table_close.
 */
DB	*bdb_table(struct bdb *b, const char *name, struct buf *why);
void	bdb_table_close(DB **t);

/* Makes every commit that returned before durable. 0; -1: lost (logged). */
int	bdb_flush(struct bdb *b) ATTR_CHECK;
/*
 * Writes the pages back and drops the log files that are no longer needed.
 * Does nothing where less than a log file was written since the last one and
 * force is 0.
 */
int	bdb_checkpoint(struct bdb *b, int force);

/*
 * What may be written, for the log never to meet a full disk. Makes the reserve
 * again where there is room for it. To be asked about once a second, and behind
 * each megabyte of changes; by any thread. Without a reserve always BDB_ROOM.
 */
enum bdb_room {
	BDB_ROOM,
	BDB_LOW,	/* less than BDB_LITTLE is free beside the reserve, or
			   it is given up: only what makes room */
	BDB_NONE,	/* less than BDB_LITTLE in all: nothing */
};
enum bdb_room bdb_room(struct bdb *b);
/* Gives up the reserve (told once), for what must be written beside it. */
void	bdb_give(struct bdb *b);

/*
 * With BDB_KEEP_LOGS: where as many log files are older than the last
 * checkpoint as the table is large, and BDB_BACKUP_LOGS at least (so that
 * copies cost no more than the log, however large the table), copies the table (which may be in use) to home/backup, durably,
 * and removes those log files. 0, or -1 (logged; nothing is removed then).
 */
int	bdb_backup(struct bdb *b, const char *name);

/*
 * Moves what is in home to home/bad-<time>, so that the next bdb_open begins
 * anew. The lock must be free.
 * 0, or -1 with why.
 */
int	bdb_set_aside(const char *home, struct buf *why) ATTR_CHECK;

#endif
