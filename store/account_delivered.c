/*
 * What was delivered: the queue id stays in the index (rows 'Q') for as long as
 * a queue may repeat a delivery (queue_lifetime), so that a repeat is answered and adds nothing.
 * An id greater than every one seen needs no look-up, for queue's ids rise.
 *
 * A row is of one mailbox, for a filter may want a message in several. That of
 * INBOX names none: INBOX may get another id (RENAME) between the two.
 */
#include "config.h"

#include "store/account.h"
#include "store/account_delivered.h"
#include "store/age.h"

enum {
	KEEP_MORE = 5 * 86400,	/* seconds past queue_lifetime: its last attempt
				   may take long, and it may have been less
				   when the message came */
	FORGET_MAX = 8,		/* old ones forgotten by one delivery */
};

enum engine_result
delivered_adopt(struct account *a)
{
	struct index_key from = index_account_key(a->number, 'Q');
	struct index_key to = index_account_key(a->number, 'Q' + 1);
	struct buf k = BUF_INIT(0);
	enum engine_result r;

	a->max_queue_id = 0;
	r = engine_last(a->db, ENGINE_CORE, from.k, from.len, to.k, to.len,
	    &k);
	if (r == ENGINE_DONE)
		a->max_queue_id = index_delivered_id(k.data, k.len);
	a->min_queue_id = a->max_queue_id == 0 ? 0 : 1;
	buf_clear(&k);
	return r == ENGINE_ABSENT ? ENGINE_DONE : r;
}

struct forgetting {
	struct engine_batch *b;
	uint64_t before, first;
	unsigned n;
};

static int
forget_one(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct forgetting *f = arg;

	f->first = index_delivered_id(key, klen);
	if (f->first >= f->before || f->n == FORGET_MAX)
		return 1;
	engine_del(f->b, ENGINE_CORE, key, klen);
	f->n++;
	return 0;
}

/* Ids are times in microseconds, so the oldest come first. */
static void
forget_old(struct account *a, struct engine_batch *b)
{
	struct forgetting f = { b, (uint64_t)age_cutoff(
	    store.conf.queue_lifetime + KEEP_MORE) * 1000000, 0, 0 };
	struct engine_scan s;

	if (a->min_queue_id >= f.before)
		return;
	index_scan_kind(&s, a->number, 'Q');
	if (engine_scan(a->db, &s, forget_one, &f) <= ENGINE_MORE)
		a->min_queue_id = f.first;
}

static struct index_key
row_of(const struct mailbox *m, uint64_t queue_id)
{
	return index_delivered(m->account->number, queue_id,
	    m == m->account->inbox ? 0 : m->id);
}

enum engine_result
delivered_before(struct mailbox *m, uint64_t queue_id)
{
	struct account *a = m->account;
	struct index_key k = row_of(m, queue_id);
	struct buf v = BUF_INIT(0);
	enum engine_result r;

	if (queue_id > a->max_queue_id) {
		a->max_queue_id = queue_id;
		return ENGINE_ABSENT;
	}
	r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	buf_clear(&v);
	return r;
}

void
delivered_note(struct mailbox *m, struct engine_batch *b, uint64_t queue_id)
{
	struct account *a = m->account;
	struct index_key k = row_of(m, queue_id);

	engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
	if (a->min_queue_id == 0)
		a->min_queue_id = queue_id;
	forget_old(a, b);
}
