/*
 * Berkeley DB behind engine.h. Two environments: home, with a log, for the
 * core tables; home/cache, without one, for what can be computed anew. The
 * second is emptied unless home/clean says that it was closed in order.
 *
 * One thread per database, so the environment has no lock table: a put costs
 * about 2 microseconds then.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/map/bdb.h"
#include "store/engine_impl.h"

enum {
	BULK = 256 * 1024,	/* octets of one bulk read */
	LOOK_AGAIN = 1 << 20,	/* octets of rows between two looks */
	BULK_FIRST = 16 * 1024,	/* of the first: most scans want few rows */
};

/* In database 0: u64, the epoch of the latest owner. */
static const char owner_key[] = "\0\0\0\0\0\0\0\0E";

struct engine_db {
	struct engine *e;
	DB	*table[2];
	char	*bulk;
	struct engine_watches watches;
};

struct engine {
	struct bdb *core;
	DB_ENV	*cache;
	char	*home;
	int	 clean;			/* its end now is one in order */
	atomic_int room;		/* enum engine_room */
	atomic_size_t unlooked;		/* octets since the last look */
	atomic_int no_cache;		/* it failed: nothing is in it */
	uint64_t epoch;			/* of the owner */
	atomic_ullong committed;	/* the newest token */
	atomic_ullong durable;		/* ... of those that are */
	struct engine_db db[ENGINE_DBS];
};

/*
 * Of the cache an error of the world is not the end, for nobody needs it: from
 * now on it is as if it were empty, and the next start empties it.
 */
static void
engine_broken(struct engine_db *db, enum engine_table t, const char *what,
    int r)
{
	if (t == ENGINE_CACHE && bdb_errno(r) != EIO) {
		db->e->clean = 0;
		if (!atomic_exchange(&db->e->no_cache, 1))
			log_warn("%s/cache: %s: %s; it is not used until the "
			    "next start", db->e->home, what, db_strerror(r));
		return;
	}
	/* A restart empties the cache anyhow. */
	if (t == ENGINE_CORE && !bdb_passing(r))
		bdb_distrust(db->e->core);
	log_fatal("%s: %s: %s", db->e->home, what, db_strerror(r));
}

/*
 * Removes the cache's files, half-made ones too: they have no log to recover
 * them from.
 */
static void
cache_empty(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    unlinkat(dirfd(d), e->d_name, 0) == -1)
			log_warn("%s/%s: %s", dir, e->d_name, strerror(errno));
	if (d != NULL)
		closedir(d);
}

static int
cache_open(struct engine *e, const char *dir, uint64_t cache, struct buf *why)
{
	int r;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		r = errno;
		buf_set(why, "%s: %s", dir, strerror(r));
		errno = r;
		return -1;
	}
	if ((r = db_env_create(&e->cache, 0)) == 0 &&
	    (r = e->cache->set_cachesize(e->cache,
	    (u_int32_t)(cache >> 30),
	    (u_int32_t)(cache & ((1u << 30) - 1)), 1)) == 0)
		r = e->cache->open(e->cache, dir, DB_CREATE | DB_INIT_MPOOL |
		    DB_PRIVATE | DB_THREAD, 0600);
	if (r == 0)
		return 0;
	buf_set(why, "%s: %s", dir, db_strerror(r));
	errno = bdb_errno(r);
	return -1;
}

static DB *
cache_table(struct engine *e, const char *name, struct buf *why)
{
	DB *t;
	int r;

	if ((r = db_create(&t, e->cache, 0)) != 0) {
		buf_set(why, "%s: %s", name, db_strerror(r));
		errno = bdb_errno(r);
		return NULL;
	}
	if ((r = t->set_pagesize(t, BDB_PAGE)) == 0 &&
	    (r = t->set_flags(t, DB_CHKSUM)) == 0)
		r = t->open(t, NULL, name, NULL, DB_BTREE,
		    DB_CREATE | DB_THREAD, 0600);
	if (r == 0)
		return t;
	buf_set(why, "%s/cache/%s: %s", e->home, name, db_strerror(r));
	t->close(t, 0);
	errno = bdb_errno(r);
	return NULL;
}

