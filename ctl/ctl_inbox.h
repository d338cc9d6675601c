/*
 * An INBOX that takes over the numbers of another server takes the place of
 * the one that is there, if that never had a message (store/op_adopt.h). Who
 * waits in the old one (IDLE) would hear of no new mail: those sessions end,
 * and come back to the new one.
 */
#ifndef CTL_CTL_INBOX_H
#define CTL_CTL_INBOX_H

#include <stdint.h>

#include "ctl/ctl.h"
#include "lib/mail/door.h"

/* The INBOX's id; 0: it cannot be told. */
uint32_t inbox_id(struct door *d);
/* The same of that account, by a door of its own. */
uint32_t inbox_id_of(struct ctl *c, const char *account);
/* Ends the account's sessions if its INBOX is another one than before, which
   is 0 where it could not be told. */
void	inbox_end_sessions(struct ctl *c, const char *account,
	    uint32_t before);

#endif
