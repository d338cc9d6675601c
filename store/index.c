#include "config.h"

#include <string.h>

#include "store/index.h"

enum { DELETE_PIECE = 4096 };	/* rows of one commit */

static void
key_u32(struct index_key *k, uint32_t v)
{
	int i;

	for (i = 24; i >= 0; i -= 8)
		k->k[k->len++] = (unsigned char)(v >> i);
}

struct index_key
index_group(uint32_t account, uint32_t mailbox)
{
	struct index_key k = { .len = 0 };

	key_u32(&k, account);
	key_u32(&k, mailbox);
	return k;
}

struct index_key
index_account_key(uint32_t account, char kind)
{
	struct index_key k = index_group(account, 0);

	k.k[k.len++] = (unsigned char)kind;
	return k;
}

struct index_key
index_key_u32(uint32_t account, char kind, uint32_t v)
{
	struct index_key k = index_account_key(account, kind);

	key_u32(&k, v);
	return k;
}

struct index_key
index_key_u64(uint32_t account, char kind, uint64_t v)
{
	struct index_key k = index_account_key(account, kind);

	key_u32(&k, (uint32_t)(v >> 32));
	key_u32(&k, (uint32_t)v);
	return k;
}

struct index_key
index_key_file(uint32_t account, uint32_t mailbox, uint32_t uid)
{
	return index_key_u64(account, 'R', (uint64_t)mailbox << 32 | uid);
}

struct index_key
index_delivered(uint32_t account, uint64_t queue_id, uint32_t mailbox)
{
	struct index_key k = index_key_u64(account, 'Q', queue_id);

	if (mailbox != 0)
		key_u32(&k, mailbox);
	return k;
}

uint64_t
index_delivered_id(const void *key, size_t len)
{
	return len < ENGINE_GROUP + 9 ? 0 :
	    index_tail_u64(key, ENGINE_GROUP + 9);
}

struct index_key
index_message(uint32_t account, uint32_t mailbox, uint32_t uid)
{
	struct index_key k = index_group(account, mailbox);

	k.k[k.len++] = 'm';
	key_u32(&k, uid);
	return k;
}

struct index_key
index_gone(uint32_t account, uint32_t mailbox, uint64_t modseq)
{
	struct index_key k = index_group(account, mailbox);

	k.k[k.len++] = 'x';
	key_u32(&k, (uint32_t)(modseq >> 32));
	key_u32(&k, (uint32_t)modseq);
	return k;
}

struct index_key
index_order(uint32_t account, uint32_t mailbox, uint64_t modseq, uint32_t uid)
{
	struct index_key k = index_group(account, mailbox);

	k.k[k.len++] = 'o';
	key_u32(&k, (uint32_t)(modseq >> 32));
	key_u32(&k, (uint32_t)modseq);
	key_u32(&k, uid);
	return k;
}

struct index_key
index_expunged(uint32_t account, uint32_t when, uint32_t mailbox, uint32_t uid)
{
	struct index_key k = index_account_key(account, 'X');

	key_u32(&k, when);
	key_u32(&k, mailbox);
	key_u32(&k, uid);
	return k;
}

