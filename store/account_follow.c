/*
 * The log of what happened in an account (lib/mail/follow.h), for those who
 * follow it. It is begun when somebody first asks, and is written with the
 * change itself, so it tells all and nothing else. Of flags only this moment
 * knows the old ones.
 *
 * Rows 'F' are its events, under numbers that grow as modseq does; row 'f' says
 * that there is a log, from which number on it is whole, how large it is, and
 * of which list of mailboxes it tells.
 * The oldest go when it gets too large. A rebuild ends it.
 */
#include "config.h"

#include <string.h>

#include "lib/base/crc32c.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_follow.h"
#include "store/door_news.h"

enum {
	LOG_MAX = 1 << 20,	/* octets of it, about */
	LOG_KEEP = LOG_MAX - LOG_MAX / 8, /* where it was more */
	LOG_ROW = 32,		/* what a row takes beside its value, about */
	LOG_TRIM = 64,		/* rows that go at once */
	LOG_VERSION = 1,
};

static void
put_state(struct account *a)
{
	struct index_key k = index_account_key(a->number, 'f');
	struct buf v = BUF_INIT(0);

	buf_put_u8(&v, LOG_VERSION);
	buf_put_u64(&v, a->log.floor);
	buf_put_u32(&v, a->log.size);
	buf_put_u32(&v, a->log.list);
	engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, v.data, v.len);
	buf_clear(&v);
}

/* From here on: what was before is not told any more, and goes. */
static void
begin_anew(struct account *a, uint32_t list)
{
	struct index_key from = index_account_key(a->number, 'F');
	struct index_key to = index_account_key(a->number, 'F' + 1);
	struct engine_batch b = account_own_batch(a);

	if (index_delete(a->db, &b, ENGINE_CORE, &from, &to) == ENGINE_DONE)
		a->log.size = 0;
	engine_batch_clear(&b);
	a->log.on = 1;
	a->log.floor = shard_modseq(a->shard);
	a->log.list = list;
	put_state(a);
}

/*
 * A crash between the file mailboxes and the commit that tells of its change,
 * or a hand in that file: nobody knows what to tell.
 */
enum engine_result
follow_adopt(struct account *a, const char *text, size_t len)
{
	struct index_key k = index_account_key(a->number, 'f');
	struct buf v = BUF_INIT(0);
	enum engine_result r;
	struct cursor c;

	memset(&a->log, 0, sizeof(a->log));
	r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	if (r == ENGINE_DONE) {
		cursor_init(&c, v.data, v.len);
		a->log.on = cursor_u8(&c) == LOG_VERSION;
		a->log.floor = cursor_u64(&c);
		a->log.size = cursor_u32(&c);
		a->log.list = cursor_u32(&c);
		a->log.on &= !c.bad;
	}
	if (a->log.on && a->log.list != crc32c(0, text, len))
		begin_anew(a, crc32c(0, text, len));
	buf_clear(&v);
	return r == ENGINE_ABSENT ? ENGINE_DONE : r;
}

static void
follow_start(struct account *a)
{
	struct buf text = BUF_INIT(0);

	account_format(a, &text);
	begin_anew(a, crc32c(0, text.data, text.len));
	buf_clear(&text);
}

void
follow_listed(struct account *a, const char *text, size_t len)
{
	if (!a->log.on)
		return;
	a->log.list = crc32c(0, text, len);
	put_state(a);
}

static int
trim_one(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct account *a = arg;
	uint32_t size = (uint32_t)vlen + LOG_ROW;

	if (a->log.size <= LOG_KEEP)
		return 1;
	engine_del(account_batch(a), ENGINE_CORE, key, klen);
	a->log.floor = index_tail_u64(key, klen);
	a->log.size -= size < a->log.size ? size : a->log.size;
	return 0;
}

