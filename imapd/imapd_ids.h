/*
 * Ids for life of mailboxes and messages (RFC 8474), as store has them and as
 * clients see them: a letter that tells the kind, and 32 hexadecimal digits.
 */
#ifndef IMAPD_IMAPD_IDS_H
#define IMAPD_IMAPD_IDS_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/door.h"

enum imapd_id { IMAPD_ID_MAILBOX = 'F', IMAPD_ID_EMAIL = 'M' };

/* Adds the id of DOOR_ID octets. */
void	imapd_ids_put(struct buf *out, enum imapd_id kind, const void *id);
/* May any server have such an id? */
int	imapd_ids_ok(const char *p, size_t len);
/* 0, or -1: none here is of that form. */
int	imapd_ids_read(const char *p, enum imapd_id kind,
	    unsigned char id_r[DOOR_ID]);
/* The id of a uid in the answer of door_ids; NULL: it has none. */
const char *imapd_ids_find(const struct buf *packed, uint32_t uid);

#endif
