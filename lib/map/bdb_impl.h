/*
 * Between bdb.c, bdb_backup.c, bdb_doubt.c, bdb_room.c and bdb_world.c.
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
	uint64_t reserve;	/* its octets, in home/reserve */
	struct bdb *next_keeper;
};

/* From now on Berkeley DB's calls go through bdb_world.c. */
void	bdb_world(void);
/*
 * The latest error of the world that a call of Berkeley DB met since it was
 * forgotten, or 0; and how many syncs failed, ever.
 */
int	bdb_world_error(void);
void	bdb_world_forget(void);
unsigned bdb_syncs_failed(void);
/* What is said of Berkeley DB's error r: the world's, where that is behind. */
const char *bdb_reason(int r);
/* Between these a write that finds no space gives up the reserve of b. */
void	bdb_reserve_add(struct bdb *b);
void	bdb_reserve_remove(struct bdb *b);
void	bdb_give_all(void);

/*
 * Across processes: the environment broke in use, by what is in its files; has
 * it, twice within BROKEN_AGAIN; it is whole again.
 */
enum { BROKEN_AGAIN = 3600 };
void	bdb_note_broken(struct bdb *b);
int	bdb_is_broken(struct bdb *b);
void	bdb_note_whole(struct bdb *b);
/*
 * A write or a sync failed. The kernel has dropped the mark that such a page is
 * not on the disk, but keeps the page: recovery would read, and build on, what
 * a power cut takes away. So the next open has every file read from the disk.
 */
void	bdb_note_doubt(struct bdb *b);
void	bdb_settle_doubt(struct bdb *b);
/* Moves the tables aside and brings their copies back. 0, or -1 (logged). */
int	bdb_restore(struct bdb *b);

#endif
