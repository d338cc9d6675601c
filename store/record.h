/*
 * A message as store keeps it: what a door is told of it, and what is not.
 *
 * The id names the message wherever it goes (RFC 8474, EMAILID): COPY, MOVE and
 * a rebuild keep it. Fields that this version does not know come in more, a tag
 * and a length octet before each, and are written as they were read.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "lib/mail/door.h"

enum { RECORD_ID = 16, RECORD_MORE = 255 };

struct record {
	struct door_record d;
	unsigned char id[RECORD_ID];	/* all 0: it has none yet */
	const unsigned char *more;	/* borrowed; at most RECORD_MORE octets */
	unsigned more_len;
	int	 ordered;		/* it has a row 'o' (index.h) */
};

#endif
