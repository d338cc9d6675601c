/*
 * A message as store keeps it: what a door is told of it, and what is not.
 *
 * The id names the message wherever it goes (RFC 8474, EMAILID): COPY, MOVE and
 * a rebuild keep it. What few messages have lies behind the rest, in index and
 * flags file: a tag and a length octet before each field. Keywords beyond the
 * 64 of the record are the first of them (RECORD_WIDE: keyword_set.h), then
 * since when POP3 does not show it (RECORD_FETCHED: u32 seconds), which a copy
 * does not take along; those that this version does not know come in more, and
 * are written as they were read.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "lib/mail/door.h"
#include "lib/mail/keyword_set.h"

enum {
	RECORD_ID = 16, RECORD_MORE = 255,
	RECORD_WIDE = 'k', RECORD_FETCHED = 'p',
	RECORD_REST = 2 + KEYWORD_PACKED + 2 + 4 + RECORD_MORE,
};

struct record {
	struct door_record d;		/* MARK_WIDE: it has wide;
					   MARK_FETCHED: fetched is not 0 */
	unsigned char id[RECORD_ID];	/* all 0: it has none yet */
	const unsigned char *wide;	/* borrowed; further keywords, packed */
	const unsigned char *more;	/* borrowed; at most RECORD_MORE octets */
	unsigned wide_len, more_len;
	uint32_t fetched;		/* deleted by POP3 then, and kept; 0 */
	int	 ordered;		/* it has a row 'o' (index.h) */
};

/* All keywords of a message. */
void	record_keywords(const struct record *r, struct keyword_set *s_r);
/* It has those now; further ones lie in space, as long as r is used. */
void	record_set_keywords(struct record *r, const struct keyword_set *s,
	    unsigned char space[KEYWORD_PACKED]);
/* POP3 deleted it at that second, and it is kept; 0: it shows it again. */
void	record_set_fetched(struct record *r, uint32_t when);
/* What lies behind the rest of a record. How many octets. */
size_t	record_put_rest(const struct record *r,
	    unsigned char out[RECORD_REST]);
/* The same, read: borrowed. 0; -1 where it is too long. */
int	record_take_rest(struct record *r, const void *p, size_t len)
	    ATTR_CHECK;

#endif
