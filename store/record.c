#include "config.h"

#include <string.h>

#include "store/record.h"

void
record_keywords(const struct record *r, struct keyword_set *s)
{
	memset(s, 0, sizeof(*s));
	s->word[0] = r->d.keywords;
	/* What is broken was left out when it was read. */
	(void)!keyword_set_unpack(s, r->wide, r->wide_len);
}

void
record_set_keywords(struct record *r, const struct keyword_set *s,
    unsigned char space[KEYWORD_PACKED])
{
	r->d.keywords = s->word[0];
	r->wide = space;
	r->wide_len = (unsigned)keyword_set_pack(s, space);
	r->d.flags &= ~(uint32_t)MARK_WIDE;
	if (r->wide_len > 0)
		r->d.flags |= MARK_WIDE;
}

void
record_set_fetched(struct record *r, uint32_t when)
{
	r->fetched = when;
	r->d.flags &= ~(uint32_t)MARK_FETCHED;
	if (when != 0)
		r->d.flags |= MARK_FETCHED;
}

static size_t
put_field(unsigned char *out, int tag, const void *p, size_t len)
{
	out[0] = (unsigned char)tag;
	out[1] = (unsigned char)len;
	memcpy(out + 2, p, len);
	return 2 + len;
}

size_t
record_put_rest(const struct record *r, unsigned char out[RECORD_REST])
{
	char space[8];
	struct buf when = { .data = space, .cap = sizeof(space),
		.max = sizeof(space) - 1 };
	size_t n = 0;

	if (r->wide_len > 0 && r->wide_len <= KEYWORD_PACKED)
		n += put_field(out, RECORD_WIDE, r->wide, r->wide_len);
	if (r->fetched != 0) {
		buf_put_u32(&when, r->fetched);
		n += put_field(out + n, RECORD_FETCHED, when.data, when.len);
	}
	if (r->more_len > 0 && r->more_len <= RECORD_MORE) {
		memcpy(out + n, r->more, r->more_len);
		n += r->more_len;
	}
	return n;
}

/* A field that this version knows. 0, or -1: it is another. */
static int
take_field(struct record *r, const unsigned char *p)
{
	struct keyword_set s;
	struct cursor c;

	if (p[0] == RECORD_WIDE) {
		if (p[1] == 0 || keyword_set_unpack(&s, p + 2, p[1]) == -1)
			return 0;
		r->wide = p + 2;
		r->wide_len = p[1];
		r->d.flags |= MARK_WIDE;
		return 0;
	}
	if (p[0] == RECORD_FETCHED && p[1] == 4) {
		cursor_init(&c, p + 2, 4);
		record_set_fetched(r, cursor_u32(&c));
		return 0;
	}
	return -1;
}

/* Broken keywords are none; of several, which nobody writes, the last count. */
int
record_take_rest(struct record *r, const void *rest, size_t len)
{
	const unsigned char *p = rest;

	r->wide_len = 0;
	r->fetched = 0;
	while (len >= 2 && p[1] <= len - 2U && take_field(r, p) == 0) {
		len -= 2U + p[1];
		p += 2U + p[1];
	}
	r->more = p;
	r->more_len = (unsigned)len;
	return len > RECORD_MORE ? -1 : 0;
}
