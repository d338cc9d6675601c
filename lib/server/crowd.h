/*
 * Where the clients of all workers of a row come from: a table in memory that
 * master shares with them. Each worker has a place, in which it writes the
 * origin of its client before it looks how many others stand there. That costs
 * no system call and no lock; two that come at the same moment see each other.
 * Beside it stands since when the client owes its worker something, so that
 * master, when all are busy, knows whom to ask for a place. Master empties the
 * place of a worker that died.
 *
 * A worker that was broken into can write anything here. It gains nothing: it
 * holds the listening sockets, and so can turn away, or keep, every client.
 */
#ifndef LIB_SERVER_CROWD_H
#define LIB_SERVER_CROWD_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum { CROWD_MAX = 8191 };	/* with the head 128 KiB */

struct crowd {
	_Atomic uint64_t used;	/* places from there on were never given */
	_Atomic uint64_t at[CROWD_MAX];		/* origin; 0: nobody */
	_Atomic int64_t since[CROWD_MAX];	/* clock_mono_ms; 0: not */
};

/* A new table behind a descriptor that nobody can resize; -1 with errno. */
int	crowd_make(void) ATTR_CHECK;
/* NULL with errno. It stays mapped for the life of the process. */
struct crowd *crowd_map(int fd);
/* place below CROWD_MAX; origin 0: nobody any more. */
void	crowd_set(struct crowd *c, unsigned place, uint64_t origin);
/* How many places have that origin; in *all_r how many have any. */
unsigned crowd_count(const struct crowd *c, uint64_t origin, unsigned *all_r);
/*
 * The client there is waited for, and has brought nothing forward since then
 * (clock_mono_ms); 0: it is served.
 */
void	crowd_wait(struct crowd *c, unsigned place, int64_t since);
int64_t	crowd_waits(const struct crowd *c, unsigned place);
/*
 * Beyond max workers of a row that are busy there are so many for those who
 * have no more than crowd_share places.
 */
unsigned crowd_reserve(unsigned max);
unsigned crowd_share(unsigned max);

#endif
