/*
 * The index engine: ordered keys in sixteen databases, atomic conditional
 * batches, watches. What a key or value means is index.h's business, but for
 * one thing: the first four octets of a key are the number of the account
 * whose row it is.
 *
 * Each database is used by one thread at a time: its shard. engine_durable,
 * engine_token and engine_checkpoint may be called by any thread. A commit is
 * atomic at once, and durable when engine_durable says so. The table CORE is
 * recovered after a crash to what was durable, or something later. The table
 * CACHE is outside the batch's promises: it may be empty after a crash.
 *
 * Every call that looks or writes may fail: ENGINE_LATER (nothing was done),
 * or ENGINE_LOST, where another process owns the index now. Neither says
 * anything about what is in it.
 *
 * Later back ends (replication, an object store) come below this header.
 * tests/store/engine_mem.c is one that fails when it is told to.
 *
 * DIAGNOSTICS: a database that fails while in use ends the process, for the
 * next start recovers it (but the table CACHE for an error of the world: it is
 * empty from then on); what cannot be opened is reported in why. A key that
 * is not its batch's account's is a panic.
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

enum engine_result {
	ENGINE_DONE,	/* found; at the end of the range; committed */
	ENGINE_ABSENT,	/* there is no such key */
	ENGINE_MORE,	/* a scan that is not at its end */
	ENGINE_FALSE,	/* a condition does not hold: nothing was done */
	ENGINE_LATER,	/* not now: nothing was done */
	ENGINE_LOST,	/* not the owner any more: nothing was done */
};

struct engine;
struct engine_db;

/*
 * Opens the sixteen under home. fresh_r is set where the index was made anew
 * (it was missing, or would not open and was set aside). clean_r: the last
 * owner closed it in order. NULL with why: an error of the world, whoever opens
 * it later finds it as it is; or it would not open and is set aside already.
 */
struct engine *engine_open(const char *home, uint64_t cache, int *fresh_r,
	    int *clean_r, struct buf *why);
/* 1 where there is one under home, or was to be, or some of it is left. */
int	engine_is_there(const char *home);
/* What lies under home, which is not open, is moved out of the way there.
   0, or -1 with why. */
int	engine_set_aside(const char *home, struct buf *why) ATTR_CHECK;
/*
 * What may be committed, for no commit to meet a full disk: as it was at the
 * last look, which engine_look takes, and each megabyte of commits. By any
 * thread.
 */
enum engine_room {
	ENGINE_ROOM,
	ENGINE_LOW,	/* only what makes room */
	ENGINE_NONE,	/* nothing */
};
enum engine_room engine_room(const struct engine *e);
void	engine_look(struct engine *e);
/* Gives up what is kept for that hour: its file system has some space then. */
void	engine_give(struct engine *e);
/* In order, for the next clean_r; but where the last end was not, that stays
   to be told until somebody has owned the index. */
void	engine_close(struct engine **e);
struct engine_db *engine_db(struct engine *e, unsigned n);

/* The epoch of the latest owner that is known; 0: there was none. */
enum engine_result engine_owner(struct engine *e, uint64_t *epoch_r)
	    ATTR_CHECK;
/*
 * From now on batches of this owner's epoch are committed, and of no other:
 * what was begun under an earlier one fails with ENGINE_LOST. To be called
 * before the first commit. ENGINE_LOST: a later owner is known already.
 */
enum engine_result engine_own(struct engine *e, uint64_t epoch) ATTR_CHECK;

/* The token of the newest commit of all. */
uint64_t engine_token(struct engine *e);
/*
 * Waits until the commits up to this token are durable: ENGINE_DONE, and the
 * word may be given. ENGINE_LOST: it is not known what becomes of them, so
 * nothing may be said of them, and nothing undone.
 */
enum engine_result engine_durable(struct engine *e, uint64_t token) ATTR_CHECK;
void	engine_checkpoint(struct engine *e);

/* The value is appended to value_r. ENGINE_ABSENT: no such key. */
enum engine_result engine_get(struct engine_db *db, enum engine_table t,
	    const void *key, size_t klen, struct buf *value_r) ATTR_CHECK;

