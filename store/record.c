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

size_t
record_put_rest(const struct record *r, unsigned char out[RECORD_REST])
{
	size_t n = 0;

	if (r->wide_len > 0 && r->wide_len <= KEYWORD_PACKED) {
		out[n++] = RECORD_WIDE;
		out[n++] = (unsigned char)r->wide_len;
		memcpy(out + n, r->wide, r->wide_len);
		n += r->wide_len;
	}
	if (r->more_len > 0 && r->more_len <= RECORD_MORE) {
		memcpy(out + n, r->more, r->more_len);
		n += r->more_len;
	}
	return n;
}

/* Broken keywords are none; of several, which nobody writes, the last count. */
int
record_take_rest(struct record *r, const void *rest, size_t len)
{
	const unsigned char *p = rest;
	struct keyword_set s;

	r->wide_len = 0;
	while (len >= 2 && p[0] == RECORD_WIDE && p[1] <= len - 2U) {
		if (p[1] > 0 && keyword_set_unpack(&s, p + 2, p[1]) == 0) {
			r->wide = p + 2;
			r->wide_len = p[1];
			r->d.flags |= MARK_WIDE;
		}
		len -= 2U + p[1];
		p += 2U + p[1];
	}
	r->more = p;
	r->more_len = (unsigned)len;
	return len > RECORD_MORE ? -1 : 0;
}
