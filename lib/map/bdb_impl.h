/*
 * Between bdb.c and bdb_backup.c.
 */
#ifndef LIB_MAP_BDB_IMPL_H
#define LIB_MAP_BDB_IMPL_H

#include "lib/map/bdb.h"

struct bdb {
	DB_ENV	*env;
	char	*home;
	int	 lock;
	unsigned flags;
	int	 opening;	/* a panic is an answer then, not the end */
};

/*
 * For BDB_KEEP_LOGS, across processes: the environment broke in use; has it,
 * twice within BROKEN_AGAIN; it is whole again.
 */
enum { BROKEN_AGAIN = 3600 };
void	bdb_note_broken(struct bdb *b);
int	bdb_is_broken(struct bdb *b);
void	bdb_note_whole(struct bdb *b);
/* Moves the tables aside and brings their copies back. 0, or -1 (logged). */
int	bdb_restore(struct bdb *b);

#endif
