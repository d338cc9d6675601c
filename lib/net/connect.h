/*
 * A TCP connection to an address, within a time.
 */
#ifndef LIB_NET_CONNECT_H
#define LIB_NET_CONNECT_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/net/addr.h"

/* A connected socket that does not block, or -1 with why. */
int	addr_connect(const struct addr *a, int64_t ms, struct buf *why)
	    ATTR_CHECK;

#endif
