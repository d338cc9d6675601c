/*
 * What every engine has alike: how a batch is packed (engine_batch.c), and
 * watches (engine_watch.c).
 */
#ifndef STORE_ENGINE_IMPL_H
#define STORE_ENGINE_IMPL_H

#include "store/engine.h"

enum engine_op_kind {
	ENGINE_OP_PUT = 1, ENGINE_OP_DEL, ENGINE_OP_IS, ENGINE_OP_NONE,
};

/* Borrowed from the batch. */
struct engine_op {
	enum engine_op_kind kind;
	enum engine_table table;
	const void *key, *value;
	size_t	 klen, vlen;
};

/* The next of a batch's ops, or conditions. */
void	engine_op_next(struct cursor *c, struct engine_op *op);
/* Empties it, as engine_commit does; what it takes in memory is bounded. */
void	engine_batch_reset(struct engine_batch *b);
/* Below 0, 0, above 0 as a sorts before, equal to, behind b. */
int	engine_key_cmp(const void *a, size_t alen, const void *b, size_t blen);
/* A scan goes on with this key, or after it. */
void	engine_scan_at(struct engine_scan *s, const void *key, size_t klen);
void	engine_scan_behind(struct engine_scan *s, const void *key,
	    size_t klen);

enum { ENGINE_WATCH_BUCKETS = 64 };

struct engine_watches {
	unsigned n;
	struct engine_watch *bucket[ENGINE_WATCH_BUCKETS];
};

struct engine_watch *engine_watch_add(struct engine_watches *w,
	    const void *group, void (*changed)(void *arg), void *arg);
/* Tells the watches of each group of CORE that the batch wrote. */
void	engine_watch_tell(struct engine_watches *w,
	    const struct engine_batch *b);

#endif
