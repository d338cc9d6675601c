#include <string.h>

#include "lib/mail/door_impl.h"
#include "lib/mail/follow.h"

static int
about_messages(unsigned type)
{
	return type >= FOLLOW_ADDED && type <= FOLLOW_MOVED;
}

void
follow_pack(struct buf *out, const struct follow_event *e)
{
	buf_put_u8(out, (uint8_t)e->type);
	buf_put_u32(out, e->mailbox);
	buf_put_u32(out, e->to);
	if (about_messages(e->type)) {
		buf_put_u8(out, FOLLOW_ITEM);
		buf_append(out, e->items, e->n * FOLLOW_ITEM);
	} else {
		buf_put_u32(out, e->attrs);
		buf_put_lv(out, e->name, e->name_len);
	}
}

void
follow_pack_item(struct buf *out, const struct follow_item *i)
{
	buf_put_u32(out, i->uid);
	buf_put_u32(out, i->to_uid);
	buf_put_u32(out, i->flags);
	buf_put_u32(out, i->old_flags);
	buf_put_u64(out, i->keywords);
	buf_put_u64(out, i->old_keywords);
}

int
follow_unpack(const char *p, size_t len, struct follow_event *e)
{
	struct cursor c;

	memset(e, 0, sizeof(*e));
	cursor_init(&c, p, len);
	e->type = cursor_u8(&c);
	e->mailbox = cursor_u32(&c);
	e->to = cursor_u32(&c);
	if (c.bad)
		return -1;
	if (about_messages(e->type)) {
		e->item_len = cursor_u8(&c);
		if (c.bad || e->item_len < FOLLOW_ITEM)
			return -1;
		e->items = p + (len - cursor_left(&c));
		e->n = cursor_left(&c) / e->item_len;
		return cursor_left(&c) % e->item_len == 0 &&
		    e->n <= FOLLOW_ITEMS_MAX ? 0 : -1;
	}
	if (e->type == 0 || e->type > FOLLOW_DELETED)
		return 0;
	e->attrs = cursor_u32(&c);
	e->name = cursor_lv(&c, &e->name_len, DOOR_NAME_MAX);
	return c.bad ? -1 : 0;
}

void
follow_item(const struct follow_event *e, size_t i, struct follow_item *r)
{
	struct cursor c;

	cursor_init(&c, e->items + i * e->item_len, FOLLOW_ITEM);
	r->uid = cursor_u32(&c);
	r->to_uid = cursor_u32(&c);
	r->flags = cursor_u32(&c);
	r->old_flags = cursor_u32(&c);
	r->keywords = cursor_u64(&c);
	r->old_keywords = cursor_u64(&c);
}

int
follow_ask(struct door *d, uint32_t mailbox, uint64_t since,
    struct follow_answer *a_r)
{
	const char *p;
	struct msg m;
	size_t len;

	memset(a_r, 0, sizeof(*a_r));
	door_begin(d, DM_FOLLOW);
	msg_u32(&d->chan, DF_MAILBOX, mailbox);
	msg_u64(&d->chan, DF_MODSEQ, since);
	if (door_call(d, DM_FOLLOWED, &m) == -1)
		return -1;
	p = msg_get(&m, DF_RECORDS, &len);
	buf_append(&a_r->packed, p, len);
	a_r->token = msg_get_u64(&m, DF_MODSEQ);
	a_r->anew = !msg_get_u32(&m, DF_ON);
	a_r->more = msg_get_u32(&m, DF_MORE) != 0;
	msg_done(&m);
	return 0;
}

void
follow_answer_clear(struct follow_answer *a)
{
	buf_clear(&a->packed);
}

int
follow_next(struct cursor *c, struct follow_event *e)
{
	const char *p;
	uint64_t token;
	size_t len;

	if (cursor_left(c) == 0)
		return 0;
	token = cursor_u64(c);
	p = cursor_lv(c, &len, FOLLOW_ANSWER_MAX);
	if (c->bad || follow_unpack(p, len, e) == -1)
		return -1;
	e->token = token;
	return 1;
}

int
follow_news(struct door *d, struct buf *owner_r)
{
	const uint32_t *list;
	struct cursor c;
	const char *p;
	size_t n, len;
	int changed;

	if (d->news.len == 0 && door_events(d, &list, &n, &changed) == -1)
		return -1;
	if (d->news.len == 0)
		return 0;
	cursor_init(&c, d->news.data, d->news.len);
	p = cursor_lv(&c, &len, d->news.len);
	buf_reset(owner_r);
	buf_append(owner_r, p, len);
	buf_consume(&d->news, d->news.len - cursor_left(&c));
	return 1;
}
