#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_mailbox.h"
#include "store/age.h"

enum {
	DIRTY_MAX = 65536,	/* uids kept; past it they are looked for */
	GONE_MAX = 1 << 20,	/* octets of an expunge log */
	GONE_FEWER = GONE_MAX - GONE_MAX / 8, /* where it was more */
	GONE_KEEP = 90 * 86400,	/* seconds that it reaches back */
	GONE_TRIM = 64,		/* rows that go at once */
	GONE_LOOK = 3600 * 1000,	/* ms between two looks at its age */
};

/*
 * A change that is committed but not durable is hidden, and its modseq lies
 * below that of a later one that is shown. What is told as the state stays
 * below all that is hidden, so that it is told later.
 */
uint64_t
mailbox_modseq(const struct mailbox *m)
{
	return m->unpublished > 0 ? m->hold - 1 : m->row.modseq;
}

void
mailbox_status(const struct mailbox *m, struct door_mailbox *r)
{
	memset(r, 0, sizeof(*r));
	r->id = m->id;
	r->uidvalidity = m->uidvalidity;
	r->uidnext = m->seen.uidnext;
	r->attrs = m->attrs;
	r->messages = m->seen.messages;
	r->unseen = m->seen.unseen;
	r->deleted = m->seen.deleted;
	r->recent = m->seen.recent;
	r->size = m->seen.size;
	r->highestmodseq = mailbox_modseq(m);
	static_assert(sizeof(r->oid) == sizeof(m->oid), "one kind of ids");
	memcpy(r->oid, m->oid, sizeof(r->oid));
}

void
mailbox_count(struct index_row *row, const struct door_record *r, int sign)
{
	uint32_t one = (uint32_t)sign;

	row->messages += one;
	if (!(r->flags & FLAG_SEEN))
		row->unseen += one;
	if (r->flags & FLAG_DELETED)
		row->deleted += one;
	if (r->uid >= row->recent_low)
		row->recent += one;
	if (sign > 0)
		row->size += r->size;
	else
		row->size -= r->size;
}

void
mailbox_commit_begin(struct mailbox *m, uint64_t first)
{
	if (m->unpublished++ == 0)
		m->hold = first;
}

void
mailbox_commit_seen(struct mailbox *m, uint64_t last)
{
	m->unpublished--;
	m->hold = last + 1;
	if (m->n_watchers > 0) {
		shard_touched(m);
		m->touched |= TOUCHED_DURABLE;
	}
}

struct trimming {
	struct mailbox *m;
	uint32_t before;	/* older ones go */
	uint32_t size;		/* as do the oldest while it is larger */
};

/* When the row was written; 0 where version 1 did not say. */
static uint32_t
gone_when(const void *value, size_t vlen)
{
	struct cursor c;

	if (vlen % 4 == 0)
		return 0;
	cursor_init(&c, value, vlen);
	(void)cursor_u8(&c);
	return cursor_u32(&c);
}

/* The oldest rows go, and the floor rises. */
static int
trim_one(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct trimming *t = arg;
	struct index_row *row = &t->m->row;
	uint32_t size = (uint32_t)vlen + INDEX_GONE_ROW;
	uint32_t when = gone_when(value, vlen);

	if (row->gone_size <= t->size && (when == 0 || when >= t->before))
		return 1;
	engine_del(account_batch(t->m->account), ENGINE_CORE, key, klen);
	row->gone_floor = index_tail_u64(key, klen);
	row->gone_size -= size < row->gone_size ? size : row->gone_size;
	return 0;
}

/* Keeps the expunge log short, and young: looked at once an hour. */
static void
trim_gone(struct mailbox *m)
{
	uint32_t n = m->account->number;
	struct index_key from = index_gone(n, m->id, m->row.gone_floor + 1);
	struct index_key to = index_gone(n, m->id, UINT64_MAX);
	struct trimming t = { m, age_second(GONE_KEEP),
		m->row.gone_size > GONE_MAX ? GONE_FEWER : GONE_MAX };
	struct engine_scan s;

	if (m->row.gone_size <= GONE_MAX && m->gone_looked != 0 &&
	    clock_mono_ms() - m->gone_looked < GONE_LOOK)
		return;
	m->gone_looked = clock_mono_ms();
	index_scan(&s, ENGINE_CORE, &from, &to);
	s.max = GONE_TRIM;
	/* What could not be read stays until the next time. */
	(void)!engine_scan(m->account->db, &s, trim_one, &t);
}

void
mailbox_log_gone(struct mailbox *m, uint64_t modseq, const uint32_t *uids,
    size_t n)
{
	struct index_key k = index_gone(m->account->number, m->id, modseq);
	struct buf v = BUF_INIT(0);
	size_t i;

	buf_put_u8(&v, 2);
	buf_put_u32(&v, (uint32_t)clock_now());
	for (i = 0; i < n; i++)
		buf_put_u32(&v, uids[i]);
	engine_put(account_batch(m->account), ENGINE_CORE, k.k, k.len,
	    buf_str(&v), v.len);
	m->row.gone_size += (uint32_t)v.len + INDEX_GONE_ROW;
	buf_clear(&v);
	trim_gone(m);
}

void
mailbox_dirty(struct mailbox *m, uint32_t uid)
{
	shard_flags(m);
	if (m->dirty_all)
		return;
	if (m->n_dirty == m->cap_dirty) {
		if (m->n_dirty >= DIRTY_MAX) {
			m->dirty_all = 1;
			m->n_dirty = 0;
			return;
		}
		m->cap_dirty = m->cap_dirty * 2 + 16;
		m->dirty = mem_realloc(m->dirty, m->cap_dirty,
		    sizeof(*m->dirty));
	}
	m->dirty[m->n_dirty++] = uid;
}
