/*
 * Where the clients of all workers of a row come from: a table in memory that
 * master shares with them. Each worker has a place, in which it writes the
 * origin of its client before it looks how many others stand there. That costs
 * no system call and no lock; two that come at the same moment see each other.
 * Master empties the place of a worker that died.
 *
 * A worker that was broken into can write anything here. It gains nothing: it
 * holds the listening sockets, and so can turn away, or keep, every client.
 */
#ifndef LIB_SERVER_CROWD_H
#define LIB_SERVER_CROWD_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum { CROWD_MAX = 8191 };	/* with the head 64 KiB */

struct crowd {
	_Atomic uint64_t used;	/* places from there on were never given */
	_Atomic uint64_t at[CROWD_MAX];		/* origin; 0: nobody */
};

/* A new table behind a descriptor that nobody can resize; -1 with errno. */
int	crowd_make(void) ATTR_CHECK;
/* NULL with errno. It stays mapped for the life of the process. */
struct crowd *crowd_map(int fd);
/* place below CROWD_MAX; origin 0: nobody any more. */
void	crowd_set(struct crowd *c, unsigned place, uint64_t origin);
/* How many places have that origin. */
unsigned crowd_count(const struct crowd *c, uint64_t origin);

#endif
