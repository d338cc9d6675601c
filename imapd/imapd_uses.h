/*
 * The special uses of mailboxes in the words of IMAP (RFC 6154 2).
 */
#ifndef IMAPD_IMAPD_USES_H
#define IMAPD_IMAPD_USES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* The bit (enum door_attr) of a use, in any case of letters; 0: none has it. */
uint32_t imapd_use_find(const char *p, size_t len);
/* " \Drafts \Sent" for the bits in attrs that are uses. */
void	imapd_uses_put(struct buf *out, uint32_t attrs);

#endif