static int
core_open_all(struct engine *e, struct buf *why)
{
	char name[32];
	unsigned i;

	for (i = 0; i < ENGINE_DBS; i++) {
		e->db[i].e = e;
		e->db[i].bulk = mem_alloc(BULK);
		snprintf(name, sizeof(name), "core.%02u", i);
		if ((e->db[i].table[ENGINE_CORE] = bdb_table(e->core, name,
		    why)) == NULL)
			return -1;
	}
	return 0;
}

static void
cache_close_all(struct engine *e)
{
	unsigned i;

	for (i = 0; i < ENGINE_DBS; i++)
		bdb_table_close(&e->db[i].table[ENGINE_CACHE]);
	if (e->cache != NULL)
		e->cache->close(e->cache, 0);
	e->cache = NULL;
}

static int
cache_try_all(struct engine *e, const char *dir, uint64_t cache,
    struct buf *why)
{
	char name[32];
	unsigned i;

	if (cache_open(e, dir, cache, why) == -1)
		return -1;
	for (i = 0; i < ENGINE_DBS; i++) {
		snprintf(name, sizeof(name), "cache.%02u", i);
		if ((e->db[i].table[ENGINE_CACHE] = cache_table(e, name,
		    why)) == NULL)
			return -1;
	}
	return 0;
}

/* One that is damaged is emptied: that says nothing about the core. */
static int
cache_open_all(struct engine *e, const char *dir, uint64_t cache,
    struct buf *why)
{
	if (cache_try_all(e, dir, cache, why) == 0)
		return 0;
	if (bdb_passing(errno))
		return -1;
	log_warn("%s; it is emptied", buf_str(why));
	cache_close_all(e);
	cache_empty(dir);
	if (cache_try_all(e, dir, cache, why) == 0)
		return 0;
	errno = bdb_passing(errno) ? errno : EAGAIN;
	return -1;
}

static void
engine_drop(struct engine *e)
{
	unsigned i;

	for (i = 0; i < ENGINE_DBS; i++) {
		bdb_table_close(&e->db[i].table[ENGINE_CORE]);
		free(e->db[i].bulk);
	}
	cache_close_all(e);
	bdb_close(&e->core);
	free(e->home);
	free(e);
}

/*
 * 1 if the mark of an orderly end was there. That it is gone is durable before
 * anything is written: after a power cut it would vouch for a torn cache.
 */
