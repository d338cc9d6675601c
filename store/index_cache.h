/*
 * What the table CACHE holds of a message: its cache record (ENVELOPE and
 * structures, as a door wrote them), or, where that is larger than
 * CACHE_INLINE, where it lies in the ring.
 *
 * The ring is one file of at most CACHE_RING octets in which the newest takes
 * the place of the oldest. A record that many recipients of a message have is
 * there once. Nothing of it is synced: what lies in it is believed where its
 * place and its checksum are those of the row. What cannot be written or is not
 * there any more is no cache record, and is computed anew by who needs it.
 *
 * All calls but open and close are for any thread.
 */
#ifndef STORE_INDEX_CACHE_H
#define STORE_INDEX_CACHE_H

#include <stdint.h>

#include "lib/base/buf.h"

enum {
	CACHE_INLINE = 1024,
	CACHE_REF = 17,			/* octets of a row that names a place */
	CACHE_RING = 256 << 20,
};

/*
 * Opens the ring of an index in its folder; one that an orderly end did not
 * leave (index_cache_close) is emptied. epoch: of this start. What fails is told,
 * and there is no ring then.
 */
void	index_cache_open(const char *home, uint64_t epoch);
void	index_cache_close(void);

/* What is to be put into a row for a record; p may point into ref. */
struct cache_row {
	const void *p;
	size_t	 len;			/* 0: nothing */
	unsigned char ref[CACHE_REF + 1];
};
void	index_cache_row(struct cache_row *r, const void *record, size_t len);
/* The record of such a row, appended to out: 0, or -1 where it is gone. */
int	index_cache_get(const void *row, size_t len, struct buf *out)
	    ATTR_CHECK;

#endif
