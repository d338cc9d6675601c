/*
 * Addresses of rohrpost.conf that are of a family which this host has not.
 */
#ifndef CTL_CTL_FAMILY_H
#define CTL_CTL_FAMILY_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/*
 * Which addresses of IPv6 are named (listen_*, resolver, relay_host), where the
 * kernel has no IPv6 at all? "*", and [::] beside an address of IPv4, name none:
 * they stand for what there is. For a file that is good. 0; -1 with why, a line
 * for each: "KEY: words".
 */
int	family_judge(const char *dir, struct buf *why) ATTR_CHECK;

#endif