static int
clean_take(const char *home, const char *mark)
{
	int fd, r, there = unlink(mark) == 0;

	if (!there || (fd = open(home, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1)
		return 0;
	r = fd_sync_dir(fd);
	fd_close(&fd);
	return r == 0;
}

static struct engine *
engine_try(const char *home, uint64_t cache, int *clean_r, struct buf *why)
{
	struct bdb_conf conf = { .home = home, .cache = cache,
		.reserve = BDB_RESERVE };
	struct engine *e = mem_zalloc(1, sizeof(*e));
	char dir[1100], path[1200];
	int saved;

	e->home = mem_strdup(home);
	snprintf(dir, sizeof(dir), "%s/cache", home);
	snprintf(path, sizeof(path), "%s/clean", home);
	if ((e->core = bdb_open(&conf, why)) == NULL)
		goto fail;
	*clean_r = clean_take(home, path);
	e->clean = *clean_r;
	if (!*clean_r)
		cache_empty(dir);
	if (core_open_all(e, why) == 0 &&
	    cache_open_all(e, dir, cache, why) == 0) {
		engine_look(e);
		return e;
	}
fail:
	saved = errno;
	engine_drop(e);
	errno = saved;
	return NULL;
}

int
engine_is_there(const char *home)
{
	struct stat st;
	char path[1100];
	unsigned i;

	for (i = 0; i < ENGINE_DBS; i++) {
		snprintf(path, sizeof(path), "%s/core.%02u", home, i);
		if (stat(path, &st) == 0)
			return 1;
	}
	return 0;
}

int
engine_set_aside(const char *home, struct buf *why)
{
	return bdb_set_aside(home, why);
}

struct engine *
engine_open(const char *home, uint64_t cache, int *fresh_r, int *clean_r,
    struct buf *why)
{
	struct engine *e;

	*fresh_r = !engine_is_there(home);
	if ((e = engine_try(home, cache, clean_r, why)) != NULL ||
	    bdb_passing(errno))
		return e;
	log_warn("%s; set aside, it is built anew from the files",
	    buf_str(why));
	if (engine_set_aside(home, why) == -1)
		return NULL;
	*fresh_r = 1;
	return engine_try(home, cache, clean_r, why);
}

void
engine_close(struct engine **ep)
{
	char path[1100];
	int fd, clean;

	if (*ep == NULL)
		return;
	snprintf(path, sizeof(path), "%s/clean", (*ep)->home);
	clean = (*ep)->clean;
	engine_drop(*ep);
	*ep = NULL;
	if (!clean)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		log_warn("%s: %s", path, strerror(errno));
	fd_close(&fd);
}

struct engine_db *
engine_db(struct engine *e, unsigned n)
{
	return &e->db[n % ENGINE_DBS];
}

uint64_t
engine_token(struct engine *e)
{
	return atomic_load(&e->committed);
}

/* What is flushed is all that was committed before, by whomever. */
enum engine_result
engine_durable(struct engine *e, uint64_t token)
{
	unsigned long long now = atomic_load(&e->committed);
	unsigned long long was = atomic_load(&e->durable);

	if (was >= token)
		return ENGINE_DONE;
	if (bdb_flush(e->core) == -1)
		log_fatal("%s: the index cannot be made durable", e->home);
	while (was < now &&
	    !atomic_compare_exchange_weak(&e->durable, &was, now))
		;
	return ENGINE_DONE;
}

static void
owner_put(struct engine *e, uint64_t epoch)
{
	struct engine_batch b = { .account = 0, .epoch = epoch };
	struct buf v = BUF_INIT(0);

	buf_put_u64(&v, epoch);
	engine_put(&b, ENGINE_CORE, owner_key, sizeof(owner_key) - 1, v.data,
	    v.len);
	if (engine_commit_one(&e->db[0], &b) != ENGINE_DONE ||
	    engine_durable(e, engine_token(e)) != ENGINE_DONE)
		log_fatal("%s: its owner cannot be noted", e->home);
	engine_batch_clear(&b);
	buf_clear(&v);
}

enum engine_result
engine_owner(struct engine *e, uint64_t *epoch_r)
{
	struct buf v = BUF_INIT(0);
	struct cursor c;
	enum engine_result r = engine_get(&e->db[0], ENGINE_CORE, owner_key,
	    sizeof(owner_key) - 1, &v);

	*epoch_r = 0;
	if (r == ENGINE_DONE) {
		cursor_init(&c, v.data, v.len);
		*epoch_r = cursor_u64(&c);
	}
	buf_clear(&v);
	return ENGINE_DONE;
}

enum engine_result
engine_own(struct engine *e, uint64_t epoch)
{
	uint64_t last;

	if (engine_owner(e, &last) != ENGINE_DONE || epoch < last)
		return ENGINE_LOST;
	e->epoch = epoch;
	e->clean = 1;
	if (epoch > last)
		owner_put(e, epoch);
	return ENGINE_DONE;
}

enum engine_room
engine_room(const struct engine *e)
{
	return (enum engine_room)atomic_load(&e->room);
}

void
engine_look(struct engine *e)
{
	static const enum engine_room room[] = { [BDB_ROOM] = ENGINE_ROOM,
		[BDB_LOW] = ENGINE_LOW, [BDB_NONE] = ENGINE_NONE };

	atomic_store(&e->unlooked, 0);
	atomic_store(&e->room, (int)room[bdb_room(e->core)]);
}

void
engine_give(struct engine *e)
{
	bdb_give(e->core);
}

void
engine_checkpoint(struct engine *e)
{
	(void)bdb_checkpoint(e->core, 0);
}

static int
no_table(struct engine_db *db, enum engine_table t)
{
	return t == ENGINE_CACHE && atomic_load(&db->e->no_cache);
}

enum engine_result
engine_get(struct engine_db *db, enum engine_table t, const void *key,
    size_t klen, struct buf *value_r)
{
	char space[512];
	DBT k = { .data = (void *)(uintptr_t)key, .size = (u_int32_t)klen };
	DBT v = { .data = space, .ulen = sizeof(space),
		.flags = DB_DBT_USERMEM };
	int r;

	if (no_table(db, t))
		return ENGINE_ABSENT;
	r = db->table[t]->get(db->table[t], NULL, &k, &v, 0);
	if (r == DB_BUFFER_SMALL && v.size <= BULK) {
		v.data = db->bulk;
		v.ulen = BULK;
		r = db->table[t]->get(db->table[t], NULL, &k, &v, 0);
	}
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, t, "get", r);
	if (r != 0)
		return ENGINE_ABSENT;
	buf_append(value_r, v.data, v.size);
	return ENGINE_DONE;
}

struct scanning {
	struct engine_scan *s;
	unsigned left;		/* rows of this call */
	engine_each *each;
	void	*arg;
};

/*
 * Runs over one bulk buffer: 1 where the call ends, in r_r how. Where to go on
 * is noted once, for the last row is the one that counts.
 */
static int
scan_bulk(DBT *bulk, struct scanning *g, enum engine_result *r_r)
{
	void *key, *value, *at, *last = NULL;
	size_t klen, vlen, last_len = 0;
	int full = 0;

	DB_MULTIPLE_INIT(at, bulk);
	for (;;) {
		DB_MULTIPLE_KEY_NEXT(at, bulk, key, klen, value, vlen);
		if (at == NULL)
			break;
		if (engine_key_cmp(key, klen, g->s->to, g->s->tlen) >= 0) {
			*r_r = ENGINE_DONE;
			engine_scan_at(g->s, g->s->to, g->s->tlen);
			return 1;
		}
		if ((full = g->s->max > 0 && g->left-- == 0) ||
		    g->each(g->arg, key, klen, value, vlen) != 0) {
			*r_r = ENGINE_MORE;
			break;
		}
		last = key;
		last_len = klen;
	}
	if (at != NULL && !full)
		engine_scan_at(g->s, key, klen);
	else if (last != NULL)
		engine_scan_behind(g->s, last, last_len);
	return at != NULL;
}

enum engine_result
engine_scan(struct engine_db *db, struct engine_scan *s, engine_each *each,
    void *arg)
{
	struct scanning g = { s, s->max, each, arg };
	enum engine_result result = ENGINE_DONE;
	char start[ENGINE_KEY_MAX], *space = NULL;
	DBT k = { .data = start, .size = (u_int32_t)s->flen,
		.ulen = sizeof(start), .flags = DB_DBT_USERMEM };
	DBT v = { .data = db->bulk, .ulen = BULK_FIRST,
		.flags = DB_DBT_USERMEM };
	DB *t = db->table[s->table];
	u_int32_t how = DB_SET_RANGE;
	DBC *c;
	int r;

	if (no_table(db, s->table))
		return ENGINE_DONE;
	memcpy(start, s->from, s->flen);
	if ((r = t->cursor(t, NULL, &c, 0)) != 0) {
		engine_broken(db, s->table, "cursor", r);
		return ENGINE_DONE;
	}
	for (;;) {
		r = c->get(c, &k, &v, how | DB_MULTIPLE_KEY);
		if (r == DB_BUFFER_SMALL && v.ulen < BULK) {
			v.ulen = BULK;
			continue;
		}
		if (r == DB_BUFFER_SMALL) {
			v.ulen = (v.size + 1024) & ~(u_int32_t)1023;
			space = mem_realloc(space, 1, v.ulen);
			v.data = space;
			continue;
		}
		if (r != 0 || scan_bulk(&v, &g, &result))
			break;
		how = DB_NEXT;
		if (v.ulen < BULK)
			v.ulen = BULK;
	}
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, s->table, "scan", r);
	c->close(c);
	free(space);
	return result;
}