/* 0, or anything else to stop: that row counts as not seen. */
typedef int engine_each(void *arg, const void *key, size_t klen,
    const void *value, size_t vlen);

/* The keys with from <= key < to that are still to be read. */
struct engine_scan {
	enum engine_table table;
	unsigned max;		/* rows of one call; 0: no bound */
	size_t	 flen, tlen;
	unsigned char from[ENGINE_KEY_MAX], to[ENGINE_KEY_MAX];
};

void	engine_scan_init(struct engine_scan *s, enum engine_table t,
	    const void *from, size_t flen, const void *to, size_t tlen);
/*
 * Calls each for the next rows, in order. ENGINE_MORE: max rows were passed,
 * or each stopped; the next call goes on there, whatever was committed
 * meanwhile. After a failure too it goes on after the last row seen.
 */
enum engine_result engine_scan(struct engine_db *db, struct engine_scan *s,
	    engine_each *each, void *arg) ATTR_CHECK;
/* The last key in the range, appended to key_r; or ENGINE_ABSENT. */
enum engine_result engine_last(struct engine_db *db, enum engine_table t,
	    const void *from, size_t flen, const void *to, size_t tlen,
	    struct buf *key_r) ATTR_CHECK;

/*
 * What was done with an account's files. It is durable before the batch that
 * it is part of is committed, and has its place before that in whatever is
 * made of the order of commits.
 */
enum engine_file_kind {
	ENGINE_FILE_NEW,	/* a message has a body that came from outside */
	ENGINE_FILE_LINK,	/* ... that of another message */
	ENGINE_FILE_EXPUNGE, ENGINE_FILE_DROP,
	ENGINE_FILE_MAILBOX,	/* the mailbox has a folder */
	ENGINE_FILE_UNUSED,
	ENGINE_FILE_TEXT,	/* a text is as it is now */
};

struct engine_file {
	enum engine_file_kind kind;
	uint32_t mailbox, uid;
	uint32_t from, from_uid;	/* of LINK */
	const char *name;		/* of TEXT; a constant */
};

/*
 * What is to be done with the rows of one account, all or nothing. It is
 * embedded, with account and epoch set, and may be used again after a commit.
 */
struct engine_batch {
	uint32_t account;
	uint64_t epoch;		/* engine_own's when it was begun */
	struct buf ops, conditions;
	struct buf files;	/* struct engine_file, in order */
	unsigned n;		/* ops */
	enum engine_result result;	/* of the last engine_commit */
};

/* Frees a batch; changes that were not committed are gone. */
void	engine_batch_clear(struct engine_batch *b);
/* Keys and values are copied; a value of the same key is replaced. */
void	engine_put(struct engine_batch *b, enum engine_table t,
	    const void *key, size_t klen, const void *value, size_t vlen);
/* Deleting what is not there is no failure. */
void	engine_del(struct engine_batch *b, enum engine_table t,
	    const void *key, size_t klen);
/*
 * Condition: before the batch the key holds this value (value NULL: it is
 * absent), in the table CORE.
 */
void	engine_expect(struct engine_batch *b, const void *key, size_t klen,
	    const void *value, size_t vlen);
/* Next of what was done with files for this batch. */
void	engine_file(struct engine_batch *b, const struct engine_file *f);
/*
 * Commits n batches in one go, each judged by itself: its result is
 * ENGINE_DONE, _FALSE, _LATER or _LOST. All are empty then. The token is for
 * engine_durable.
 */
uint64_t engine_commit(struct engine_db *db, struct engine_batch *const *list,
	    size_t n);
/* The same for one; its result. */
static inline enum engine_result
engine_commit_one(struct engine_db *db, struct engine_batch *b)
{
	(void)engine_commit(db, &b, 1);
	return b->result;
}

/*
 * Calls changed(arg) in the committing thread behind each commit that wrote
 * a key of the group. Ended by engine_unwatch.
 */
struct engine_watch;
struct engine_watch *engine_watch(struct engine_db *db, const void *group,
	    void (*changed)(void *arg), void *arg);
void	engine_unwatch(struct engine_watch **w);

#endif
