/*
 * An APPEND of several messages (RFC 3502): all or none.
 */
#ifndef STORE_OP_APPEND_MANY_H
#define STORE_OP_APPEND_MANY_H

#include "store/door_client.h"

struct door_record;
struct mailbox;

/*
 * One of several: kept until the last, which names the mailbox, and with which
 * they go on their way. What is out of its order makes none of them one.
 */
void	append_part(struct request *r);
/* One that was not begun, and is answered: none of them is. */
void	append_part_back(struct request *r);

#endif
