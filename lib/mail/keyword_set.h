/*
 * Keywords of a message as bits of its mailbox's keyword list. The first 64 are
 * a word of the record (struct door_record); the further ones, which few
 * messages have, are packed beside it: an octet that says how many octets of
 * zeros are left out in front, then octets, of which neither the first nor the
 * last is 0. Bit i of octet n is keyword 64 + 8 n + i. None is no octet.
 */
#ifndef LIB_MAIL_KEYWORD_SET_H
#define LIB_MAIL_KEYWORD_SET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum {
	KEYWORDS_MAX = 1024,		/* of one mailbox */
	KEYWORD_LEN = 100,		/* octets of a name */
	KEYWORD_WORDS = KEYWORDS_MAX / 64,
	KEYWORD_PACKED = 1 + (KEYWORD_WORDS - 1) * 8,
};

struct keyword_set {
	uint64_t word[KEYWORD_WORDS];
};

/* May that be a keyword's name: an atom of at most KEYWORD_LEN? */
int	keyword_ok(const char *p, size_t len);

void	keyword_set_put(struct keyword_set *s, unsigned bit);
int	keyword_set_has(const struct keyword_set *s, unsigned bit);
void	keyword_set_drop(struct keyword_set *s, unsigned bit);
/* s with what is in other, without it. */
void	keyword_set_add(struct keyword_set *s, const struct keyword_set *other);
void	keyword_set_remove(struct keyword_set *s,
	    const struct keyword_set *other);
/* Only those below that bit stay. */
void	keyword_set_keep(struct keyword_set *s, unsigned below);
/* s becomes all that is not in it. */
void	keyword_set_invert(struct keyword_set *s);
int	keyword_set_same(const struct keyword_set *a,
	    const struct keyword_set *b);
/* Have they one in common? */
int	keyword_set_meet(const struct keyword_set *a,
	    const struct keyword_set *b);
/* The first from that bit on; -1: there is none. */
int	keyword_set_next(const struct keyword_set *s, unsigned from);
/* One more than the last; 0: it is empty. */
unsigned keyword_set_end(const struct keyword_set *s);
int	keyword_set_is_full(const struct keyword_set *s);

/* The further ones, packed. Their number of octets. */
size_t	keyword_set_pack(const struct keyword_set *s,
	    unsigned char out[KEYWORD_PACKED]);
/* Those of s become what is packed there. 0; -1: that is none, and s has no
   further ones. */
int	keyword_set_unpack(struct keyword_set *s, const void *p, size_t len)
	    ATTR_CHECK;

#endif