uint32_t
index_tail_u32(const void *key, size_t len)
{
	const unsigned char *p = (const unsigned char *)key + len - 4;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

uint64_t
index_tail_u64(const void *key, size_t len)
{
	return (uint64_t)index_tail_u32(key, len - 4) << 32 |
	    index_tail_u32(key, len);
}

void
index_scan(struct engine_scan *s, enum engine_table t,
    const struct index_key *from, const struct index_key *to)
{
	engine_scan_init(s, t, from->k, from->len, to->k, to->len);
}

void
index_scan_kind(struct engine_scan *s, uint32_t account, char kind)
{
	struct index_key from = index_account_key(account, kind);
	struct index_key to = index_account_key(account, (char)(kind + 1));

	index_scan(s, ENGINE_CORE, &from, &to);
}

struct deleting {
	struct engine_batch *b;
	enum engine_table t;
};

static int
delete_one(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct deleting *d = arg;

	engine_del(d->b, d->t, key, klen);
	return 0;
}

/* ENGINE_MORE: a piece of them has gone. */
static enum engine_result
delete_piece(struct engine_db *db, struct engine_batch *b,
    enum engine_table t, const struct index_key *from,
    const struct index_key *to)
{
	struct deleting d = { b, t };
	enum engine_result r, done;
	struct engine_scan s;

	index_scan(&s, t, from, to);
	s.max = DELETE_PIECE;
	r = engine_scan(db, &s, delete_one, &d);
	if (b->n == 0)
		return r;
	done = engine_commit_one(db, b);
	return r > ENGINE_MORE || done != ENGINE_DONE ?
	    (done != ENGINE_DONE ? done : r) : ENGINE_MORE;
}

enum engine_result
index_delete(struct engine_db *db, struct engine_batch *b,
    enum engine_table t, const struct index_key *from,
    const struct index_key *to)
{
	enum engine_result r;

	do
		r = delete_piece(db, b, t, from, to);
	while (r == ENGINE_MORE);
	return r;
}

/* At most max rows. */
static enum engine_result
delete_some(struct engine_db *db, struct engine_batch *b, struct deleting *d,
    const struct index_key *from, const struct index_key *to, unsigned max)
{
	enum engine_result r, done;
	struct engine_scan s;

	index_scan(&s, d->t, from, to);
	s.max = max;
	r = engine_scan(db, &s, delete_one, d);
	done = b->n == 0 ? ENGINE_DONE : engine_commit_one(db, b);
	return done == ENGINE_DONE ? r : done;
}

enum engine_result
index_delete_above(struct engine_db *db, struct engine_batch *b,
    uint32_t mailbox, uint32_t uid, unsigned max)
{
	struct index_key from = index_message(b->account, mailbox, uid);
	struct index_key to = index_group(b->account, mailbox);
	struct deleting core = { b, ENGINE_CORE }, cache = { b, ENGINE_CACHE };
	enum engine_result r;

	to.k[to.len++] = 'm' + 1;
	r = delete_some(db, b, &core, &from, &to, max);
	return r != ENGINE_DONE ? r : delete_some(db, b, &cache, &from, &to,
	    max);
}

enum engine_result
index_delete_mailbox(struct engine_db *db, struct engine_batch *b,
    uint32_t mailbox, unsigned max)
{
	struct index_key from = index_group(b->account, mailbox);
	struct index_key to = index_group(b->account, mailbox + 1);
	struct index_key row = index_key_u32(b->account, 'M', mailbox);
	struct index_key words = index_key_u32(b->account, 'K', mailbox);
	struct deleting core = { b, ENGINE_CORE }, cache = { b, ENGINE_CACHE };
	enum engine_result r;

	r = delete_some(db, b, &core, &from, &to, max);
	if (r == ENGINE_DONE)
		r = delete_some(db, b, &cache, &from, &to, max);
	if (r != ENGINE_DONE)
		return r;
	engine_del(b, ENGINE_CORE, row.k, row.len);
	engine_del(b, ENGINE_CORE, words.k, words.len);
	return engine_commit_one(db, b);
}

enum engine_result
index_delete_some(struct engine_db *db, struct engine_batch *b)
{
	static const char stay[] = "DRX";	/* in the order of keys */
	struct index_key from = index_group(b->account, 0), at = from, to;
	struct index_key end = index_group(b->account + 1, 0);
	enum engine_result r;
	size_t i;

	for (i = 0; stay[i] != '\0'; i++) {
		to = index_account_key(b->account, stay[i]);
		r = delete_piece(db, b, ENGINE_CORE, &at, &to);
		if (r != ENGINE_DONE)
			return r;
		at = index_account_key(b->account, (char)(stay[i] + 1));
	}
	r = delete_piece(db, b, ENGINE_CORE, &at, &end);
	return r != ENGINE_DONE ? r :
	    delete_piece(db, b, ENGINE_CACHE, &from, &end);
}

enum engine_result
index_delete_account(struct engine_db *db, struct engine_batch *b)
{
	enum engine_result r;

	do
		r = index_delete_some(db, b);
	while (r == ENGINE_MORE);
	return r;
}

void
index_put_last(struct engine_batch *b, uint32_t id, uint32_t uidvalidity)
{
	struct index_key k = index_account_key(b->account, 'D');
	struct buf v = BUF_INIT(0);

	buf_put_u32(&v, id);
	buf_put_u32(&v, uidvalidity);
	engine_put(b, ENGINE_CORE, k.k, k.len, v.data, v.len);
	buf_clear(&v);
}

enum engine_result
index_get_last(struct engine_db *db, uint32_t account, uint32_t *id_r,
    uint32_t *uidvalidity_r)
{
	struct index_key k = index_account_key(account, 'D');
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(db, ENGINE_CORE, k.k, k.len, &v);
	struct cursor c;

	cursor_init(&c, v.data, v.len);
	*id_r = cursor_u32(&c);
	*uidvalidity_r = cursor_u32(&c);
	buf_clear(&v);
	return r == ENGINE_ABSENT ? ENGINE_DONE : r;
}

enum engine_result
index_sweep(struct engine_db *db, struct engine_batch *b, uint32_t before,
    unsigned max)
{
	struct index_key from = index_account_key(b->account, 'X');
	struct index_key to = index_expunged(b->account, before, 0, 0);
	struct deleting d = { b, ENGINE_CORE };

	return delete_some(db, b, &d, &from, &to, max);
}

static void
number_key(struct buf *key, const char *name)
{
	struct index_key u = index_account_key(0, 'u');

	buf_append(key, u.k, u.len);
	buf_puts(key, name);
}

static enum engine_result
get_u32(struct engine_db *db, const void *key, size_t klen, uint32_t *r_r)
{
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(db, ENGINE_CORE, key, klen, &v);
	struct cursor c;

	cursor_init(&c, v.data, v.len);
	if (r == ENGINE_DONE)
		*r_r = cursor_u32(&c);
	buf_clear(&v);
	return r;
}

enum engine_result
index_number(struct engine_db *db, const char *name, uint32_t *number_r)
{
	struct buf key = BUF_INIT(0);
	enum engine_result r;

	number_key(&key, name);
	r = get_u32(db, key.data, key.len, number_r);
	buf_clear(&key);
	return r;
}

int
index_version_ok(struct engine *e, struct buf *why)
{
	struct index_key k = index_account_key(0, 'v');
	uint32_t version = 1;
	enum engine_result r = get_u32(engine_db(e, 0), k.k, k.len, &version);

	if (r != ENGINE_DONE && r != ENGINE_ABSENT)
		buf_set(why, "the index does not answer");
	else if (version <= INDEX_VERSION)
		return 0;
	else
		buf_set(why, "the index is of version %u; this store knows "
		    "those up to %d", (unsigned)version, INDEX_VERSION);
	return version > INDEX_VERSION ? -2 : -1;
}

enum engine_result
index_version_put(struct engine *e, uint64_t epoch)
{
	struct engine_batch b = { .account = 0, .epoch = epoch };
	struct index_key k = index_account_key(0, 'v');
	struct buf v = BUF_INIT(0);
	enum engine_result r;

	buf_put_u32(&v, INDEX_VERSION);
	engine_put(&b, ENGINE_CORE, k.k, k.len, v.data, v.len);
	r = engine_commit_one(engine_db(e, 0), &b);
	engine_batch_clear(&b);
	buf_clear(&v);
	return r == ENGINE_DONE ? engine_durable(e, engine_token(e)) : r;
}

/* The name gets the number that was the next one; the condition is that both
   are still as they were read. */
static enum engine_result
number_take(struct engine_db *db, struct engine_batch *b, const char *name,
    uint32_t number, int known)
{
	struct index_key n = index_account_key(0, 'n');
	struct buf key = BUF_INIT(0), v = BUF_INIT(0);
	enum engine_result r;

	number_key(&key, name);
	engine_expect(b, key.data, key.len, NULL, 0);
	buf_put_u32(&v, number);
	engine_expect(b, n.k, n.len, known ? v.data : NULL, v.len);
	engine_put(b, ENGINE_CORE, key.data, key.len, v.data, v.len);
	buf_reset(&v);
	buf_put_u32(&v, number + 1);
	engine_put(b, ENGINE_CORE, n.k, n.len, v.data, v.len);
	r = engine_commit_one(db, b);
	engine_batch_clear(b);
	buf_clear(&key);
	buf_clear(&v);
	return r;
}

enum engine_result
index_number_make(struct engine_db *db, uint64_t epoch, const char *name,
    uint32_t *number_r)
{
	struct engine_batch b = { .account = 0, .epoch = epoch };
	struct index_key n = index_account_key(0, 'n');
	enum engine_result r = index_number(db, name, number_r);
	uint32_t number = 1;

	if (r != ENGINE_ABSENT)
		return r;
	r = get_u32(db, n.k, n.len, &number);
	if (r != ENGINE_DONE && r != ENGINE_ABSENT)
		return r;
	*number_r = number;
	return number_take(db, &b, name, number, r == ENGINE_DONE);
}
