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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <db.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/map/bdb.h"
#include "store/engine.h"

enum {
	BULK = 256 * 1024,	/* octets of one bulk read */
	WATCH_BUCKETS = 64,
	OP_PUT = 1, OP_DEL, OP_EXPECT, OP_EXPECT_ABSENT,
};

struct engine_watch {
	struct engine_watch *next, **back;
	unsigned char group[ENGINE_GROUP];
	void	(*changed)(void *);
	void	*arg;
	struct engine_db *db;
};

struct engine_db {
	struct engine *e;
	DB	*table[2];
	char	*bulk;
	unsigned watches;
	struct engine_watch *watch[WATCH_BUCKETS];
};

struct engine {
	struct bdb *core;
	DB_ENV	*cache;
	char	*home;
	struct engine_db db[ENGINE_DBS];
};

static void
engine_broken(struct engine_db *db, enum engine_table t, const char *what,
    int r)
{
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
	errno = r;
	return -1;
}

static DB *
cache_table(struct engine *e, const char *name, struct buf *why)
{
	DB *t;
	int r;

	if ((r = db_create(&t, e->cache, 0)) != 0) {
		buf_set(why, "%s: %s", name, db_strerror(r));
		errno = r;
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
	errno = r;
	return NULL;
}

/* Opens both tables of all databases. */
static int
tables_open_all(struct engine *e, struct buf *why)
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
		snprintf(name, sizeof(name), "cache.%02u", i);
		if ((e->db[i].table[ENGINE_CACHE] = cache_table(e, name,
		    why)) == NULL)
			return -1;
	}
	return 0;
}

static void
engine_drop(struct engine *e)
{
	unsigned i;

	for (i = 0; i < ENGINE_DBS; i++) {
		bdb_table_close(&e->db[i].table[ENGINE_CORE]);
		bdb_table_close(&e->db[i].table[ENGINE_CACHE]);
		free(e->db[i].bulk);
	}
	bdb_close(&e->core);
	if (e->cache != NULL)
		e->cache->close(e->cache, 0);
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
	struct bdb_conf conf = { .home = home, .cache = cache };
	struct engine *e = mem_zalloc(1, sizeof(*e));
	char dir[1100], path[1200];
	int saved;

	e->home = mem_strdup(home);
	snprintf(dir, sizeof(dir), "%s/cache", home);
	snprintf(path, sizeof(path), "%s/clean", home);
	if ((e->core = bdb_open(&conf, why)) == NULL)
		goto fail;
	*clean_r = clean_take(home, path);
	if (!*clean_r)
		cache_empty(dir);
	if (cache_open(e, dir, cache, why) == 0 && tables_open_all(e, why) == 0)
		return e;
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

	snprintf(path, sizeof(path), "%s/core.%02u", home, ENGINE_DBS - 1);
	return stat(path, &st) == 0;
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
	if (bdb_set_aside(home, why) == -1)
		return NULL;
	*fresh_r = 1;
	return engine_try(home, cache, clean_r, why);
}

