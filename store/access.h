/*
 * Who may do what with whose mailboxes: the one place that judges it. Every
 * request that names a mailbox, or would, asks here before anything is looked
 * up, so that what is refused tells nothing of what there is.
 */
#ifndef STORE_ACCESS_H
#define STORE_ACCESS_H

#include "lib/base/msg.h"
#include "lib/mail/door.h"

struct client;

/*
 * May the request be begun? D_OK; or D_ABSENT, as if there were no such
 * mailbox. A door has its user's own mailboxes and no other; one that follows
 * has all, but its requests change nothing (lib/mail/door_proto.c).
 */
enum door_error access_judge(const struct client *c, const struct msg *m);

#endif
