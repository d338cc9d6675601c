#include "config.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "store/index.h"

/* The years 1900 to 9999, as lib/mail/date.h has them. */
static const int64_t DATE_FIRST = -2208988800, DATE_LAST = 253402300799;

enum {
	HAS_KEYWORDS = 0x80,
	SCAN_IF_DENSER = 8,
	DELETE_PIECE = 4096,	/* rows of one commit */
};

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
index_sane(struct door_record *d)
{
	if (d->header_len > d->size)
		d->header_len = (uint32_t)d->size;
	if (d->date < DATE_FIRST || d->date > DATE_LAST)
		d->date = clock_now();
}

void
index_put_record(struct engine_batch *b, uint32_t mailbox,
    const struct door_record *r)
{
	struct index_key k = index_message(b->account, mailbox, r->uid);
	char space[64];
	struct buf v = { .data = space, .cap = sizeof(space),
		.max = sizeof(space) - 1 };

	buf_put_u8(&v, (uint8_t)((r->flags & FLAG_ALL) |
	    (r->keywords != 0 ? HAS_KEYWORDS : 0)));
	buf_put_u64(&v, r->modseq);
	buf_put_u64(&v, (uint64_t)r->date);
	buf_put_u64(&v, r->size);
	buf_put_u32(&v, r->header_len);
	buf_put_u32(&v, r->save_date);
	if (r->keywords != 0)
		buf_put_u64(&v, r->keywords);
	engine_put(b, ENGINE_CORE, k.k, k.len, v.data, v.len);
}

/* The uid comes from the key. 0, or -1 where the value is broken. */
static int
index_get_record(const void *key, size_t klen, const void *value, size_t vlen,
    struct door_record *r)
{
	struct cursor c;
	uint8_t flags;

	memset(r, 0, sizeof(*r));
	r->uid = index_tail_u32(key, klen);
	cursor_init(&c, value, vlen);
	flags = cursor_u8(&c);
	r->flags = flags & FLAG_ALL;
	r->modseq = cursor_u64(&c);
	r->date = (int64_t)cursor_u64(&c);
	r->size = cursor_u64(&c);
	r->header_len = cursor_u32(&c);
	r->save_date = cursor_u32(&c);
	if (flags & HAS_KEYWORDS)
		r->keywords = cursor_u64(&c);
	return c.bad || cursor_left(&c) > 0 ? -1 : 0;
}

void
index_pack_row(struct buf *out, const struct index_row *row)
{
	const uint32_t v[6] = { row->uidnext, row->messages, row->unseen,
		row->deleted, row->recent, row->recent_low };
	size_t i;

	buf_put_u8(out, INDEX_VERSION);
	for (i = 0; i < 6; i++)
		buf_put_u32(out, v[i]);
	buf_put_u64(out, row->size);
	buf_put_u64(out, row->modseq);
	buf_put_u64(out, row->flags_modseq);
	buf_put_u64(out, row->gone_floor);
	buf_put_u32(out, row->gone_rows);
	buf_put_u32(out, row->flags_lines);
}

void
index_put_row(struct engine_batch *b, uint32_t mailbox,
    const struct index_row *row)
{
	struct index_key k = index_key_u32(b->account, 'M', mailbox);
	char space[INDEX_ROW];
	struct buf out = { .data = space, .cap = sizeof(space),
		.max = sizeof(space) - 1 };

	index_pack_row(&out, row);
	engine_put(b, ENGINE_CORE, k.k, k.len, out.data, out.len);
}

int
index_get_row(const void *value, size_t len, struct index_row *row)
{
	struct cursor c;

	cursor_init(&c, value, len);
	if (cursor_u8(&c) != INDEX_VERSION)
		return -1;
	row->uidnext = cursor_u32(&c);
	row->messages = cursor_u32(&c);
	row->unseen = cursor_u32(&c);
	row->deleted = cursor_u32(&c);
	row->recent = cursor_u32(&c);
	row->recent_low = cursor_u32(&c);
	row->size = cursor_u64(&c);
	row->modseq = cursor_u64(&c);
	row->flags_modseq = cursor_u64(&c);
	row->gone_floor = cursor_u64(&c);
	row->gone_rows = cursor_u32(&c);
	row->flags_lines = cursor_u32(&c);
	return c.bad ? -1 : 0;
}

struct picking {
	const uint32_t *uids;	/* NULL: all */
	size_t	 n, at;
	int	(*each)(void *, const struct door_record *);
	void	*arg;
};

