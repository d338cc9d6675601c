/*
 * What can be said of relay's keys beyond what settings.h says of any.
 */
#ifndef RELAY_RELAY_CHECK_H
#define RELAY_RELAY_CHECK_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* "", a host's name or "[address]": 0; -1 with why, which names the key. */
int	check_relay_host(const char *host, struct buf *why) ATTR_CHECK;

#endif
