/*
 * Parts of find_network (ctl/find.h) for tests.
 */
#ifndef CTL_FIND_NET_H
#define CTL_FIND_NET_H

#include <netinet/in.h>

/* The default router of a text as /proc/net/route has it; 0: there is none. */
int	find_router(const char *text, char ip[INET_ADDRSTRLEN]);

#endif
