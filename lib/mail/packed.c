#include <assert.h>

#include "lib/base/chan.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/packed.h"

static_assert(RECIPIENTS_MAX * (4 + 1 + 1 + 4 + RESULT_WORDS_MAX) <
    CHAN_FRAME_MAX - 2048, "the results of a job fit a frame");

/* Takes back what was begun where r, of the last part, is -1. */
static int
put_end(struct buf *b, size_t before, int r)
{
	if (r == -1)
		buf_truncate(b, before);
	return r;
}

int
packed_put_recipient(struct buf *b, const struct packed_recipient *r)
{
	size_t before = b->len;

	if (r->len == 0 || r->len > ADDRESS_MAX || r->orcpt_len > ORCPT_MAX ||
	    !str_is_text(r->address, r->len) ||
	    !str_is_text(r->orcpt, r->orcpt_len))
		return -1;
	return put_end(b, before,
	    buf_put_lv(b, r->address, r->len) == 0 &&
	    buf_put_lv(b, r->orcpt, r->orcpt_len) == 0 &&
	    buf_put_u32(b, r->notify) == 0 ? 0 : -1);
}

int
packed_put_target(struct buf *b, const struct packed_target *t)
{
	size_t before = b->len;

	return put_end(b, before,
	    buf_put_u32(b, t->index) == 0 && (t->owner == NULL ||
	    buf_put_lv(b, t->owner, t->owner_len) == 0) &&
	    buf_put_lv(b, t->address, t->len) == 0 ? 0 : -1);
}

int
packed_put_dsn(struct buf *b, const struct packed_dsn *d)
{
	size_t before = b->len;

	return put_end(b, before,
	    buf_put_u32(b, d->index) == 0 &&
	    buf_put_lv(b, d->orcpt, d->len) == 0 &&
	    buf_put_u32(b, d->notify) == 0 ? 0 : -1);
}

int
packed_put_result(struct buf *b, const struct packed_result *r)
{
	size_t before = b->len;
	size_t len = r->len < RESULT_WORDS_MAX ? r->len : RESULT_WORDS_MAX;

	return put_end(b, before,
	    buf_put_u32(b, r->index) == 0 &&
	    buf_put_u8(b, (uint8_t)r->result) == 0 &&
	    buf_put_u8(b, r->passed != 0) == 0 &&
	    buf_put_lv(b, r->words, len) == 0 ? 0 : -1);
}

int
packed_put_origin(struct buf *b, const struct packed_origin *o)
{
	size_t before = b->len;

	return put_end(b, before,
	    buf_put_u32(b, o->row) == 0 && buf_put_u64(b, o->id) == 0 &&
	    buf_put_u64(b, o->time) == 0 && buf_put_u64(b, o->length) == 0 &&
	    buf_put_lv(b, o->account, o->account_len) == 0 &&
	    buf_put_lv(b, o->key, o->key_len) == 0 &&
	    buf_put_lv(b, o->message_id, o->message_id_len) == 0 ? 0 : -1);
}

/* A text of at most max octets; what is not one makes the cursor bad. */
static const char *
text(struct cursor *c, size_t *len_r, size_t max)
{
	const char *p = cursor_lv(c, len_r, max);

	if (c->bad || !str_is_text(p, *len_r)) {
		c->bad = 1;
		*len_r = 0;
		p = "";
	}
	return p;
}

static int
get_end(struct cursor *c, int good)
{
	if (!good)
		c->bad = 1;
	return c->bad ? -1 : 1;
}

int
packed_recipient(struct cursor *c, struct packed_recipient *r)
{
	if (!c->bad && cursor_left(c) == 0)
		return 0;
	r->address = text(c, &r->len, ADDRESS_MAX);
	r->orcpt = text(c, &r->orcpt_len, ORCPT_MAX);
	r->notify = cursor_u32(c);
	return get_end(c, r->len > 0);
}

int
packed_target(struct cursor *c, int with_owner, struct packed_target *t)
{
	if (!c->bad && cursor_left(c) == 0)
		return 0;
	t->owner = NULL;
	t->owner_len = 0;
	t->index = cursor_u32(c);
	if (with_owner)
		t->owner = text(c, &t->owner_len, ADDRESS_MAX);
	t->address = text(c, &t->len, ADDRESS_MAX);
	return get_end(c, t->len > 0 && (!with_owner || t->owner_len > 0));
}

int
packed_dsn(struct cursor *c, struct packed_dsn *d)
{
	if (!c->bad && cursor_left(c) == 0)
		return 0;
	d->index = cursor_u32(c);
	d->orcpt = text(c, &d->len, ORCPT_MAX);
	d->notify = cursor_u32(c);
	return get_end(c, 1);
}

int
packed_result(struct cursor *c, struct packed_result *r)
{
	uint8_t result, passed;

	if (!c->bad && cursor_left(c) == 0)
		return 0;
	r->index = cursor_u32(c);
	result = cursor_u8(c);
	r->result = (enum result)result;
	passed = cursor_u8(c);
	r->passed = passed;
	r->words = cursor_lv(c, &r->len, RESULT_WORDS_MAX);
	return get_end(c, result <= RESULT_NEVER && passed <= 1);
}

int
packed_origin(struct cursor *c, struct packed_origin *o)
{
	if (!c->bad && cursor_left(c) == 0)
		return 0;
	o->row = cursor_u32(c);
	o->id = cursor_u64(c);
	o->time = cursor_u64(c);
	o->length = cursor_u64(c);
	o->account = text(c, &o->account_len, ADDRESS_MAX);
	o->key = text(c, &o->key_len, UIDL_MAX);
	o->message_id = text(c, &o->message_id_len, MESSAGE_ID_MAX);
	return get_end(c, o->row != 0 && o->account_len > 0 &&
	    o->key_len > 0);
}