enum engine_result
engine_last(struct engine_db *db, enum engine_table t, const void *from,
    size_t flen, const void *to, size_t tlen, struct buf *key_r)
{
	char start[ENGINE_KEY_MAX];
	DBT k = { .data = start, .size = (u_int32_t)tlen,
		.ulen = sizeof(start), .flags = DB_DBT_USERMEM };
	DBT v = { .dlen = 0, .doff = 0, .ulen = 0,
		.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
	DBC *c;
	int r;

	if (no_table(db, t))
		return ENGINE_ABSENT;
	memcpy(start, to, tlen);
	if ((r = db->table[t]->cursor(db->table[t], NULL, &c, 0)) != 0) {
		engine_broken(db, t, "cursor", r);
		return ENGINE_ABSENT;
	}
	r = c->get(c, &k, &v, DB_SET_RANGE);
	if (r == 0)
		r = c->get(c, &k, &v, DB_PREV);
	else if (r == DB_NOTFOUND)
		r = c->get(c, &k, &v, DB_LAST);
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, t, "last", r);
	c->close(c);
	if (r != 0 || engine_key_cmp(k.data, k.size, from, flen) < 0)
		return ENGINE_ABSENT;
	buf_append(key_r, k.data, k.size);
	return ENGINE_DONE;
}

