#include <string.h>

#include "lib/mail/keyword_set.h"

/*
 * atom = 1*<any CHAR except "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]">
 * (RFC 3501 section 9; octets above 0x7f are no CHAR).
 */
int
keyword_ok(const char *p, size_t len)
{
	size_t i;

	if (len == 0 || len > KEYWORD_LEN)
		return 0;
	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 0x7f ||
		    strchr("(){%*\"\\]", p[i]) != NULL)
			return 0;
	return 1;
}

static uint64_t
bit_of(unsigned bit)
{
	return (uint64_t)1 << bit % 64;
}

void
keyword_set_put(struct keyword_set *s, unsigned bit)
{
	s->word[bit / 64] |= bit_of(bit);
}

int
keyword_set_has(const struct keyword_set *s, unsigned bit)
{
	return (s->word[bit / 64] & bit_of(bit)) != 0;
}

void
keyword_set_drop(struct keyword_set *s, unsigned bit)
{
	s->word[bit / 64] &= ~bit_of(bit);
}

void
keyword_set_add(struct keyword_set *s, const struct keyword_set *other)
{
	unsigned i;

	for (i = 0; i < KEYWORD_WORDS; i++)
		s->word[i] |= other->word[i];
}

void
keyword_set_remove(struct keyword_set *s, const struct keyword_set *other)
{
	unsigned i;

	for (i = 0; i < KEYWORD_WORDS; i++)
		s->word[i] &= ~other->word[i];
}

void
keyword_set_keep(struct keyword_set *s, unsigned below)
{
	unsigned i;

	for (i = 0; i < KEYWORD_WORDS; i++)
		if (below <= i * 64)
			s->word[i] = 0;
		else if (below < i * 64 + 64)
			s->word[i] &= bit_of(below) - 1;
}

void
keyword_set_invert(struct keyword_set *s)
{
	unsigned i;

	for (i = 0; i < KEYWORD_WORDS; i++)
		s->word[i] = ~s->word[i];
}

int
keyword_set_same(const struct keyword_set *a, const struct keyword_set *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int
keyword_set_meet(const struct keyword_set *a, const struct keyword_set *b)
{
	unsigned i;

	for (i = 0; i < KEYWORD_WORDS; i++)
		if (a->word[i] & b->word[i])
			return 1;
	return 0;
}

int
keyword_set_next(const struct keyword_set *s, unsigned from)
{
	uint64_t w;
	unsigned i = from / 64;

	if (from >= KEYWORDS_MAX)
		return -1;
	w = s->word[i] & (UINT64_MAX << from % 64);
	while (w == 0 && ++i < KEYWORD_WORDS)
		w = s->word[i];
	return w == 0 ? -1 : (int)i * 64 + __builtin_ctzll(w);
}

unsigned
keyword_set_end(const struct keyword_set *s)
{
	unsigned i = KEYWORD_WORDS;

	while (i > 0 && s->word[i - 1] == 0)
		i--;
	return i == 0 ? 0 :
	    i * 64 - (unsigned)__builtin_clzll(s->word[i - 1]);
}

int
keyword_set_is_full(const struct keyword_set *s)
{
	unsigned i;

	for (i = 0; i < KEYWORD_WORDS; i++)
		if (s->word[i] != UINT64_MAX)
			return 0;
	return 1;
}

size_t
keyword_set_pack(const struct keyword_set *s,
    unsigned char out[KEYWORD_PACKED])
{
	int first = keyword_set_next(s, 64);
	unsigned i, from, end = keyword_set_end(s);

	if (first == -1)
		return 0;
	from = (unsigned)first / 8;
	end = (end + 7) / 8;
	out[0] = (unsigned char)(from - 8);
	for (i = from; i < end; i++)
		out[1 + i - from] = (unsigned char)(s->word[i / 8] >>
		    i % 8 * 8);
	return 1 + end - from;
}

int
keyword_set_unpack(struct keyword_set *s, const void *packed, size_t len)
{
	const unsigned char *p = packed;
	size_t i, n;

	memset(s->word + 1, 0, sizeof(s->word) - sizeof(s->word[0]));
	if (len == 0)
		return 0;
	if (len < 2 || p[0] + len > KEYWORD_PACKED || p[1] == 0 ||
	    p[len - 1] == 0)
		return -1;
	for (i = 1; i < len; i++) {
		n = 8 + p[0] + i - 1;
		s->word[n / 8] |= (uint64_t)p[i] << n % 8 * 8;
	}
	return 0;
}
