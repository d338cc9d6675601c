#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "store/account.h"

enum { DIRTY_MAX = 65536 };	/* uids kept; past it they are looked for */

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

static int
gone_first(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	uint64_t *first = arg;

	*first = index_tail_u64(key, klen);
	return 1;
}

/* Keeps the expunge log short: its oldest row goes, and the floor rises. */
static void
trim_gone(struct mailbox *m, struct engine_batch *b)
{
	uint32_t n = m->account->number;
	struct index_key from = index_gone(n, m->id, m->row.gone_floor + 1);
	struct index_key to = index_gone(n, m->id, UINT64_MAX);
	struct engine_scan s;
	uint64_t first = 0;

	index_scan(&s, ENGINE_CORE, &from, &to);
	if (engine_scan(m->account->db, &s, gone_first, &first) !=
	    ENGINE_MORE || first == 0)
		return;
	from = index_gone(n, m->id, first);
	engine_del(b, ENGINE_CORE, from.k, from.len);
	m->row.gone_floor = first;
	m->row.gone_rows--;
}

void
mailbox_log_gone(struct mailbox *m, struct engine_batch *b, uint64_t modseq,
    const uint32_t *uids, size_t n)
{
	struct index_key k = index_gone(m->account->number, m->id, modseq);
	struct buf v = BUF_INIT(0);
	size_t i;

	for (i = 0; i < n; i++)
		buf_put_u32(&v, uids[i]);
	engine_put(b, ENGINE_CORE, k.k, k.len, buf_str(&v), v.len);
	buf_clear(&v);
	m->row.gone_rows++;
	if (m->row.gone_rows > INDEX_GONE_MAX)
		trim_gone(m, b);
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
