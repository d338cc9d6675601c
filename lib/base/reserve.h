/*
 * Room on a file system that is kept for the hour when there is no other: a
 * file of nothing, given up so that what must be written still can be. What
 * else may be written, and when no more, is judged by what is free and what
 * is kept together.
 *
 * The calls keep no state: the file is there or it is not. Any thread.
 */
#ifndef LIB_BASE_RESERVE_H
#define LIB_BASE_RESERVE_H

#include <stdint.h>

#include "lib/base/attr.h"

/*
 * Makes the file at path, of size octets that are its own, where at least
 * size + spare octets are free; else, and where it is there, does nothing. 1:
 * it is there; 0: there is no room for it; -1 with errno.
 */
int	reserve_keep(const char *path, uint64_t size, uint64_t spare)
	    ATTR_CHECK;
/* Gives it up: 1, or 0 where it was not there. */
int	reserve_give(const char *path);
/*
 * Octets that may still be written beside it: what is free on its file system,
 * and what it takes itself. UINT64_MAX where that cannot be told.
 */
uint64_t reserve_room(const char *path);

#endif
