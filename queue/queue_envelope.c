#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/packed.h"
#include "queue/queue_envelope.h"
#include "queue/queue_fields.h"
#include "queue/queue_record.h"

void
envelope_init(struct envelope *e)
{
	memset(e, 0, sizeof(*e));
	e->sender = e->client = e->login = e->envid = "";
	e->account = e->uidl = e->message_id = "";
}

static const char *
take_copy(char **arena, const char *p, size_t len)
{
	char *start = *arena;

	memcpy(start, p, len);
	start[len] = '\0';
	*arena += len + 1;
	return start;
}

static size_t
take_recipients(struct cursor *c, struct recipient *r, size_t max, char **arena)
{
	struct packed_recipient p;
	size_t n;

	for (n = 0; n < max && packed_recipient(c, &p) == 1; n++) {
		r[n].address = take_copy(arena, p.address, p.len);
		r[n].orcpt = take_copy(arena, p.orcpt, p.orcpt_len);
		r[n].notify = p.notify;
	}
	return n;
}

/* Room for as many recipients as the octets that are left can hold. */
static struct recipient *
recipients_room(const struct cursor *c, size_t *max_r)
{
	*max_r = cursor_left(c) / PACKED_RECIPIENT_MIN + 1;
	if (*max_r > RECIPIENTS_MAX)
		*max_r = RECIPIENTS_MAX;
	return mem_zalloc(*max_r, sizeof(struct recipient));
}

int
recipients_parse(struct envelope *e, const void *p, size_t len, size_t extra,
    char **extra_r)
{
	struct cursor c;
	size_t max;

	envelope_init(e);
	cursor_init(&c, p, len);
	e->rcpt = recipients_room(&c, &max);
	e->arena = *extra_r = mem_alloc(len + 1 + extra);
	e->n_rcpt = take_recipients(&c, e->rcpt, max, extra_r);
	if (!c.bad && cursor_left(&c) == 0 && e->n_rcpt > 0)
		return 0;
	envelope_clear(e);
	return -1;
}

static int
put_recipients(struct buf *out, const struct envelope *e)
{
	const struct recipient *r;
	size_t i;
	int bad = e->n_rcpt == 0 || e->n_rcpt > RECIPIENTS_MAX ? -1 : 0;

	buf_put_u32(out, (uint32_t)e->n_rcpt);
	for (i = 0; i < e->n_rcpt && !bad; i++) {
		r = &e->rcpt[i];
		bad = packed_put_recipient(out, &(struct packed_recipient){
		    r->address, strlen(r->address), r->orcpt,
		    strlen(r->orcpt), r->notify });
	}
	return bad;
}

/* What stands in front of the recipients; as it is read by take_fixed. */
static int
put_fixed(struct buf *out, const struct envelope_field *f,
    const struct envelope *e)
{
	if (f->type == MSG_U64)
		return buf_put_u64(out, field_number(f, e));
	if (f->type == MSG_U32)
		return buf_put_u32(out, (uint32_t)field_number(f, e));
	return record_put_text(out, field_text(f, e), f->max);
}

/* A field of the rest: tag, lv value. */
static int
put_tagged(struct buf *out, const struct envelope_field *f,
    const struct envelope *e)
{
	const struct envelope_bytes *b;

	buf_put_u8(out, f->tag);
	if (f->type == MSG_TEXT)
		return record_put_text(out, field_text(f, e), f->max);
	if (f->type == MSG_BYTES) {
		b = field_bytes(f, e);
		return b->len > f->max ? -1 : buf_put_lv(out, b->p, b->len);
	}
	buf_put_u32(out, sizeof(uint32_t));
	return buf_put_u32(out, (uint32_t)field_number(f, e));
}

int
envelope_pack(const struct envelope *e, struct buf *out)
{
	const struct envelope_field *f;
	size_t start = out->len;
	int bad = 0;

	buf_put_u8(out, RECORD_VERSION);
	for (f = envelope_fields; f->name != NULL; f++)
		if (f->flags & FIELD_FIXED)
			bad |= put_fixed(out, f, e);
	bad |= put_recipients(out, e);
	for (f = envelope_fields; f->name != NULL; f++)
		if (!(f->flags & FIELD_FIXED) && !field_absent(f, e))
			bad |= put_tagged(out, f, e);
	if (bad)
		buf_truncate(out, start);
	return bad ? -1 : 0;
}

static void
take_fixed(struct cursor *c, const struct envelope_field *f,
    struct envelope *e, char **arena)
{
	const void *p;
	size_t len;

	if (f->type == MSG_U64) {
		field_set_number(f, e, cursor_u64(c));
	} else if (f->type == MSG_U32) {
		field_set_number(f, e, cursor_u32(c));
	} else {
		p = cursor_lv(c, &len, f->max);
		if (c->bad || field_set(f, e, p, len, arena) == -1)
			c->bad = 1;
	}
}

/* The rest, each field once; what is not known is skipped. */
static void
take_tagged(struct cursor *c, struct envelope *e, char **arena)
{
	const struct envelope_field *f;
	struct cursor number;
	const void *p;
	uint8_t tag;
	size_t len;

	while (record_next(c, &tag, &p, &len)) {
		if ((f = field_by_tag(tag)) == NULL)
			continue;
		if (!field_absent(f, e)) {
			c->bad = 1;
		} else if (f->type == MSG_U32) {
			cursor_init(&number, p, len);
			field_set_number(f, e, cursor_u32(&number));
			c->bad |= number.bad || cursor_left(&number) > 0;
		} else if (field_set(f, e, p, len, arena) == -1) {
			c->bad = 1;
		}
	}
}

int
envelope_parse(struct envelope *e, const void *p, size_t len)
{
	const struct envelope_field *f;
	struct cursor c;
	char *arena;
	size_t max;
	uint32_t n;

	envelope_init(e);
	cursor_init(&c, p, len);
	if (cursor_u8(&c) != RECORD_VERSION)
		return -1;
	e->arena = arena = mem_alloc(len + 1);
	for (f = envelope_fields; f->name != NULL; f++)
		if (f->flags & FIELD_FIXED)
			take_fixed(&c, f, e, &arena);
	n = cursor_u32(&c);
	e->rcpt = recipients_room(&c, &max);
	e->n_rcpt = take_recipients(&c, e->rcpt, n < max ? n : max, &arena);
	take_tagged(&c, e, &arena);
	if (!c.bad && e->n_rcpt > 0 && e->n_rcpt == n)
		return 0;
	envelope_clear(e);
	return -1;
}

void
envelope_clear(struct envelope *e)
{
	free(e->rcpt);
	free(e->arena);
	envelope_init(e);
}