static int
op_holds(struct engine_db *db, const struct engine_op *op)
{
	struct buf now = BUF_INIT(0);
	enum engine_result r = engine_get(db, ENGINE_CORE, op->key, op->klen,
	    &now);
	int holds = op->kind == ENGINE_OP_NONE ? r == ENGINE_ABSENT :
	    r == ENGINE_DONE && now.len == op->vlen &&
	    memcmp(buf_str(&now), op->value, now.len) == 0;

	buf_clear(&now);
	return holds;
}

static void
op_run(struct engine_db *db, DB_TXN *txn, const struct engine_op *op)
{
	DBT k = { .data = (void *)(uintptr_t)op->key,
		.size = (u_int32_t)op->klen };
	DBT v = { .data = (void *)(uintptr_t)op->value,
		.size = (u_int32_t)op->vlen };
	DB *t = db->table[op->table];
	DB_TXN *x = op->table == ENGINE_CORE ? txn : NULL;
	int r;

	if (no_table(db, op->table))
		return;
	if (op->kind == ENGINE_OP_PUT)
		r = t->put(t, x, &k, &v, 0);
	else
		r = t->del(t, x, &k, 0);
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, op->table,
		    op->kind == ENGINE_OP_PUT ? "put" : "delete", r);
}

/* What the batch may: the rows are its account's, so no other one's ops of
   the same transaction are among what it looks at. */
static enum engine_result
batch_judge(struct engine_db *db, const struct engine_batch *b)
{
	struct engine_op op;
	struct cursor c;

	if (b->epoch != db->e->epoch)
		return ENGINE_LOST;
	cursor_init(&c, b->conditions.data, b->conditions.len);
	while (cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		if (!op_holds(db, &op))
			return ENGINE_FALSE;
	}
	return ENGINE_DONE;
}

static void
batch_run(struct engine_db *db, DB_TXN *txn, const struct engine_batch *b)
{
	struct engine_op op;
	struct cursor c;

	cursor_init(&c, b->ops.data, b->ops.len);
	while (cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		op_run(db, txn, &op);
	}
}

uint64_t
engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	DB_ENV *env = bdb_env(db->e->core);
	size_t i, octets = 0;
	DB_TXN *txn;
	int r;

	if ((r = env->txn_begin(env, NULL, &txn, 0)) != 0)
		engine_broken(db, ENGINE_CORE, "begin", r);
	for (i = 0; i < n; i++)
		if ((list[i]->result = batch_judge(db, list[i])) ==
		    ENGINE_DONE) {
			octets += list[i]->ops.len;
			batch_run(db, txn, list[i]);
		}
	if ((r = txn->commit(txn, DB_TXN_NOSYNC)) != 0)
		engine_broken(db, ENGINE_CORE, "commit", r);
	for (i = 0; i < n; i++) {
		if (list[i]->result == ENGINE_DONE)
			engine_watch_tell(&db->watches, list[i]);
		engine_batch_reset(list[i]);
	}
	if (atomic_fetch_add(&db->e->unlooked, octets) + octets >= LOOK_AGAIN)
		engine_look(db->e);
	return atomic_fetch_add(&db->e->committed, 1) + 1;
}

struct engine_watch *
engine_watch(struct engine_db *db, const void *group,
    void (*changed)(void *arg), void *arg)
{
	return engine_watch_add(&db->watches, group, changed, arg);
}
