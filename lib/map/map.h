/*
 * Look-ups by key in a file that others replace: the interface, and its cdb
 * back end (libcdb). Three results, never two.
 */
#ifndef LIB_MAP_MAP_H
#define LIB_MAP_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum map_result {
	MAP_ERROR = -1,
	MAP_ABSENT = 0,
	MAP_FOUND = 1,
};

struct map;

/*
 * Opens a cdb file through a path that stays valid in the jail. A missing
 * file is no error where missing_ok, nor is a broken one (its maker makes it
 * anew): every key is absent until a good one appears. NULL with why where it
 * cannot be opened otherwise; map_free.
 */
struct map *map_cdb_open(const char *path, int missing_ok, struct buf *why);
/*
 * The same for a file whose record "f" begins with the version of its format
 * (u32). Without that record it is of version 0. A file that is older than
 * oldest or newer than newest is refused as one that cannot be opened now:
 * what is asked for is MAP_ERROR, whatever missing_ok says, or what stands in
 * the file before.
 */
struct map *map_cdb_open_format(const char *path, int missing_ok,
	    uint32_t oldest, uint32_t newest, struct buf *why);
void	map_free(struct map **m);
/*
 * Opens the file anew if another inode stands there now. 0, or -1: the old one
 * stays, and until a later call succeeds what is not in it is MAP_ERROR, for
 * it may be in the new one. Trouble that may pass is met with a try at every
 * call and one line in the log; a bad file is not tried again.
 */
int	map_refresh(struct map *m);
/* Rises with every file that map_refresh put in place or found gone. */
unsigned map_generation(const struct map *m);
/* 1 where a file is open: else missing_ok alone has its keys absent. */
int	map_present(const struct map *m);
/*
 * Calls each for every record in the order of the file; stops where it returns
 * non-zero, and returns that. 0 at the end, -1 where the file is broken.
 */
int	map_walk(struct map *m, int (*each)(const char *key, size_t klen,
	    const char *value, size_t vlen, void *arg), void *arg);
/* Finds the first value; borrowed memory, good until the next map_refresh. */
enum map_result map_find(struct map *m, const void *key, size_t klen,
	    const char **value_r, size_t *len_r);

#endif
