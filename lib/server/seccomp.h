/*
 * The system call filter.
 */
#ifndef LIB_SERVER_SECCOMP_H
#define LIB_SERVER_SECCOMP_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/*
 * Denies what enum right (program.h) names, but for the rights given, and what
 * nobody may. It cannot be taken back; filters add up. 0, or -1 with why.
 * Nothing where the build had no libseccomp.
 */
int	server_filter(unsigned rights, struct buf *why) ATTR_CHECK;

#endif
