/*
 * A connection to the first of a host's addresses that answers (RFC 8305):
 * they are tried in turn, the next one CONNECT_NEXT_MS after the one before,
 * or at once where that failed, and the first that is there is taken. All of it
 * is over in CONNECT_ALL_MS.
 */
#ifndef RELAY_FETCH_CONNECT_H
#define RELAY_FETCH_CONNECT_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/net/addr.h"

enum {
	CONNECT_NEXT_MS = 250,
	CONNECT_ALL_MS = 30 * 1000,
	CONNECT_MAX = 8,	/* addresses that are tried */
};

/* The socket, and the address in *which_r; -1 with words. */
int	connect_first(const struct addr *v, size_t n, size_t *which_r,
	    struct buf *words) ATTR_CHECK;

#endif
