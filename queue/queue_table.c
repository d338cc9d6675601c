/*
 * Keys are big-endian, so that the tree's order is the order of (id, record,
 * index): what belongs to a message lies together, and new messages come at
 * the end, where Berkeley DB fills pages best.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/map/bdb.h"
#include "queue/queue_table.h"

enum {
	CACHE = 32 << 20,
	KEY_MAX = 13,		/* id, record, index */
	KEY_SHORT = 9,		/* without the index */
	BULK = 1 << 20,		/* a walk's buffer to begin with, */
	BULK_ONE = 16 << 10,	/* and that for one message */
	ROOM_EVERY = 1000,	/* ms between two looks at the disk, */
	ROOM_OCTETS = 1 << 20,	/* and octets written */
};

#define TABLE	"queue"

static struct bdb *env;
static DB *table;
static DB_TXN *txn;
static int txn_failed;
static int format_due;		/* the next transaction writes it */
static size_t written;		/* since the last look at the disk */

void
table_close(void)
{
	bdb_table_close(&table);
	bdb_close(&env);
}

static void
key_set(DBT *key, unsigned char b[KEY_MAX], uint64_t id, enum record r,
    uint32_t index)
{
	int i;

	for (i = 0; i < 8; i++)
		b[i] = (unsigned char)(id >> (56 - 8 * i));
	b[8] = (unsigned char)r;
	for (i = 0; i < 4; i++)
		b[9 + i] = (unsigned char)(index >> (24 - 8 * i));
	memset(key, 0, sizeof(*key));
	key->data = b;
	key->size = r == RECORD_RESULT || r == RECORD_ORIGIN ? KEY_MAX :
	    KEY_SHORT;
}

/* 0, or -1 for a key that is not one of ours. */
static int
key_get(const unsigned char *b, size_t len, uint64_t *id, enum record *r,
    uint32_t *index)
{
	int i;

	if (len != KEY_SHORT && len != KEY_MAX)
		return -1;
	*id = 0;
	for (i = 0; i < 8; i++)
		*id = *id << 8 | b[i];
	*r = (enum record)b[8];
	*index = 0;
	for (i = 9; i < (int)len; i++)
		*index = *index << 8 | b[i];
	return 0;
}

static void
table_failed(const char *what, int r)
{
	if (r == DB_RUNRECOVERY)
		log_fatal("queue table: %s: %s", what, db_strerror(r));
	log_warn("queue table: %s: %s", what, db_strerror(r));
	if (!bdb_passing(r))
		bdb_distrust(env);
	txn_failed = 1;
}

enum bdb_room
table_room(void)
{
	static enum bdb_room room = BDB_ROOM;
	static int64_t asked;
	int64_t now = clock_mono_ms();
	enum bdb_room had = room;

	if (asked != 0 && now - asked < ROOM_EVERY && written < ROOM_OCTETS)
		return room;
	asked = now;
	written = 0;
	room = bdb_room(env);
	if (had != BDB_NONE && room == BDB_NONE)
		log_warn("queue table: the disk is full: nothing is written");
	if (had == BDB_NONE && room != BDB_NONE)
		log_info("queue table: there is room again");
	return room;
}

/* From here on who reads no format of ours stays away. */
static void
format_put(void)
{
	struct buf value = BUF_INIT(0);

	buf_put_u32(&value, TABLE_FORMAT);
	table_put(0, RECORD_FORMAT, 0, value.data, value.len);
	buf_clear(&value);
}

void
table_begin(void)
{
	DB_ENV *e = bdb_env(env);
	int r;

	txn = NULL;
	txn_failed = table_room() == BDB_NONE;
	if (txn_failed)
		return;
	if ((r = e->txn_begin(e, NULL, &txn, 0)) != 0)
		table_failed("begin", r);
	if (format_due)
		format_put();
}

void
table_put(uint64_t id, enum record rec, uint32_t index, const void *p,
    size_t len)
{
	unsigned char b[KEY_MAX];
	DBT key, value = { .data = (void *)(uintptr_t)p,
		.size = (u_int32_t)len };
	int r;

	if (txn_failed)
		return;
	written += len;
	key_set(&key, b, id, rec, index);
	if ((r = table->put(table, txn, &key, &value, 0)) != 0)
		table_failed("put", r);
}

static void
table_forget_all(uint64_t id)
{
	unsigned char b[KEY_MAX];
	DBT key, value = { .flags = DB_DBT_PARTIAL };
	uint32_t index;
	enum record rec;
	uint64_t found;
	DBC *c;
	int r;

	if ((r = table->cursor(table, txn, &c, 0)) != 0) {
		table_failed("cursor", r);
		return;
	}
	key_set(&key, b, id, RECORD_LAST, 0);
	r = c->get(c, &key, &value, DB_SET_RANGE);
	while (r == 0 && key_get(key.data, key.size, &found, &rec,
	    &index) == 0 && found == id) {
		if ((r = c->del(c, 0)) != 0)
			break;
		r = c->get(c, &key, &value, DB_NEXT);
	}
	if (r != 0 && r != DB_NOTFOUND)
		table_failed("forget", r);
	c->close(c);
}

void
table_drop(uint64_t id, enum record rec, uint32_t index)
{
	unsigned char b[KEY_MAX];
	DBT key;
	int r;

	if (txn_failed)
		return;
	key_set(&key, b, id, rec, index);
	r = table->del(table, txn, &key, 0);
	if (r != 0 && r != DB_NOTFOUND)
		table_failed("forget", r);
}

void
table_forget(uint64_t id, int all)
{
	if (txn_failed)
		return;
	if (all)
		table_forget_all(id);
	else
		table_drop(id, RECORD_ENVELOPE, 0);
}

