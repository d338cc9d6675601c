/*
 * A DMARC record (RFC 9989 section 4.7), as its owner wants to know it: right,
 * or wrong at which tag.
 */
#ifndef CTL_DNS_DMARC_H
#define CTL_DNS_DMARC_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum dmarc_judged {
	DMARC_NONE,	/* the TXT is another record */
	DMARC_GOOD,
	DMARC_WRONG,	/* at the tag in where */
};

enum dmarc_judged dmarc_judge(const char *p, size_t len, struct buf *where);

#endif
