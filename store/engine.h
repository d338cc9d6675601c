/*
 * The index engine: ordered keys in sixteen databases, atomic conditional
 * batches, watches. What a key or value means is index.h's business.
 *
 * Each database is used by one thread at a time: its shard. engine_flush and
 * engine_checkpoint may be called by any thread. A commit is atomic at once and
 * durable after the next engine_flush that begins behind it. The table CORE is
 * recovered after a crash to what was flushed, or something later. The table
 * CACHE is outside the batch's promises: it may be empty after a crash.
 *
 * Later back ends (replication, an object store) come behind this header.
 *
 * DIAGNOSTICS: a database that fails while in use ends the process, for the
 * next start recovers it; what cannot be opened is reported in why.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum {
	ENGINE_DBS = 16,	/* for ever: a user's name decides which */
	ENGINE_KEY_MAX = 400,
	ENGINE_GROUP = 8,	/* the first octets of a key; unit of a watch */
};

enum engine_table { ENGINE_CORE, ENGINE_CACHE };

struct engine;
struct engine_db;

/*
 * Opens the sixteen under home. fresh_r is set where the index was made anew
 * (it was missing, or would not open and was set aside). clean_r: the last
 * owner closed it in order. NULL with why.
 */
struct engine *engine_open(const char *home, uint64_t cache, int *fresh_r,
	    int *clean_r, struct buf *why);
/* 1 where there is one under home, or was to be. */
int	engine_is_there(const char *home);
void	engine_close(struct engine **e);
struct engine_db *engine_db(struct engine *e, unsigned n);

/* Makes every commit so far durable. */
void	engine_flush(struct engine *e);
void	engine_checkpoint(struct engine *e);

/* 1 and the value appended to value_r, or 0: no such key. */
int	engine_get(struct engine_db *db, enum engine_table t, const void *key,
	    size_t klen, struct buf *value_r) ATTR_CHECK;

typedef int engine_each(void *arg, const void *key, size_t klen,
    const void *value, size_t vlen);
/*
 * Calls each for the keys in from <= key < to, in order, until it returns
 * other than 0; that value is returned (0 at the end).
 */
int	engine_scan(struct engine_db *db, enum engine_table t,
	    const void *from, size_t flen, const void *to, size_t tlen,
	    engine_each *each, void *arg);
/* The last key in the range, appended to key_r: 1, or 0 where it is empty. */
int	engine_last(struct engine_db *db, enum engine_table t,
	    const void *from, size_t flen, const void *to, size_t tlen,
	    struct buf *key_r);

/* A batch is embedded; it may be used again after a commit. */
struct engine_batch {
	struct buf ops;
	unsigned n;
};

/* Frees a batch; changes that were not committed are gone. */
void	engine_batch_clear(struct engine_batch *b);
/* Keys and values are copied; a value of the same key is replaced. */
void	engine_put(struct engine_batch *b, enum engine_table t,
	    const void *key, size_t klen, const void *value, size_t vlen);
/* Deleting what is not there is no failure. */
void	engine_del(struct engine_batch *b, enum engine_table t,
	    const void *key, size_t klen);
/* Condition: the key holds this value (value NULL: it is absent). */
void	engine_expect(struct engine_batch *b, const void *key, size_t klen,
	    const void *value, size_t vlen);
/* 1: all done; 0: a condition does not hold, nothing done. Empties b. */
int	engine_commit(struct engine_db *db, struct engine_batch *b);

/*
 * Calls changed(arg) in the committing thread behind each commit that wrote
 * a key of the group. Ended by engine_unwatch.
 */
struct engine_watch;
struct engine_watch *engine_watch(struct engine_db *db, const void *group,
	    void (*changed)(void *arg), void *arg);
void	engine_unwatch(struct engine_watch **w);

#endif
