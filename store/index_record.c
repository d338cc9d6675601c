/* Records of messages and rows of mailboxes: how they are packed, and read. */
#include "config.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "store/index.h"

/* The years 1900 to 9999, as lib/mail/date.h has them. */
static const int64_t DATE_FIRST = -2208988800, DATE_LAST = 253402300799;

enum {
	HAS_KEYWORDS = 0x80,	/* beside the flags of a message */
	HAS_ID = 0x40,
	IS_ORDERED = 0x20,
	SCAN_IF_DENSER = 8,
	RECORD = 64 + RECORD_REST,	/* room for the value of one */
	MARK_SHIFT = 40,		/* of a mark in the size */
};

static const uint64_t SIZE_OF_ONE = ((uint64_t)1 << 56) - 1;

static const unsigned char no_id[RECORD_ID];

void
index_sane(struct door_record *d)
{
	if (d->header_len > d->size)
		d->header_len = (uint32_t)d->size;
	if (d->date < DATE_FIRST || d->date > DATE_LAST)
		d->date = clock_now();
	if ((d->flags & MARK_ALL) == MARK_ALL)
		d->flags &= ~(uint32_t)MARK_ALL;
}

int
index_has_id(const struct record *r)
{
	return memcmp(r->id, no_id, sizeof(no_id)) != 0;
}

static void
put_record(struct engine_batch *b, const struct index_key *k,
    const struct record *r)
{
	const struct door_record *d = &r->d;
	int has_id = index_has_id(r);
	unsigned char rest[RECORD_REST];
	char space[RECORD];
	struct buf v = { .data = space, .cap = sizeof(space),
		.max = sizeof(space) - 1 };

	buf_put_u8(&v, (uint8_t)((d->flags & FLAG_ALL) |
	    (d->keywords != 0 ? HAS_KEYWORDS : 0) | (has_id ? HAS_ID : 0) |
	    (r->ordered ? IS_ORDERED : 0)));
	buf_put_u64(&v, d->modseq);
	buf_put_u64(&v, (uint64_t)d->date);
	buf_put_u64(&v, (d->size & SIZE_OF_ONE) |
	    (uint64_t)(d->flags & MARK_ALL) << MARK_SHIFT);
	buf_put_u32(&v, d->header_len);
	buf_put_u32(&v, d->save_date);
	if (d->keywords != 0)
		buf_put_u64(&v, d->keywords);
	if (has_id)
		buf_append(&v, r->id, sizeof(r->id));
	buf_append(&v, rest, record_put_rest(r, rest));
	engine_put(b, ENGINE_CORE, k->k, k->len, v.data, v.len);
}

void
index_put_record(struct engine_batch *b, uint32_t mailbox,
    const struct record *r)
{
	struct index_key k = index_message(b->account, mailbox, r->d.uid);

	put_record(b, &k, r);
}

void
index_put_expunged(struct engine_batch *b, uint32_t mailbox,
    const struct record *r, uint32_t when)
{
	struct index_key k = index_expunged(b->account, when, mailbox,
	    r->d.uid);

	put_record(b, &k, r);
}

int
index_get_record(const void *key, size_t klen, const void *value, size_t vlen,
    struct record *r)
{
	struct door_record *d = &r->d;
	const void *id;
	struct cursor c;
	size_t left;
	uint64_t size;
	uint8_t flags;

	memset(r, 0, sizeof(*r));
	d->uid = index_tail_u32(key, klen);
	cursor_init(&c, value, vlen);
	flags = cursor_u8(&c);
	d->flags = flags & FLAG_ALL;
	r->ordered = (flags & IS_ORDERED) != 0;
	d->modseq = cursor_u64(&c);
	d->date = (int64_t)cursor_u64(&c);
	size = cursor_u64(&c);
	d->size = size & SIZE_OF_ONE;
	d->flags |= (uint32_t)(size >> MARK_SHIFT) & MARK_ALL;
	d->header_len = cursor_u32(&c);
	d->save_date = cursor_u32(&c);
	if (flags & HAS_KEYWORDS)
		d->keywords = cursor_u64(&c);
	if (flags & HAS_ID && (id = cursor_take(&c, RECORD_ID)) != NULL)
		memcpy(r->id, id, RECORD_ID);
	left = cursor_left(&c);
	return c.bad || record_take_rest(r, cursor_take(&c, left), left) == -1 ?
	    -1 : 0;
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
	buf_put_u32(out, row->gone_size);
	buf_put_u32(out, row->flags_lines);
	buf_put_u64(out, row->order_floor);
	buf_append(out, row->more, row->more_len);
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

/* Version 1 had the number of rows in place of the size, and no order. */
static void
row_of_version_1(struct index_row *row)
{
	row->gone_size = row->gone_size < UINT32_MAX / INDEX_GONE_ROW ?
	    row->gone_size * INDEX_GONE_ROW : UINT32_MAX;
	row->order_floor = row->modseq;
}

int
index_get_row(const void *value, size_t len, struct index_row *row)
{
	struct cursor c;
	const void *more;
	uint8_t version;

	cursor_init(&c, value, len);
	version = cursor_u8(&c);
	if (version < 1 || version > INDEX_VERSION)
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
	row->gone_size = cursor_u32(&c);
	row->flags_lines = cursor_u32(&c);
	row->more_len = 0;
	if (version == 1)
		row_of_version_1(row);
	else
		row->order_floor = cursor_u64(&c);
	if (c.bad || cursor_left(&c) > INDEX_ROW_MORE)
		return -1;
	row->more_len = (unsigned)cursor_left(&c);
	if ((more = cursor_take(&c, row->more_len)) != NULL)
		memcpy(row->more, more, row->more_len);
	return 0;
}

struct picking {
	const uint32_t *uids;	/* NULL: all */
	size_t	 n, at;
	int	(*each)(void *, const struct record *);
	void	*arg;
};

static int
pick(void *arg, const void *key, size_t klen, const void *value, size_t vlen)
{
	struct picking *p = arg;
	struct record r;

	if (index_get_record(key, klen, value, vlen, &r) == -1) {
		log_warn("index: a broken record of uid %u is left out",
		    r.d.uid);
		return 0;
	}
	if (p->uids != NULL) {
		while (p->at < p->n && p->uids[p->at] < r.d.uid)
			p->at++;
		if (p->at == p->n || p->uids[p->at] != r.d.uid)
			return 0;
	}
	return p->each(p->arg, &r);
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
    int (*each)(void *, const struct record *), void *arg)
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
    int (*each)(void *, const struct record *), void *arg)
{
	struct picking p = { NULL, 0, 0, each, arg };

	return pick_range(db, account, mailbox, from, to, &p);
}
