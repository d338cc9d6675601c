/*
 * The reserves of the environments of this process. Berkeley DB has one set of
 * calls for all, so whoever writes and finds no space gives up all there are.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/reserve.h"
#include "lib/map/bdb_impl.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct bdb *keepers;	/* that are open, or are being opened */

static void
reserve_path(const struct bdb *b, char *path, size_t size)
{
	snprintf(path, size, "%.1000s/reserve", b->home);
}

void
bdb_give(struct bdb *b)
{
	char path[1100];

	reserve_path(b, path, sizeof(path));
	if (b->reserve > 0 && reserve_give(path))
		log_warn("%s: the disk is full: the reserve is given up",
		    b->home);
}

enum bdb_room
bdb_room(struct bdb *b)
{
	char path[1100];
	uint64_t room;
	int kept;

	if (b->reserve == 0)
		return BDB_ROOM;
	reserve_path(b, path, sizeof(path));
	kept = reserve_keep(path, b->reserve, 3 * BDB_LOG_FILE);
	room = reserve_room(path);
	if (room < BDB_LITTLE)
		return BDB_NONE;
	return kept == 0 || room < b->reserve + BDB_LITTLE ? BDB_LOW :
	    BDB_ROOM;
}

void
bdb_reserve_add(struct bdb *b)
{
	pthread_mutex_lock(&lock);
	b->next_keeper = keepers;
	keepers = b;
	pthread_mutex_unlock(&lock);
}

void
bdb_reserve_remove(struct bdb *b)
{
	struct bdb **p;

	pthread_mutex_lock(&lock);
	for (p = &keepers; *p != NULL && *p != b; p = &(*p)->next_keeper)
		;
	if (*p == b)
		*p = b->next_keeper;
	pthread_mutex_unlock(&lock);
}

void
bdb_give_all(void)
{
	struct bdb *b;

	pthread_mutex_lock(&lock);
	for (b = keepers; b != NULL; b = b->next_keeper)
		bdb_give(b);
	pthread_mutex_unlock(&lock);
}