static void
trim(struct account *a)
{
	struct index_key from = index_key_u64(a->number, 'F',
	    a->log.floor + 1);
	struct index_key to = index_account_key(a->number, 'F' + 1);
	struct engine_scan s;

	index_scan(&s, ENGINE_CORE, &from, &to);
	s.max = LOG_TRIM;
	/* What could not be read stays until the next time. */
	(void)!engine_scan(a->db, &s, trim_one, a);
}

static void
put_event(struct account *a, const struct follow_event *e)
{
	struct index_key k = index_key_u64(a->number, 'F',
	    shard_modseq(a->shard));
	struct buf v = BUF_INIT(0);

	follow_pack(&v, e);
	engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, v.data, v.len);
	a->log.size += (uint32_t)v.len + LOG_ROW;
	buf_clear(&v);
	if (a->log.size > LOG_MAX)
		trim(a);
	put_state(a);
	news_tell(a);
}

static void
put_items(struct follow_log *f)
{
	struct follow_event e = { .type = f->type, .mailbox = f->m->id,
		.to = f->to, .items = f->items.data,
		.n = f->items.len / FOLLOW_ITEM };

	if (e.n > 0)
		put_event(f->m->account, &e);
	buf_reset(&f->items);
}

void
follow_add(struct follow_log *f, const struct follow_item *i)
{
	struct follow_item told = *i;

	if (!f->m->account->log.on)
		return;
	told.flags &= FLAG_ALL;
	told.old_flags &= FLAG_ALL;
	follow_pack_item(&f->items, &told);
	if (f->items.len == FOLLOW_ITEMS_MAX * FOLLOW_ITEM)
		put_items(f);
}

void
follow_record(struct follow_log *f, const struct door_record *d)
{
	struct follow_item i = { .uid = d->uid, .flags = d->flags,
		.keywords = d->keywords };

	follow_add(f, &i);
}

void
follow_end(struct follow_log *f)
{
	put_items(f);
	buf_clear(&f->items);
}

void
follow_added(struct mailbox *m, const struct door_record *d)
{
	struct follow_log f = { .m = m, .type = FOLLOW_ADDED };

	if (!m->account->log.on)
		return;
	follow_record(&f, d);
	follow_end(&f);
}

void
follow_list(struct account *a, enum follow_type type, uint32_t mailbox,
    uint32_t attrs, const char *name)
{
	struct follow_event e = { .type = type, .mailbox = mailbox,
		.attrs = attrs, .name = name, .name_len = strlen(name) };

	if (a->log.on)
		put_event(a, &e);
}

struct reading {
	struct buf *out;
	uint32_t mailbox;
	uint64_t last;
};

static int
read_one(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct reading *r = arg;
	struct follow_event e;

	if (r->out->len + vlen + 12 > FOLLOW_ANSWER_MAX)
		return 1;
	r->last = index_tail_u64(key, klen);
	if (follow_unpack(value, vlen, &e) == -1 || (r->mailbox != 0 &&
	    e.mailbox != r->mailbox && e.to != r->mailbox))
		return 0;
	buf_put_u64(r->out, r->last);
	buf_put_lv(r->out, value, vlen);
	return 0;
}

enum engine_result
follow_read(struct account *a, uint32_t mailbox, uint64_t *token,
    struct buf *out)
{
	struct index_key from = index_key_u64(a->number, 'F', *token + 1);
	struct index_key to = index_account_key(a->number, 'F' + 1);
	struct reading r = { out, mailbox, *token };
	enum engine_result e;
	struct engine_scan s;

	if (!a->log.on || *token < a->log.floor ||
	    *token > shard_modseq(a->shard)) {
		if (!a->log.on)
			follow_start(a);
		*token = shard_modseq(a->shard);
		return ENGINE_ABSENT;
	}
	index_scan(&s, ENGINE_CORE, &from, &to);
	s.max = FOLLOW_ROWS_MAX;
	e = engine_scan(a->db, &s, read_one, &r);
	*token = r.last;
	return e;
}
