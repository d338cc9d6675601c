#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_follow.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"

static struct index_key
order_of(const struct mailbox *m, uint64_t modseq, uint32_t uid)
{
	return index_order(m->account->number, m->id, modseq, uid);
}

static void
put_u64(unsigned char *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

void
mailbox_put_new(struct mailbox *m, const struct door_record *d,
    const struct keyword_set *keywords)
{
	mailbox_put_id(m, d, keywords, NULL);
}

void
mailbox_put_id(struct mailbox *m, const struct door_record *d,
    const struct keyword_set *keywords, const unsigned char *id)
{
	unsigned char space[KEYWORD_PACKED];
	struct record r = { .d = *d };

	if (id != NULL)
		memcpy(r.id, id, sizeof(r.id));
	record_set_keywords(&r, keywords, space);
	message_id(m->account, m->id, &r);
	mailbox_put(m, &r);
}

void
mailbox_add(struct mailbox *m, struct door_record *rec,
    const struct keyword_set *keywords, const unsigned char *id)
{
	rec->modseq = m->row.modseq = shard_modseq(m->account->shard);
	mailbox_put_id(m, rec, keywords, id);
	follow_added(m, rec);
	mailbox_count(&m->row, rec, 1);
	if (m->row.uidnext <= rec->uid)
		m->row.uidnext = rec->uid + 1;
	mailbox_dirty(m, rec->uid);
}

void
mailbox_added(struct mailbox *m, const struct door_record *rec)
{
	mailbox_count(&m->seen, rec, 1);
	if (m->seen.uidnext <= rec->uid)
		m->seen.uidnext = rec->uid + 1;
}

void
mailbox_put(struct mailbox *m, const struct record *r)
{
	index_put_record(account_batch(m->account), m->id, r);
}

void
mailbox_put_again(struct mailbox *m, struct record *r, uint64_t was)
{
	struct engine_batch *b = account_batch(m->account);
	struct index_key k = order_of(m, was, r->d.uid);

	if (r->ordered)
		engine_del(b, ENGINE_CORE, k.k, k.len);
	k = order_of(m, r->d.modseq, r->d.uid);
	engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
	r->ordered = 1;
	mailbox_put(m, r);
}

void
mailbox_del(struct mailbox *m, const struct record *r)
{
	struct engine_batch *b = account_batch(m->account);
	struct index_key k = index_message(m->account->number, m->id,
	    r->d.uid);

	if (r->d.keywords != 0 || r->wide_len > 0)
		m->keywords_full = 0;
	engine_del(b, ENGINE_CORE, k.k, k.len);
	engine_del(b, ENGINE_CACHE, k.k, k.len);
	k = order_of(m, r->d.modseq, r->d.uid);
	if (r->ordered)
		engine_del(b, ENGINE_CORE, k.k, k.len);
}

/* Ids of mailboxes and uids are used once in an account. */
void
message_id(const struct account *a, uint32_t mailbox, struct record *r)
{
	if (index_has_id(r))
		return;
	memcpy(r->id, a->id, 8);
	put_u64(r->id + 8, (uint64_t)mailbox << 32 | r->d.uid);
}

void
message_keep(struct record *r)
{
	unsigned char *own = NULL;

	if (r->more_len + r->wide_len > 0) {
		own = mem_alloc(r->more_len + r->wide_len);
		if (r->more_len > 0)
			memcpy(own, r->more, r->more_len);
		if (r->wide_len > 0)
			memcpy(own + r->more_len, r->wide, r->wide_len);
		r->wide = own + r->more_len;
	}
	r->more = own;
}

void
message_keep_keywords(struct record *r, const struct keyword_set *s)
{
	unsigned char space[KEYWORD_PACKED];
	unsigned char *old = (unsigned char *)(uintptr_t)r->more;

	record_set_keywords(r, s, space);
	message_keep(r);
	free(old);
}

void
messages_free(struct record *list, size_t n)
{
	size_t i;

	for (i = 0; list != NULL && i < n; i++)
		free((void *)(uintptr_t)list[i].more);
	free(list);
}