static int
pick(void *arg, const void *key, size_t klen, const void *value, size_t vlen)
{
	struct picking *p = arg;
	struct door_record r;

	if (index_get_record(key, klen, value, vlen, &r) == -1) {
		log_warn("index: a broken record of uid %u is left out", r.uid);
		return 0;
	}
	if (p->uids != NULL) {
		while (p->at < p->n && p->uids[p->at] < r.uid)
			p->at++;
		if (p->at == p->n || p->uids[p->at] != r.uid)
			return 0;
	}
	return p->each(p->arg, &r);
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

static enum engine_result
pick_range(struct engine_db *db, uint32_t account, uint32_t mailbox,
    uint32_t from, uint32_t to, struct picking *p)
{
	struct index_key a = index_message(account, mailbox, from), z;
	struct engine_scan s;

	if (to == UINT32_MAX) {
		z = index_group(account, mailbox);
		z.k[z.len++] = 'm' + 1;
	} else
		z = index_message(account, mailbox, to + 1);
	index_scan(&s, ENGINE_CORE, &a, &z);
	return engine_scan(db, &s, pick, p);
}

/*
 * uids that lie close together are read with one scan in bulk, others one by
 * one.
 */
enum engine_result
index_records(struct engine_db *db, uint32_t account, uint32_t mailbox,
    const uint32_t *uids, size_t n,
    int (*each)(void *, const struct door_record *), void *arg)
{
	struct picking p = { uids, n, 0, each, arg };
	enum engine_result r = ENGINE_DONE;
	struct buf v = BUF_INIT(0);
	struct index_key k;
	size_t i;

	if (n == 0)
		return ENGINE_DONE;
	if (n > 4 && uids[n - 1] - uids[0] < n * SCAN_IF_DENSER)
		return pick_range(db, account, mailbox, uids[0], uids[n - 1],
		    &p);
	for (i = 0; i < n; i++) {
		k = index_message(account, mailbox, uids[i]);
		buf_reset(&v);
		p.at = i;
		r = engine_get(db, ENGINE_CORE, k.k, k.len, &v);
		if (r == ENGINE_DONE &&
		    pick(&p, k.k, k.len, v.data, v.len) != 0)
			r = ENGINE_MORE;
		if (r == ENGINE_ABSENT)
			r = ENGINE_DONE;
		if (r != ENGINE_DONE)
			break;
	}
	buf_clear(&v);
	return r;
}

enum engine_result
index_range(struct engine_db *db, uint32_t account, uint32_t mailbox,
    uint32_t from, uint32_t to,
    int (*each)(void *, const struct door_record *), void *arg)
{
	struct picking p = { NULL, 0, 0, each, arg };

	return pick_range(db, account, mailbox, from, to, &p);
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

enum engine_result
index_delete(struct engine_db *db, struct engine_batch *b,
    enum engine_table t, const struct index_key *from,
    const struct index_key *to)
{
	struct deleting d = { b, t };
	enum engine_result r, done;
	struct engine_scan s;

	index_scan(&s, t, from, to);
	s.max = DELETE_PIECE;
	do {
		r = engine_scan(db, &s, delete_one, &d);
		done = b->n == 0 ? ENGINE_DONE : engine_commit_one(db, b);
	} while (r == ENGINE_MORE && done == ENGINE_DONE);
	return r == ENGINE_DONE ? done : r;
}

enum engine_result
index_delete_mailbox(struct engine_db *db, struct engine_batch *b,
    uint32_t mailbox)
{
	struct index_key from = index_group(b->account, mailbox);
	struct index_key to = index_group(b->account, mailbox + 1);
	struct index_key row = index_key_u32(b->account, 'M', mailbox);
	struct index_key words = index_key_u32(b->account, 'K', mailbox);
	enum engine_result r;

	if ((r = index_delete(db, b, ENGINE_CORE, &from, &to)) != ENGINE_DONE ||
	    (r = index_delete(db, b, ENGINE_CACHE, &from, &to)) != ENGINE_DONE)
		return r;
	engine_del(b, ENGINE_CORE, row.k, row.len);
	engine_del(b, ENGINE_CORE, words.k, words.len);
	return engine_commit_one(db, b);
}

enum engine_result
index_delete_account(struct engine_db *db, struct engine_batch *b)
{
	struct index_key from = index_group(b->account, 0);
	struct index_key notes = index_account_key(b->account, 'R');
	struct index_key behind = index_account_key(b->account, 'R' + 1);
	struct index_key to = index_group(b->account + 1, 0);
	enum engine_result r;

	if ((r = index_delete(db, b, ENGINE_CORE, &from, &notes)) !=
	    ENGINE_DONE || (r = index_delete(db, b, ENGINE_CORE, &behind,
	    &to)) != ENGINE_DONE)
		return r;
	return index_delete(db, b, ENGINE_CACHE, &from, &to);
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
