#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT(max);
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		mem_wipe(b->data, b->cap);
	buf_clear(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

const char *
buf_str(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

int
buf_reserve(struct buf *b, size_t extra)
{
	size_t need, cap;

	if (__builtin_add_overflow(b->len, extra, &need) ||
	    need == SIZE_MAX || (b->max != 0 && need > b->max))
		return -1;
	if (need + 1 <= b->cap)
		return 0;
	cap = b->cap ? b->cap : 64;
	while (cap < need + 1)
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			cap = need + 1;
	if (b->max != 0 && cap > b->max + 1)
		cap = b->max + 1;
	b->data = mem_realloc(b->data, cap, 1);
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_append(struct buf *b, const void *p, size_t len)
{
	if (buf_reserve(b, len) == -1)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_putc(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char small[512];
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n >= 0 && (size_t)n < sizeof(small))
		n = buf_append(b, small, (size_t)n);
	else if (n >= 0 && buf_reserve(b, (size_t)n) == 0) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
		n = 0;
	} else
		n = -1;
	va_end(again);
	return n;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

int
buf_put_number(struct buf *b, uint64_t v)
{
	char s[20];
	size_t i = sizeof(s);

	do {
		s[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return buf_append(b, s + i, sizeof(s) - i);
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return buf_append(b, &v, 1);
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	unsigned char p[4];
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)(v >> (8 * i));
	return buf_append(b, p, sizeof(p));
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	unsigned char p[8];
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)(v >> (8 * i));
	return buf_append(b, p, sizeof(p));
}

int
buf_put_lv(struct buf *b, const void *p, size_t len)
{
	if (len > UINT32_MAX - 4 || buf_reserve(b, len + 4) == -1)
		return -1;
	buf_put_u32(b, (uint32_t)len);
	return buf_append(b, p, len);
}

/* Words for people are better cut than lost. */
void
buf_set(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	if (b == NULL)
		return;
	buf_reset(b);
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0 && b->max != 0 && (size_t)n > b->max)
		n = (int)b->max;
	if (n > 0 && buf_reserve(b, (size_t)n) == 0) {
		vsnprintf(b->data, (size_t)n + 1, fmt, again);
		b->len = (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_reset(b);
		return;
	}
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->data[len] = '\0';
	}
}

void
cursor_init(struct cursor *c, const void *p, size_t len)
{
	static const unsigned char nothing[1];

	c->p = p != NULL ? p : nothing;
	c->end = c->p + (p != NULL ? len : 0);
	c->bad = 0;
}

size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

const void *
cursor_take(struct cursor *c, size_t len)
{
	const unsigned char *p = c->p;

	if (c->bad || len > cursor_left(c)) {
		c->bad = 1;
		c->p = c->end;
		return NULL;
	}
	c->p += len;
	return p;
}

static uint64_t
cursor_int(struct cursor *c, size_t n)
{
	const unsigned char *p = cursor_take(c, n);
	uint64_t v = 0;

	if (p != NULL)
		while (n-- > 0)
			v = v << 8 | p[n];
	return v;
}

uint8_t
cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_int(c, 1);
}

uint32_t
cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_int(c, 4);
}

uint64_t
cursor_u64(struct cursor *c)
{
	return cursor_int(c, 8);
}

const void *
cursor_lv(struct cursor *c, size_t *len_r, size_t max)
{
	uint32_t len = cursor_u32(c);

	*len_r = 0;
	if (c->bad || len > max) {
		c->bad = 1;
		return NULL;
	}
	*len_r = len;
	return cursor_take(c, len);
}
