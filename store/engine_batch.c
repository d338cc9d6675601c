#include "config.h"

#include <string.h>

#include "lib/base/log.h"
#include "store/engine_impl.h"

enum { KEEP = 256 * 1024 };	/* octets that an empty batch may hold */

static void
add(struct buf *to, enum engine_op_kind kind, enum engine_table t,
    const void *key, size_t klen, const void *value, size_t vlen)
{
	buf_put_u8(to, (uint8_t)kind);
	buf_put_u8(to, (uint8_t)t);
	buf_put_lv(to, key, klen);
	buf_put_lv(to, value, vlen);
}

/* Rows of another account have their own batch, with its own conditions. */
static void
check_key(const struct engine_batch *b, const void *key, size_t klen)
{
	const unsigned char *k = key;

	if (klen < 4 || klen >= ENGINE_KEY_MAX || ((uint32_t)k[0] << 24 |
	    (uint32_t)k[1] << 16 | (uint32_t)k[2] << 8 | k[3]) != b->account)
		log_panic("index: a key that is not account %u's",
		    (unsigned)b->account);
}

void
engine_put(struct engine_batch *b, enum engine_table t, const void *key,
    size_t klen, const void *value, size_t vlen)
{
	check_key(b, key, klen);
	add(&b->ops, ENGINE_OP_PUT, t, key, klen, value, vlen);
	b->n++;
}

void
engine_del(struct engine_batch *b, enum engine_table t, const void *key,
    size_t klen)
{
	check_key(b, key, klen);
	add(&b->ops, ENGINE_OP_DEL, t, key, klen, "", 0);
	b->n++;
}

void
engine_expect(struct engine_batch *b, const void *key, size_t klen,
    const void *value, size_t vlen)
{
	check_key(b, key, klen);
	if (value == NULL)
		add(&b->conditions, ENGINE_OP_NONE, ENGINE_CORE, key, klen,
		    "", 0);
	else
		add(&b->conditions, ENGINE_OP_IS, ENGINE_CORE, key, klen,
		    value, vlen);
}

void
engine_batch_clear(struct engine_batch *b)
{
	buf_clear(&b->ops);
	buf_clear(&b->conditions);
	buf_clear(&b->files);
	b->n = 0;
}

void
engine_file(struct engine_batch *b, const struct engine_file *f)
{
	buf_append(&b->files, f, sizeof(*f));
}

void
engine_batch_reset(struct engine_batch *b)
{
	buf_reset(&b->ops);
	buf_reset(&b->conditions);
	buf_reset(&b->files);
	b->n = 0;
	if (b->ops.cap > KEEP || b->conditions.cap > KEEP ||
	    b->files.cap > KEEP)
		engine_batch_clear(b);
}

void
engine_op_next(struct cursor *c, struct engine_op *op)
{
	op->kind = cursor_u8(c);
	op->table = cursor_u8(c);
	op->key = cursor_lv(c, &op->klen, SIZE_MAX);
	op->value = cursor_lv(c, &op->vlen, SIZE_MAX);
}

int
engine_key_cmp(const void *a, size_t alen, const void *b, size_t blen)
{
	int r = memcmp(a, b, alen < blen ? alen : blen);

	if (r != 0)
		return r;
	return alen < blen ? -1 : alen > blen;
}

void
engine_scan_init(struct engine_scan *s, enum engine_table t,
    const void *from, size_t flen, const void *to, size_t tlen)
{
	s->table = t;
	s->max = 0;
	s->flen = flen;
	s->tlen = tlen;
	memcpy(s->from, from, flen);
	memcpy(s->to, to, tlen);
}

void
engine_scan_at(struct engine_scan *s, const void *key, size_t klen)
{
	memcpy(s->from, key, klen);
	s->flen = klen;
}

/* The least key above another is that with one more octet, which is 0. */
void
engine_scan_behind(struct engine_scan *s, const void *key, size_t klen)
{
	engine_scan_at(s, key, klen);
	s->from[s->flen++] = 0;
}