int
table_commit(enum commit how)
{
	int r;

	if (txn_failed) {
		if (txn != NULL && (r = txn->abort(txn)) != 0)
			log_fatal("queue table: abort: %s", db_strerror(r));
		txn = NULL;
		return -1;
	}
	r = txn->commit(txn, how == COMMIT_WRITTEN ? DB_TXN_WRITE_NOSYNC :
	    DB_TXN_NOSYNC);
	txn = NULL;
	if (r == 0) {
		format_due = 0;
		return 0;
	}
	table_failed("commit", r);
	return -1;
}

int
table_flush(void)
{
	return bdb_flush(env);
}

void
table_checkpoint(void)
{
	bdb_checkpoint(env, 0);
	bdb_backup(env, TABLE);
}

int
table_get(uint64_t id, enum record rec, uint32_t index, struct buf *out)
{
	unsigned char b[KEY_MAX];
	DBT key, value = { .flags = DB_DBT_MALLOC };
	int r;

	key_set(&key, b, id, rec, index);
	r = table->get(table, NULL, &key, &value, 0);
	if (r == DB_NOTFOUND)
		return 0;
	if (r != 0) {
		table_failed("get", r);
		return -1;
	}
	r = buf_append(out, value.data, value.size) == 0 ? 1 : -1;
	free(value.data);
	return r;
}

/* As table_open. */
static int
format_check(struct buf *why)
{
	struct buf value = BUF_INIT(0);
	struct cursor c;
	uint32_t format;
	int r;

	r = table_get(0, RECORD_FORMAT, 0, &value);
	cursor_init(&c, value.data, value.len);
	format = cursor_u32(&c);
	buf_clear(&value);
	format_due = r == 0 || (r == 1 && format < TABLE_FORMAT);
	if (r == -1 || (r == 1 && c.bad)) {
		buf_set(why, "the format of the queue table cannot be read");
		errno = EIO;
		return -1;
	}
	if (r == 1 && format > TABLE_FORMAT) {
		buf_set(why, "the queue table has format %u, of a newer "
		    "version; this one knows %u at most", (unsigned)format,
		    (unsigned)TABLE_FORMAT);
		return -2;
	}
	return 0;
}

int
table_open(const char *home, struct buf *why)
{
	struct bdb_conf conf = { .home = home, .cache = CACHE,
		.flags = BDB_KEEP_LOGS, .reserve = BDB_RESERVE };
	int e, r = -1;

	if ((env = bdb_open(&conf, why)) == NULL)
		return -1;
	table = bdb_table(env, TABLE, why);
	if (table != NULL)
		r = format_check(why);
	e = errno;
	if (r != 0)
		table_close();
	errno = e;
	return r;
}

struct walk {
	int	(*each)(uint64_t id, enum record r, uint32_t index,
		    const void *p, size_t len, void *arg);
	void	*arg;
};

/* Hands out what one bulk read brought. */
static int
walk_bulk(const struct walk *w, DBT *bulk)
{
	void *at, *k, *v;
	u_int32_t klen, vlen;
	uint32_t index;
	enum record rec;
	uint64_t id;
	int r;

	DB_MULTIPLE_INIT(at, bulk);
	for (;;) {
		DB_MULTIPLE_KEY_NEXT(at, bulk, k, klen, v, vlen);
		if (at == NULL)
			return 0;
		if (key_get(k, klen, &id, &rec, &index) == -1) {
			log_warn("queue table: a key of %u octets", klen);
			continue;
		}
		if ((r = w->each(id, rec, index, v, vlen, w->arg)) != 0)
			return r;
	}
}

/* A record that is larger than the buffer makes the buffer larger. */
static int
walk_grow(DBT *bulk)
{
	void *p;
	u_int32_t size = (bulk->size / 4096 + 1) * 4096 * 2;

	if (size < bulk->ulen * 2)
		size = bulk->ulen * 2;
	if ((p = realloc(bulk->data, size)) == NULL)
		return -1;
	bulk->data = p;
	bulk->ulen = size;
	return 0;
}

static int
walk_from(uint64_t start, u_int32_t size, const struct walk *w)
{
	unsigned char b[KEY_MAX];
	DBT key, bulk = { .flags = DB_DBT_USERMEM, .ulen = size };
	u_int32_t step = DB_SET_RANGE;
	int r, e = 0;
	DBC *c;

	if ((r = table->cursor(table, NULL, &c, 0)) != 0) {
		table_failed("cursor", r);
		return -1;
	}
	if ((bulk.data = malloc(bulk.ulen)) == NULL)
		log_fatal("out of memory");
	key_set(&key, b, start, RECORD_LAST, 0);
	while (e == 0) {
		r = c->get(c, &key, &bulk, step | DB_MULTIPLE_KEY);
		if (r == DB_BUFFER_SMALL && walk_grow(&bulk) == 0)
			continue;
		if (r != 0)
			break;
		e = walk_bulk(w, &bulk);
		step = DB_NEXT;
	}
	c->close(c);
	free(bulk.data);
	if (e == 0 && r != DB_NOTFOUND) {
		table_failed("walk", r);
		return -1;
	}
	return e;
}

int
table_walk(uint64_t start, int (*each)(uint64_t id, enum record r,
    uint32_t index, const void *p, size_t len, void *arg), void *arg)
{
	struct walk w = { each, arg };

	return walk_from(start, BULK, &w);
}

int
table_message(uint64_t id, int (*each)(uint64_t id, enum record r,
    uint32_t index, const void *p, size_t len, void *arg), void *arg)
{
	struct walk w = { each, arg };

	return walk_from(id, BULK_ONE, &w);
}
