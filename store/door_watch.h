/*
 * Doors that watch mailboxes.
 */
#ifndef STORE_DOOR_WATCH_H
#define STORE_DOOR_WATCH_H

#include "lib/base/attr.h"

struct client;
struct mailbox;

/* Changes of m are events of the door. 0; -1: too many. */
int	client_watch(struct client *c, struct mailbox *m) ATTR_CHECK;
void	client_unwatch(struct client *c, struct mailbox *m);

#endif