void
engine_close(struct engine **ep)
{
	char path[1100];
	int fd;

	if (*ep == NULL)
		return;
	snprintf(path, sizeof(path), "%s/clean", (*ep)->home);
	engine_drop(*ep);
	*ep = NULL;
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

void
engine_flush(struct engine *e)
{
	if (bdb_flush(e->core) == -1)
		log_fatal("%s: the index cannot be made durable", e->home);
}

void
engine_checkpoint(struct engine *e)
{
	(void)bdb_checkpoint(e->core, 0);
}

int
engine_get(struct engine_db *db, enum engine_table t, const void *key,
    size_t klen, struct buf *value_r)
{
	char space[512];
	DBT k = { .data = (void *)(uintptr_t)key, .size = (u_int32_t)klen };
	DBT v = { .data = space, .ulen = sizeof(space),
		.flags = DB_DBT_USERMEM };
	int r;

	r = db->table[t]->get(db->table[t], NULL, &k, &v, 0);
	if (r == DB_BUFFER_SMALL && v.size <= BULK) {
		v.data = db->bulk;
		v.ulen = BULK;
		r = db->table[t]->get(db->table[t], NULL, &k, &v, 0);
	}
	if (r == DB_NOTFOUND)
		return 0;
	if (r != 0)
		engine_broken(db, t, "get", r);
	buf_append(value_r, v.data, v.size);
	return 1;
}

/* -1, 0, 1 as the key sorts before, equal to, behind the bound. */
static int
key_cmp(const void *a, size_t alen, const void *b, size_t blen)
{
	int r = memcmp(a, b, alen < blen ? alen : blen);

	if (r != 0)
		return r;
	return alen < blen ? -1 : alen > blen;
}

struct scan {
	const void *to;
	size_t	 tlen;
	engine_each *each;
	void	*arg;
};

/* Runs over one bulk buffer: 1 where the scan ended, its value in r_r. */
static int
scan_bulk(DBT *bulk, const struct scan *s, int *r_r)
{
	void *key, *value, *at;
	size_t klen, vlen;

	DB_MULTIPLE_INIT(at, bulk);
	for (;;) {
		DB_MULTIPLE_KEY_NEXT(at, bulk, key, klen, value, vlen);
		if (at == NULL)
			return 0;
		if (key_cmp(key, klen, s->to, s->tlen) >= 0)
			return 1;
		if ((*r_r = s->each(s->arg, key, klen, value, vlen)) != 0)
			return 1;
	}
}

int
engine_scan(struct engine_db *db, enum engine_table t, const void *from,
    size_t flen, const void *to, size_t tlen, engine_each *each, void *arg)
{
	struct scan s = { to, tlen, each, arg };
	char start[ENGINE_KEY_MAX], *space = NULL;
	DBT k = { .data = start, .size = (u_int32_t)flen,
		.ulen = sizeof(start), .flags = DB_DBT_USERMEM };
	DBT v = { .data = db->bulk, .ulen = BULK, .flags = DB_DBT_USERMEM };
	u_int32_t how = DB_SET_RANGE;
	DBC *c;
	int r, result = 0;

	memcpy(start, from, flen);
	if ((r = db->table[t]->cursor(db->table[t], NULL, &c, 0)) != 0)
		engine_broken(db, t, "cursor", r);
	for (;;) {
		r = c->get(c, &k, &v, how | DB_MULTIPLE_KEY);
		if (r == DB_BUFFER_SMALL) {
			v.ulen = (v.size + 1024) & ~(u_int32_t)1023;
			space = mem_realloc(space, 1, v.ulen);
			v.data = space;
			continue;
		}
		if (r != 0 || scan_bulk(&v, &s, &result))
			break;
		how = DB_NEXT;
	}
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, t, "scan", r);
	c->close(c);
	free(space);
	return result;
}

int
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

	memcpy(start, to, tlen);
	if ((r = db->table[t]->cursor(db->table[t], NULL, &c, 0)) != 0)
		engine_broken(db, t, "cursor", r);
	r = c->get(c, &k, &v, DB_SET_RANGE);
	if (r == 0)
		r = c->get(c, &k, &v, DB_PREV);
	else if (r == DB_NOTFOUND)
		r = c->get(c, &k, &v, DB_LAST);
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, t, "last", r);
	c->close(c);
	if (r != 0 || key_cmp(k.data, k.size, from, flen) < 0)
		return 0;
	buf_append(key_r, k.data, k.size);
	return 1;
}

static void
batch_add(struct engine_batch *b, unsigned op, enum engine_table t,
    const void *key, size_t klen, const void *value, size_t vlen)
{
	buf_put_u8(&b->ops, (uint8_t)op);
	buf_put_u8(&b->ops, (uint8_t)t);
	buf_put_lv(&b->ops, key, klen);
	buf_put_lv(&b->ops, value, vlen);
	b->n++;
}

void
engine_batch_clear(struct engine_batch *b)
{
	buf_clear(&b->ops);
	b->n = 0;
}

void
engine_put(struct engine_batch *b, enum engine_table t, const void *key,
    size_t klen, const void *value, size_t vlen)
{
	batch_add(b, OP_PUT, t, key, klen, value, vlen);
}

void
engine_del(struct engine_batch *b, enum engine_table t, const void *key,
    size_t klen)
{
	batch_add(b, OP_DEL, t, key, klen, "", 0);
}

void
engine_expect(struct engine_batch *b, const void *key, size_t klen,
    const void *value, size_t vlen)
{
	if (value == NULL)
		batch_add(b, OP_EXPECT_ABSENT, ENGINE_CORE, key, klen, "", 0);
	else
		batch_add(b, OP_EXPECT, ENGINE_CORE, key, klen, value, vlen);
}

struct op {
	unsigned op, table;
	DBT	 key, value;
};

