/*
 * The door of this process: store, for the one user whose sessions it holds.
 */
#ifndef IMAPD_IMAPD_DOOR_H
#define IMAPD_IMAPD_DOOR_H

#include "lib/mail/door.h"

extern struct door imapd_door;

/*
 * What the last call's error is to a client: a response code (RFC 5530, RFC
 * 9208) without its brackets, and words. Borrowed until the next call.
 */
const char *imapd_door_code(void);
const char *imapd_door_words(void);

#endif