static void
batch_next(struct cursor *c, struct op *op)
{
	size_t n;

	memset(op, 0, sizeof(*op));
	op->op = cursor_u8(c);
	op->table = cursor_u8(c);
	op->key.data = (void *)(uintptr_t)cursor_lv(c, &n, SIZE_MAX);
	op->key.size = (u_int32_t)n;
	op->value.data = (void *)(uintptr_t)cursor_lv(c, &n, SIZE_MAX);
	op->value.size = (u_int32_t)n;
}

/* 1 where the condition holds. */
static int
op_holds(struct engine_db *db, const struct op *op)
{
	struct buf now = BUF_INIT(0);
	int r = engine_get(db, ENGINE_CORE, op->key.data, op->key.size, &now);

	if (op->op == OP_EXPECT_ABSENT)
		r = !r;
	else
		r = r && now.len == op->value.size &&
		    memcmp(buf_str(&now), op->value.data, now.len) == 0;
	buf_clear(&now);
	return r;
}

static void
op_run(struct engine_db *db, DB_TXN *txn, struct op *op)
{
	DB *t = db->table[op->table];
	DB_TXN *x = op->table == ENGINE_CORE ? txn : NULL;
	int r;

	if (op->op == OP_PUT)
		r = t->put(t, x, &op->key, &op->value, 0);
	else
		r = t->del(t, x, &op->key, 0);
	if (r != 0 && r != DB_NOTFOUND)
		engine_broken(db, (enum engine_table)op->table,
		    op->op == OP_PUT ? "put" : "delete", r);
}

static unsigned
watch_bucket(const unsigned char *group)
{
	return (group[2] * 31u + group[3] * 7u + group[7]) % WATCH_BUCKETS;
}

static void
watch_call(struct engine_db *db, const unsigned char *group)
{
	struct engine_watch *w = db->watch[watch_bucket(group)], *next;

	for (; w != NULL; w = next) {
		next = w->next;
		if (memcmp(w->group, group, ENGINE_GROUP) == 0)
			w->changed(w->arg);
	}
}

/* Tells the watches of each group that the batch wrote. */
static void
watch_tell(struct engine_db *db, const struct engine_batch *b)
{
	unsigned char last[ENGINE_GROUP] = { 0 };
	struct cursor c;
	struct op op;

	cursor_init(&c, b->ops.data, b->ops.len);
	while (db->watches > 0 && cursor_left(&c) > 0) {
		batch_next(&c, &op);
		if (op.table != ENGINE_CORE || op.key.size < ENGINE_GROUP ||
		    memcmp(op.key.data, last, ENGINE_GROUP) == 0)
			continue;
		memcpy(last, op.key.data, ENGINE_GROUP);
		watch_call(db, last);
	}
}

int
engine_commit(struct engine_db *db, struct engine_batch *b)
{
	DB_ENV *env = bdb_env(db->e->core);
	struct cursor c;
	DB_TXN *txn;
	struct op op;
	int r, done = 1;

	if (b->n == 0)
		return 1;
	if ((r = env->txn_begin(env, NULL, &txn, 0)) != 0)
		engine_broken(db, ENGINE_CORE, "begin", r);
	cursor_init(&c, b->ops.data, b->ops.len);
	while (done && cursor_left(&c) > 0) {
		batch_next(&c, &op);
		if (op.op == OP_EXPECT || op.op == OP_EXPECT_ABSENT)
			done = op_holds(db, &op);
		else
			op_run(db, txn, &op);
	}
	if ((r = done ? txn->commit(txn, DB_TXN_NOSYNC) :
	    txn->abort(txn)) != 0)
		engine_broken(db, ENGINE_CORE, "commit", r);
	if (done)
		watch_tell(db, b);
	buf_reset(&b->ops);
	if (b->ops.cap > BULK)
		buf_clear(&b->ops);
	b->n = 0;
	return done;
}

struct engine_watch *
engine_watch(struct engine_db *db, const void *group,
    void (*changed)(void *arg), void *arg)
{
	struct engine_watch *w = mem_zalloc(1, sizeof(*w)), **head;

	memcpy(w->group, group, ENGINE_GROUP);
	w->changed = changed;
	w->arg = arg;
	w->db = db;
	head = &db->watch[watch_bucket(w->group)];
	if ((w->next = *head) != NULL)
		w->next->back = &w->next;
	w->back = head;
	*head = w;
	db->watches++;
	return w;
}

void
engine_unwatch(struct engine_watch **wp)
{
	struct engine_watch *w = *wp;

	if (w == NULL)
		return;
	if ((*w->back = w->next) != NULL)
		w->next->back = w->back;
	w->db->watches--;
	free(w);
	*wp = NULL;
}
